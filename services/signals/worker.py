"""What a worker does with its partitions: restore, apply, publish, checkpoint.

Order of effects for a batch, the records of one partition that one fetch brought:

1. for each record in turn: skip it if its offset was already applied, else compute;
2. publish the events, sampled bars and dead letters of the batch in the order of its records, and wait until
   Kafka has acknowledged all of them;
3. publish the checkpoint as of the last record, if one is due, in the order of `CheckpointWriter`;
4. return, which acknowledges the batch.

A record that ends a lead's day (see `LeadProofs`) ends a part of the batch: after 1 and 2 for the records up
to it come the state and the proof of the day, in the order of `ProofPublisher`, then 3 in any case, then 1
for the next record.

A crash before 3 makes all records since the last checkpoint come again, and the same events with the same
identities, and the same proof; a crash after 3 makes the batch come again, and step 1 skips it. So no pair's
checkpoint is ever newer than a day's end whose proof is not in the log. Where a batch begins and ends is
chance, and changes no event: nothing is decided by what happens to be in memory.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.signals.checkpoint.codec import PairCheckpoint
from services.signals.checkpoint.plan import BEGINNING, plan_restore
from services.signals.checkpoint.reader import Checkpoints, read_checkpoints
from services.signals.checkpoint.writer import CheckpointWriter
from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.pairs.effects import Effects
from services.signals.core.proofs.lead_proofs import LeadProofs
from services.signals.metrics import SignalsMetrics
from services.signals.proofs.proof_key import ProofKey
from services.signals.proofs.proven_lead import ProvenLead, configuration_of
from services.signals.proofs.publisher import ProofPublisher
from services.signals.publishing.outbox import Outbox
from services.signals.publishing.snapshot_scheduler import SnapshotScheduler
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.errors import DataError
from shared.kafka import topics
from shared.kafka.clients import Record
from shared.kafka.publisher import Publisher
from shared.version import CODE_VERSION

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Running:
    """A lead's engine and how far it is.

    Parameters
    ----------
    lead, writer
        The engine with its proofs, and what writes its checkpoints.
    applied, checkpointed
        The last offset that it has applied, and the last one with a checkpoint.
    written
        The last offset whose effects a worker before this one may have published already.
    retired
        Pairs that are no longer watched; written with the next checkpoint.
    changed, is_touched
        What the batch in hand did: pairs of which something changed that must survive a restart, and whether
        any record was of this lead.
    is_unwritten
        Whether something changed that must survive a restart, also what the pairs share, since the batch
        began or since the last checkpoint.
    """

    lead: ProvenLead
    writer: CheckpointWriter
    applied: int
    checkpointed: int
    written: int
    retired: tuple[PairCheckpoint, ...]
    changed: set[str] = field(default_factory=set)
    is_touched: bool = False
    is_unwritten: bool = False

    @property
    def engine(self) -> LeadEngine:
        return self.lead.engine

    def begin_batch(self) -> None:
        self.changed, self.is_touched, self.is_unwritten = set(), False, False

    def apply(self, offset: int, value: bytes, ticks: TickRecord, outbox: Outbox) -> Effects:
        effects, values = self.lead.apply(offset, value, ticks)
        if effects.events or effects.sampled:
            outbox.add_effects(offset, ticks, effects, values)
        self.changed |= effects.changed
        self.is_unwritten |= effects.is_shared_changed or bool(effects.changed)
        return effects


@dataclass(slots=True)
class _Counts:
    """What a batch adds to the counters: counting each record by itself costs as much as applying it."""

    records: int = 0
    ticks: int = 0
    late_ticks: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)


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
        Openings a year by chance, by pair and rule version; events show them.
    metrics
        What to count.
    clock
        For durations in metrics only; no decision sees it.
    checkpoint_every_records
        Bounds what a restart reads again.
    proof_key
        Signs the proofs; None for proofs without a signature.
    """

    def __init__(
        self,
        *,
        kafka: KafkaSettings,
        publisher: Publisher,
        pairs: Iterable[Pair],
        rules: RulesByPair,
        false_alarms: Mapping[tuple[str, str], FalseAlarms],
        calendar: SessionCalendar,
        metrics: SignalsMetrics,
        clock: Clock,
        checkpoint_every_records: int,
        proof_key: ProofKey | None = None,
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
        self._proofs = ProofPublisher(publisher, proof_key, metrics)
        self._snapshots = SnapshotScheduler(metrics, SnapshotPublisher(publisher))
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
                self._snapshots.forget(running.engine)

    async def process(self, partition: int, records: Sequence[Record]) -> None:
        """Apply a batch of records; when this returns, every effect of them is durable."""
        began = self._clock.monotonic()
        leads = self._running.get(partition, [])
        outbox = Outbox(self._publisher, self._metrics, partition=partition)
        counts = _Counts()
        for running in leads:
            running.begin_batch()
            await self._begin_proofs(running)
        for record in records:
            self._apply(record, leads, outbox, counts)
            for running in leads:
                if running.lead.proofs.is_over:
                    await outbox.send()
                    await self._end_day(running, partition)
        await outbox.send()
        for running in leads:
            # Also without an effect: a lead that fell silent must not hold back where a restart begins.
            if running.applied > running.written:
                if running.is_unwritten or running.applied - running.checkpointed >= self._checkpoint_every:
                    await self._checkpoint(running)
                if running.is_touched:
                    self._snapshots.show(running.engine, running.changed)
        if counts.records:
            self._count(counts)
            self._metrics.step.observe(self._clock.monotonic() - began)

    async def flush(self) -> None:
        """Wait for snapshots on their way."""
        await self._snapshots.flush()

    def _apply(self, record: Record, leads: list[_Running], outbox: Outbox, counts: _Counts) -> None:
        offset, value = record.offset, record.value
        waiting = [running for running in leads if offset > running.applied]
        if leads and not waiting:
            return
        counts.records += 1
        ticks = None
        try:
            ticks = decode_tick_record(value)
        except DataError as error:
            # An offset that was written had its dead letter before.
            if not waiting or any(offset > running.written for running in waiting):
                outbox.add_dead_letter(offset, value, error)
        is_used = False
        for running in waiting:
            running.applied = offset
            running.lead.restored.thaw_before(offset)
            if ticks is None or value is None or ticks.instrument not in running.engine.legs:
                continue
            is_used = running.is_touched = True
            effects = running.apply(offset, value, ticks, outbox)
            if effects.suppressed:
                counts.suppressed.update(effects.suppressed)
            if isinstance(ticks, QuoteBatch | TradeBatch):
                counts.ticks += len(ticks.ts_event_ns)
                counts.late_ticks += effects.late_ticks
        if ticks is not None and not is_used:
            counts.suppressed["no_pair"] += 1

    def _restore(self, lead: str, known: Checkpoints, writer: CheckpointWriter) -> _Running:
        plan = plan_restore(lead, self._pairs, known_lead=known.leads.get(lead), known_pairs=known.pairs)
        engine = LeadEngine(
            lead,
            [pair for pair in self._pairs if pair.lead == lead],
            EngineConfig(
                rules=self._rules.general,
                rules_of_pair=self._rules.of_pair,
                false_alarms=self._false_alarms,
                calendar=self._calendar,
                code_version=CODE_VERSION,
            ),
        )
        restored = RestoredEngine(
            engine,
            plan.lead,
            plan.pairs,
            frozen=plan.frozen,
            is_from_beginning=plan.applied == BEGINNING,
        )
        engine.dirty.update(
            monitor.pair.name for monitor in engine.monitors if monitor.pair.name in known.superseded
        )
        writer.add(engine)
        proofs = LeadProofs(engine, configuration=configuration_of(engine))
        if plan.day is not None:
            proofs.go_on(
                plan.day,
                plan.events,
                applied=plan.counted,
                is_read_again=plan.applied == BEGINNING,
            )
        elif plan.counted == BEGINNING:
            proofs.begin(BEGINNING)
        proven = ProvenLead(restored, proofs)
        self._proofs.show(proven)
        return _Running(
            lead=proven,
            writer=writer,
            applied=plan.applied,
            checkpointed=plan.applied,
            written=plan.written,
            retired=plan.retired,
        )

    async def _begin_proofs(self, running: _Running) -> None:
        """Begin the first day after checkpoints of an older version, once no pair is ahead of its lead.

        The checkpoint comes before any proof, so that a restart begins the day with the same record.
        """
        if running.lead.proofs.day is None and running.applied >= running.written:
            running.lead.restored.thaw_before(running.applied + 1)
            running.lead.proofs.begin(running.applied)
            await self._checkpoint(running)

    async def _end_day(self, running: _Running, partition: int) -> None:
        """Publish the proof of a lead's day, and the checkpoint as of its last record."""
        # What the next record would meet.
        running.lead.restored.thaw_before(running.applied + 1)
        await self._proofs.publish(running.lead, partition=partition, offset=running.applied)
        if running.applied >= running.written:
            await self._checkpoint(running)

    async def _checkpoint(self, running: _Running) -> None:
        count = await running.writer.write(
            running.engine, offset=running.applied, proofs=running.lead.proofs, retired=running.retired
        )
        running.checkpointed, running.retired, running.is_unwritten = running.applied, (), False
        self._metrics.checkpoints.inc(count)

    def _count(self, counts: _Counts) -> None:
        self._metrics.records.labels(topics.TICKS.name).inc(counts.records)
        self._metrics.ticks.inc(counts.ticks)
        self._metrics.late.inc(counts.late_ticks)
        for reason, count in counts.suppressed.items():
            self._metrics.suppressed.labels(reason).inc(count)
