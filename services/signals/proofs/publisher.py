"""Publish the proof of a lead's day, and before it the state that the day left behind.

Order of effects:

1. copies of the checkpoints of the lead and of all its pairs as of the day's last record, in the slot of the
   day: a later day takes the slot over, so that compaction keeps eight days;
2. the parts of the proof, one after the other.

Each is acknowledged before the next. A copy has nothing that a restart changes, so a proof that is published
again, after a crash, has the same bytes.
"""

from itertools import islice
from typing import Final

import structlog

from services.signals.metrics import SignalsMetrics
from services.signals.proofs.proof_key import ProofKey
from services.signals.proofs.proven_lead import ProvenLead
from shared.contracts.records import PROOFS
from shared.domain.instants import NS_PER_SECOND
from shared.domain.proofs import StateDigest, day_end_ns, proof_key, state_key
from shared.kafka import topics
from shared.kafka.publisher import Publisher

log = structlog.get_logger()

# Writing so many takes some ten milliseconds, in which the event loop does nothing else.
_AT_A_TIME: Final = 64


class ProofPublisher:
    """Publish proofs.

    Parameters
    ----------
    publisher
        Sends them.
    key
        Signs them; None for proofs without a signature.
    metrics
        Counts them.
    """

    def __init__(self, publisher: Publisher, key: ProofKey | None, metrics: SignalsMetrics) -> None:
        self._publisher = publisher
        self._key = key
        self._metrics = metrics

    def show(self, lead: ProvenLead) -> None:
        """Show the last day with a proof, as a checkpoint knows it."""
        day = lead.proofs.day
        if day is not None and day.proven is not None:
            self._show(lead.engine.lead, day.proven)

    async def publish(self, lead: ProvenLead, *, partition: int, offset: int) -> None:
        """Publish the proof of the day that is over, and begin the next day.

        Parameters
        ----------
        lead
            The lead, none of its pairs frozen.
        partition
            Of ``ticks.v1``, and of the proof.
        offset
            Of the day's last record, which has had all its other effects.

        Raises
        ------
        BrokerUnavailable
            If an acknowledgement did not come; the proof may or may not be in the log.
        """
        state = await self._publish_state(lead, partition=partition, offset=offset)
        key_id, sign = (None, None) if self._key is None else (self._key.key_id, self._key.sign)
        parts = lead.end_day(state, topic=topics.TICKS.name, partition=partition, key_id=key_id, sign=sign)
        for each in parts:
            await self._publisher.publish(
                topics.PROOFS.name,
                key=proof_key(each.lead, each.day, each.part),
                value=PROOFS.encode(each),
                partition=partition,
            )
        last = parts[-1]
        self._metrics.proofs.labels(last.lead).inc()
        self._show(last.lead, last.day)
        log.info(
            "day_proven",
            lead=last.lead,
            day=last.day,
            records=last.inputs.records,
            events=sum(len(each.digests) for part in parts for each in part.events),
            root=last.root,
            key_id=key_id,
        )

    async def _publish_state(self, lead: ProvenLead, *, partition: int, offset: int) -> str:
        """Publish the copies; return their `state_digest`, without holding all of them at once."""
        name, date = lead.engine.lead, lead.proofs.date
        digest = StateDigest()
        copies = lead.copies(offset)
        while some := list(islice(copies, _AT_A_TIME)):
            for key, value in some:
                digest.take(key, value)
            records = [(state_key(name, date, key), value) for key, value in some]
            await self._publisher.publish_batched(topics.PROOFS.name, records, partition=partition)
        return digest.hexdigest

    def _show(self, lead: str, day: str) -> None:
        self._metrics.proven.labels(lead).set(day_end_ns(day) / NS_PER_SECOND)
