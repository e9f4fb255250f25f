"""What a worker does with its partitions: restore, apply, publish, checkpoint.

Order of effects for one record:

1. skip it if its offset was already applied;
2. compute;
3. publish the events, then the sampled bars, and wait for Kafka to acknowledge each;
4. publish the checkpoint, if one is due, in the order of `CheckpointWriter`;
5. return, which acknowledges the record.

A crash before 4 makes the record come again, and the same events with the same identities; a crash after 4
makes it come again, and step 1 skips it. Nothing is decided by what happens to be in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from services.signals.checkpoint.codec import PairCheckpoint
from services.signals.checkpoint.plan import BEGINNING, plan_restore
from services.signals.checkpoint.reader import Checkpoints, read_checkpoints
from services.signals.checkpoint.writer import CheckpointWriter
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.pairs.effects import Effects
from services.signals.metrics import SignalsMetrics
from services.signals.publishing.showing import Showing
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.contracts.records import BARS, DEADLETTERS, DIVERGENCES
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.deliveries import dead_letter
from shared.domain.instants import NS_PER_SECOND
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedStatus
from shared.errors import DataError
from shared.kafka import topics
from shared.kafka.publisher import Headers, Publisher
from shared.version import CODE_VERSION

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Running:
    """A lead's engine and how far it is.

    Parameters
    ----------
    applied, checkpointed
        The last offset that it has applied, and the last one with a checkpoint.
    written
        The last offset whose effects a worker before this one may have published already.
    left
        Pairs that are no longer watched; written with the next checkpoint.
    """

    restored: RestoredEngine
    writer: CheckpointWriter
    applied: int
    checkpointed: int
    written: int
    left: tuple[PairCheckpoint, ...]

    @property
    def engine(self) -> LeadEngine:
        return self.restored.engine


class Worker:
    """The signals of the partitions that are assigned to this process.

    Parameters
    ----------
    kafka
        How to reach Kafka, for reading checkpoints.
    publisher
        For everything that is published.
    pairs, rules, calendar
        What to compute.
    false_alarms
        Openings a year by chance, by pair and rule version; events tell them.
    metrics
        What to count.
    clock
        For durations in metrics only; no decision sees it.
    checkpoint_every_records
        Bounds what a restart reads again.
    """

    def __init__(
        self,
        *,
        kafka: KafkaSettings,
        publisher: Publisher,
        pairs: Iterable[Pair],
        rules: tuple[Rule, ...],
        false_alarms: Mapping[tuple[str, str], float],
        calendar: SessionCalendar,
        metrics: SignalsMetrics,
        clock: Clock,
        checkpoint_every_records: int,
    ) -> None:
        self._kafka = kafka
        self._publisher = publisher
        self._pairs = tuple(pairs)
        self._rules = rules
        self._false_alarms = false_alarms
        self._calendar = calendar
        self._metrics = metrics
        self._clock = clock
        self._checkpoint_every = checkpoint_every_records
        self._showing = Showing(metrics, SnapshotPublisher(publisher))
        self._running: dict[int, list[_Running]] = {}

    async def restore(self, partitions: frozenset[int]) -> Mapping[int, int | None]:
        """Rebuild the engines of newly assigned partitions; return where to go on reading each."""
        known = await read_checkpoints(self._kafka, partitions)
        leads = dict.fromkeys(pair.lead for pair in self._pairs)
        home = {lead: await self._publisher.partition_for(topics.TICKS.name, lead) for lead in leads}
        starts: dict[int, int | None] = {}
        for partition in partitions:
            writer = CheckpointWriter(self._publisher, partition=partition, end=known[partition].end)
            running = [
                self._restore(lead, known[partition], writer) for lead in leads if home[lead] == partition
            ]
            self._running[partition] = running
            first = min((each.applied for each in running), default=BEGINNING)
            starts[partition] = None if first == BEGINNING else first + 1
            pairs = sum(len(each.engine.monitors) for each in running)
            log.info("partition_restored", partition=partition, pairs=pairs, start=starts[partition])
        return starts

    async def release(self, partitions: frozenset[int]) -> None:
        """Forget partitions that now belong to another worker."""
        for partition in partitions:
            for running in self._running.pop(partition, ()):
                self._showing.forget(running.engine)

    async def process(
        self, partition: int, offset: int, value: bytes | None, headers: Headers, timestamp: float
    ) -> None:
        """Apply one record; when this returns, every effect of it is durable.

        Parameters
        ----------
        headers, timestamp
            As the stream hands them over; nothing is decided by them, so that a replay decides the same.
        """
        began = self._clock.monotonic()
        waiting = [running for running in self._running.get(partition, ()) if offset > running.applied]
        if self._running.get(partition) and not waiting:
            return
        record: TickRecord | None = None
        try:
            record = decode_tick_record(value)
        except DataError as error:
            # What was written stands on it: it was parked before.
            if any(offset > running.written for running in waiting) or not waiting:
                await self._dead_letter(partition, offset, value, error)
        is_used = False
        for running in waiting:
            effects = Effects()
            running.restored.thaw_before(offset)
            if record is not None and record.instrument in running.engine.market.legs:
                is_used = True
                effects = running.engine.apply(record)
                await self._publish(partition, offset, record, effects)
            running.applied = offset
            if offset > running.written:
                # Also without an effect: a lead that fell silent must not hold back where a restart begins.
                await self._checkpoint(running, effects)
                if is_used:
                    self._showing.show(running.engine, effects)
        self._metrics.records.labels(topics.TICKS.name).inc()
        if record is not None and not is_used:
            self._metrics.suppressed.labels("no_pair").inc()
        self._metrics.step.observe(self._clock.monotonic() - began)

    async def flush(self) -> None:
        """Wait for snapshots on their way."""
        await self._showing.flush()

    def _restore(self, lead: str, known: Checkpoints, writer: CheckpointWriter) -> _Running:
        plan = plan_restore(lead, self._pairs, known_lead=known.leads.get(lead), known_pairs=known.pairs)
        engine = LeadEngine(
            lead,
            [pair for pair in self._pairs if pair.lead == lead],
            rules=self._rules,
            false_alarms=self._false_alarms,
            calendar=self._calendar,
            code_version=CODE_VERSION,
        )
        restored = RestoredEngine(
            engine,
            plan.lead,
            plan.pairs,
            frozen=plan.frozen,
            is_from_beginning=plan.applied == BEGINNING,
        )
        for monitor in engine.monitors:
            monitor.is_dirty |= monitor.pair.name in known.superseded
        writer.add(engine)
        return _Running(
            restored=restored,
            writer=writer,
            applied=plan.applied,
            checkpointed=plan.applied,
            written=plan.written,
            left=plan.left,
        )

    async def _publish(self, partition: int, offset: int, record: TickRecord, effects: Effects) -> None:
        if effects.events:
            received_ns = _received_ns(record)
            headers = [
                ("origin_topic", topics.TICKS.name.encode()),
                ("origin_partition", str(partition).encode()),
                ("origin_offset", str(offset).encode()),
            ]
            if received_ns is not None:
                headers.append(("ts_received_ns", str(received_ns).encode()))
            for event in effects.events:
                sent = await self._publisher.publish(
                    topics.DIVERGENCES.name, key=event.pair, value=DIVERGENCES.encode(event), headers=headers
                )
                self._metrics.events.labels(event.pair, event.type.value).inc()
                if received_ns is not None:
                    took_seconds = sent.timestamp_ms / 1_000 - received_ns / NS_PER_SECOND
                    # The embedded broker answers with a stamp of its own that is no time at all.
                    if took_seconds >= 0:
                        self._metrics.tick_to_event.observe(took_seconds)
                log.info(
                    "divergence_published",
                    event_id=event.event_id,
                    pair=event.pair,
                    transition=event.type.value,
                    direction=event.direction.value,
                    severity=event.severity.value,
                    confirmation=event.confirmation.value,
                    occurred_at=event.occurred_at,
                )
        for bar in effects.sampled:
            await self._publisher.publish(
                topics.BARS.name, key=f"{bar.instrument}|{bar.session}", value=BARS.encode(bar)
            )
        for reason, count in effects.suppressed.items():
            self._metrics.suppressed.labels(reason).inc(count)
        if isinstance(record, FeedStatus | BarBatch):
            return
        self._metrics.ticks.inc(len(record.ts_event_ns))
        self._metrics.late.inc(effects.late_ticks)

    async def _checkpoint(self, running: _Running, effects: Effects) -> None:
        is_due = running.applied - running.checkpointed >= self._checkpoint_every
        if not (is_due or effects.changed or effects.is_shared_changed):
            return
        count = await running.writer.write(running.engine, offset=running.applied, left=running.left)
        running.checkpointed, running.left = running.applied, ()
        self._metrics.checkpoints.inc(count)

    async def _dead_letter(self, partition: int, offset: int, value: bytes | None, error: DataError) -> None:
        letter = dead_letter(
            topics.TICKS.name,
            partition=partition,
            offset=offset,
            raw=value,
            reason=error.reason,
            message=str(error),
        )
        await self._publisher.publish(
            topics.DEADLETTERS.name, key=topics.TICKS.name, value=DEADLETTERS.encode(letter)
        )
        self._metrics.dead_lettered.labels(topics.TICKS.name, error.reason).inc()
        log.warning("record_dead_lettered", partition=partition, offset=offset, reason=error.reason)


def _received_ns(record: TickRecord) -> int | None:
    return None if isinstance(record, FeedStatus | BarBatch) else int(record.ts_received_ns[-1])
