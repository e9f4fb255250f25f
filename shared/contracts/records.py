"""The contracts of the topics whose values are single domain values."""

from typing import Final

from shared.contracts.envelope import Contract
from shared.domain.bars import Bar
from shared.domain.deliveries import DeadLetter, DeliveryOutcome
from shared.domain.divergences import DivergenceEvent
from shared.domain.macro import Observation
from shared.domain.proofs import DayProof
from shared.domain.snapshots import PairSnapshot

BARS: Final = Contract("bars", 1, Bar)
MACRO: Final = Contract("macro", 1, Observation)
SIGNALS: Final = Contract("signals", 1, PairSnapshot)
DIVERGENCES: Final = Contract("divergences", 1, DivergenceEvent)
DELIVERIES: Final = Contract("deliveries", 1, DeliveryOutcome)
DEADLETTERS: Final = Contract("deadletters", 1, DeadLetter)
# Beside proofs, the topic has copies of checkpoints: values of ``state.v1``.
PROOFS: Final = Contract("proofs", 1, DayProof)
