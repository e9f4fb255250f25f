"""A lead's engine with what is collected for its proofs: the one way in which a record becomes both.

It knows no Kafka, so a program that checks a proof computes it with the code that made it: from the copies of
checkpoints that the day before left, and the day's records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
    key_of_lead,
)
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_state import dump_pair
from services.signals.core.proofs.configuration import configuration_digest
from services.signals.core.proofs.lead_proofs import LeadProofs
from shared.contracts.records import DIVERGENCES
from shared.contracts.ticks import TickRecord
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, prove_day


class ProvenLead:
    """Apply a lead's records, and prove its days.

    Parameters
    ----------
    restored
        The engine.
    proofs
        What was collected so far.
    """

    def __init__(self, restored: RestoredEngine, proofs: LeadProofs) -> None:
        self.restored = restored
        self.proofs = proofs

    @property
    def engine(self) -> LeadEngine:
        """The engine."""
        return self.restored.engine

    def apply(self, offset: int, value: bytes, record: TickRecord) -> tuple[Effects, Sequence[bytes]]:
        """Apply the next record; return its effects, and its events as their values in ``divergences.v1``.

        Parameters
        ----------
        value, record
            The record's bytes, and what they say. Its instrument is a leg of the lead.
        """
        effects = self.engine.apply(record)
        self.proofs.take(offset, value)
        values = [DIVERGENCES.encode(event) for event in effects.events]
        for event, encoded in zip(effects.events, values, strict=True):
            self.proofs.take_event(event.pair, event.sequence, encoded)
        return effects, values

    def copies(self, offset: int) -> Iterator[tuple[str, bytes]]:
        """Write copies of the checkpoints of the lead and all its pairs, one at a time, keys ascending.

        They have what the engine needs, and nothing of what is collected for proofs: that depends on the
        proof before, whose root depends on these copies.

        Parameters
        ----------
        offset
            Of the last record applied: the copies are as of it, also of pairs that it did not change.
        """
        monitors = {monitor.pair.name: monitor for monitor in self.engine.monitors}
        key = key_of_lead(self.engine.lead)
        for name in sorted([key, *monitors]):
            if name == key:
                lead = LeadCheckpoint(applied_offset=offset, lead=dump_lead(self.engine))
                yield name, encode_lead(lead)
            else:
                pair = dump_pair(monitors[name], self.engine.waiting)
                yield name, encode_pair(PairCheckpoint(applied_offset=offset, is_retired=False, pair=pair))

    def end_day(
        self,
        state: str,
        *,
        topic: str,
        partition: int,
        key_id: str | None = None,
        sign: Callable[[bytes], str] | None = None,
    ) -> tuple[DayProof, ...]:
        """Return the parts of the proof of the day that is over, and begin the next day.

        Parameters
        ----------
        state
            The `state_digest` of the copies.
        topic, partition
            Where the records are.
        key_id, sign
            See `prove_day`.
        """
        day = self.proofs.proof(topic=topic, partition=partition, state=state)
        parts = prove_day(day, key_id=key_id, sign=sign)
        self.proofs.next_day(parts[-1].root)
        return parts


def restore_copies(
    engine: LeadEngine,
    copies: Mapping[str, bytes],
    *,
    applied: int,
    previous: str = NO_PROOF_BEFORE,
    proven: str | None = None,
) -> ProvenLead:
    """Return a lead as it was when a day had ended.

    Parameters
    ----------
    engine
        A new engine, of the same pairs and settings.
    copies
        As `ProvenLead.copies` wrote them, by their keys in ``state.v1``; of pairs that the engine does not
        have, none is used. A pair without a copy begins anew.
    applied
        Offset of that day's last record.
    previous, proven
        Root and day of that day's proof.

    Raises
    ------
    DecodeError
        If a copy is damaged, or of a version that is not read.
    KeyError
        If the lead's is missing.
    """
    names = [monitor.pair.name for monitor in engine.monitors if monitor.pair.name in copies]
    restored = RestoredEngine(
        engine,
        decode_lead(copies[key_of_lead(engine.lead)]).lead,
        [decode_pair(copies[name]).pair for name in names],
        frozen={},
        is_from_beginning=False,
    )
    return ProvenLead(restored, begun(engine, applied=applied, previous=previous, proven=proven))


def begun(
    engine: LeadEngine, *, applied: int, previous: str = NO_PROOF_BEFORE, proven: str | None = None
) -> LeadProofs:
    """Return the collection of a lead whose first record comes after an offset."""
    proofs = LeadProofs(engine, configuration=configuration_of(engine))
    proofs.begin(applied, previous=previous, proven=proven)
    return proofs


def configuration_of(engine: LeadEngine) -> str:
    """Return the digest of the settings that an engine applies records with."""
    return configuration_digest((monitor.pair for monitor in engine.monitors), engine.config)
