"""What a worker does with its partitions: restore, apply, publish, checkpoint.

Order of effects for one record:

1. skip it if its offset was already applied;
2. compute;
3. publish the events, then the sampled bars, and wait for Kafka to acknowledge each;
4. publish the checkpoint and wait;
5. return, which acknowledges the record.

A crash before 4 makes the record come again, and the same events with the same identities; a crash after 4
makes it come again, and step 1 skips it. Nothing is decided by what happens to be in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from services.signals.checkpoint.codec import Checkpoint, encode_checkpoint
from services.signals.checkpoint.reader import read_checkpoints
from services.signals.core.effects import Effects
from services.signals.core.lead_engine import LeadEngine
from services.signals.core.pair_state import dump_pair, load_pair
from services.signals.core.rules import Rule
from services.signals.metrics import SignalsMetrics
from services.signals.publishing.showing import Showing
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.contracts.records import BARS, DEADLETTERS, DIVERGENCES
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.bars import Bar, BarBatch
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
    """An engine, the last offset that it has applied, and the last one with a checkpoint."""

    engine: LeadEngine
    applied: int
    checkpointed: int


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
        calendar: SessionCalendar,
        metrics: SignalsMetrics,
        clock: Clock,
        checkpoint_every_records: int,
    ) -> None:
        self._kafka = kafka
        self._publisher = publisher
        self._pairs = tuple(pairs)
        self._rules = rules
        self._calendar = calendar
        self._metrics = metrics
        self._clock = clock
        self._checkpoint_every = checkpoint_every_records
        self._showing = Showing(metrics, SnapshotPublisher(publisher))
        self._running: dict[int, list[_Running]] = {}

    async def restore(self, partitions: frozenset[int]) -> Mapping[int, int | None]:
        """Rebuild the engines of newly assigned partitions; return where to go on reading each."""
        checkpoints = await read_checkpoints(self._kafka, partitions)
        starts: dict[int, int | None] = {}
        for partition in partitions:
            pairs = [
                pair
                for pair in self._pairs
                if await self._publisher.partition_for(topics.TICKS.name, pair.lead) == partition
            ]
            known = checkpoints.get(partition, {})
            self._running[partition] = [
                self._engine(group, pairs_of_it, known)
                for group, pairs_of_it in _by_lead_and_offset(pairs, known).items()
            ]
            applied = [running.applied for running in self._running[partition]]
            starts[partition] = None if not applied or min(applied) < 0 else min(applied) + 1
            log.info("partition_restored", partition=partition, pairs=len(pairs), start=starts[partition])
        return starts

    async def release(self, partitions: frozenset[int]) -> None:
        """Forget partitions that now belong to another worker."""
        for partition in partitions:
            self._running.pop(partition, None)

    async def process(
        self, partition: int, offset: int, value: bytes | None, headers: Headers, timestamp: float
    ) -> None:
        """Apply one record; when this returns, every effect of it is durable."""
        began = self._clock.monotonic()
        waiting = [running for running in self._running.get(partition, ()) if offset > running.applied]
        if self._running.get(partition) and not waiting:
            return
        record: TickRecord | None = None
        try:
            record = decode_tick_record(value)
        except DataError as error:
            await self._dead_letter(partition, offset, value, error)
        is_used = False
        for running in waiting:
            effects = Effects()
            if record is not None and _concerns(record, running.engine):
                is_used = True
                effects = running.engine.apply(record)
                await self._publish(partition, offset, record, effects)
            # Also without an effect: a lead that fell silent must not hold back where a restart begins.
            await self._checkpoint(partition, offset, running, effects)
            if is_used:
                self._showing.show(running.engine, effects)
        self._metrics.records.labels(topics.TICKS.name).inc()
        if record is not None and not is_used:
            self._metrics.suppressed.labels("no_pair").inc()
        self._metrics.step.observe(self._clock.monotonic() - began)

    async def flush(self) -> None:
        """Wait for snapshots on their way."""
        await self._showing.flush()

    def _engine(self, group: tuple[str, int], pairs: list[Pair], known: Mapping[str, Checkpoint]) -> _Running:
        lead, applied = group
        engine = LeadEngine(
            lead, pairs, rules=self._rules, calendar=self._calendar, code_version=CODE_VERSION
        )
        waiting: dict[Bar, None] = {}
        for book in engine.books:
            checkpoint = known.get(book.pair.name)
            if checkpoint is not None and applied >= 0:
                load_pair(checkpoint.state, book, engine.market)
                # Pairs that were in different engines may know of different bars.
                waiting |= dict.fromkeys(checkpoint.state.waiting)
        engine.waiting = list(waiting)
        engine.resume()
        return _Running(engine=engine, applied=applied, checkpointed=applied)

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

    async def _checkpoint(self, partition: int, offset: int, running: _Running, effects: Effects) -> None:
        engine = running.engine
        is_due = offset - running.checkpointed >= self._checkpoint_every
        for book in engine.books:
            if is_due or effects.changed or effects.is_shared_changed:
                checkpoint = Checkpoint(
                    applied_offset=offset,
                    lead=engine.lead,
                    state=dump_pair(book, engine.time, engine.waiting),
                )
                await self._publisher.publish(
                    topics.STATE.name,
                    key=book.pair.name,
                    value=encode_checkpoint(checkpoint),
                    partition=partition,
                )
                self._metrics.checkpoints.inc()
                running.checkpointed = offset
        running.applied = offset

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


def _by_lead_and_offset(
    pairs: list[Pair], known: Mapping[str, Checkpoint]
) -> dict[tuple[str, int], list[Pair]]:
    """Group pairs that can share an engine: of one lead, and restored as of one record."""
    groups: dict[tuple[str, int], list[Pair]] = {}
    for pair in pairs:
        checkpoint = known.get(pair.name)
        # A pair that has changed its legs since is a new pair.
        is_same = (
            checkpoint is not None and checkpoint.lead == pair.lead and checkpoint.state.other == pair.other
        )
        applied = checkpoint.applied_offset if checkpoint is not None and is_same else -1
        groups.setdefault((pair.lead, applied), []).append(pair)
    return groups


def _concerns(record: TickRecord, engine: LeadEngine) -> bool:
    return record.instrument in engine.market.legs


def _received_ns(record: TickRecord) -> int | None:
    return None if isinstance(record, FeedStatus | BarBatch) else int(record.ts_received_ns[-1])
