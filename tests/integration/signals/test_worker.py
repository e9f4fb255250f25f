"""What a worker makes of records, checkpoints and restarts, at a real Kafka wire."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from services.signals.checkpoint.codec import encode_pair
from services.signals.checkpoint.reader import Checkpoints, read_checkpoints
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.rules_by_pair import RulesByPair
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.metrics import SignalsMetrics
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.contracts.ticks import TickRecord, decode_tick_record, encode_tick_record
from shared.domain.bars import BarBatch
from shared.domain.pairs import Pair
from shared.domain.proofs import proof_key
from shared.kafka import topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Message, Published, Publisher
from shared.version import CODE_VERSION
from tests.support.builders_market import LEAD, bar, bar_batch, ny, pair, status
from tests.support.log_records import cut_in_batches, log_records
from tests.support.pair_story import Story

_SPY = replace(pair(), name="gold-spy", other="SPY.TEST")


class PowerCut(Exception):
    """The process ends here."""


class DyingPublisher(Publisher):
    """Counts what is published, but for snapshots, and ends the process at one of the records."""

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        super().__init__(settings, client_id=client_id)
        self.effects: list[str] = []
        self.dies_before = -1
        # False: every batch is too large, so its records are published one by one.
        self.has_room = True
        self._is_dead = False

    async def publish_in_order(self, messages: Sequence[Message]) -> list[Published]:
        """Publish one after the other, so that the power can be cut between any two."""
        return [
            await self.publish(each.topic, key=each.key, value=each.value, headers=each.headers)
            for each in messages
        ]

    async def publish_as_one(self, messages: Sequence[Message], *, partition: int) -> Published | None:
        """Publish all or, if the power is cut first, none."""
        if not self.has_room:
            return None
        self._begin(messages[0].topic)
        return await super().publish_as_one(messages, partition=partition)

    async def publish(self, topic: str, **record: Any) -> Published:
        """Publish, unless the power is cut first."""
        if topic != topics.SIGNALS.name:
            self._begin(topic)
        return await super().publish(topic, **record)

    async def publish_batched(
        self, topic: str, records: Sequence[tuple[str, bytes]], *, partition: int | None = None
    ) -> None:
        """Publish all or, if the power is cut first, the first half."""
        try:
            self._begin(topic)
        except PowerCut:
            await super().publish_batched(topic, records[: len(records) // 2], partition=partition)
            raise
        await super().publish_batched(topic, records, partition=partition)

    def _begin(self, topic: str) -> None:
        self._is_dead = self._is_dead or len(self.effects) == self.dies_before
        if self._is_dead:
            raise PowerCut
        self.effects.append(topic)


@asynccontextmanager
async def running(
    bootstrap: str, *pairs: Pair, every: int = 1_000, publisher: Publisher | None = None
) -> AsyncIterator[tuple[Worker, int, int | None]]:
    """Yield a restored worker, the partition of its pairs and where it goes on."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    async with publisher or Publisher(kafka, client_id="test") as publisher:
        worker = Worker(
            kafka=kafka,
            publisher=publisher,
            pairs=pairs,
            rules=RulesByPair(general=(Rule(),)),
            false_alarms={},
            calendar=xnys_calendar(),
            metrics=SignalsMetrics(CollectorRegistry(), pairs=[each.name for each in pairs]),
            clock=SystemClock(),
            checkpoint_every_records=every,
        )
        partition = await publisher.partition_for(topics.TICKS.name, pairs[0].lead)
        start = (await worker.restore(frozenset({partition})))[partition]
        try:
            yield worker, partition, start
        finally:
            await worker.flush()


async def values_of(bootstrap: str, topic: str) -> list[bytes]:
    """Return every value of a topic."""
    return [value for _, value in await records_of(bootstrap, topic)]


async def records_of(bootstrap: str, topic: str) -> list[tuple[str, bytes]]:
    """Return every key and value of a topic."""
    reader = make_reader(KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10), client_id="test")
    await reader.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(4)]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        await reader.seek_to_beginning(*partitions)
        values: list[tuple[str, bytes]] = []
        while sum([await reader.position(each) for each in partitions]) < sum(ends.values()):
            for records in (await reader.getmany(timeout_ms=100)).values():
                values += [(record.key.decode(), record.value) for record in records]
        return values
    finally:
        await reader.stop()


def history(instrument: str) -> bytes:
    return encode_tick_record(bar_batch(bar("2019-06-03", 150.0, instrument=instrument)))


def reached(number: int) -> bytes:
    return encode_tick_record(status(ny("2019-06-05 10:00") + number))


async def apply(worker: Worker, partition: int, first: int, *values: bytes, most: int = 1) -> None:
    """Apply values in batches of ``most`` records."""
    records = log_records(values, first=first)
    for begin in range(0, len(records), most):
        await worker.process(partition, records[begin : begin + most])


async def test_bad_record_is_parked_and_passed(embedded_broker: str) -> None:
    async with running(embedded_broker, pair()) as (worker, partition, start):
        assert start is None
        await apply(worker, partition, 0, b"no json", reached(1), b'{"schema":"ticks","v":9}')

    letters = [
        DEADLETTERS.decode(value) for value in await values_of(embedded_broker, topics.DEADLETTERS.name)
    ]
    assert [(each.offset, each.reason) for each in letters] == [(0, "not_json"), (2, "unknown_schema")]


async def test_bad_record_in_the_middle_of_a_batch_changes_nothing_of_the_others(
    embedded_broker: str,
) -> None:
    values, pairs = log_of_three_pairs(0)
    middle = len(values) // 2
    poisoned = [*values[:middle], b"no json", *values[middle:]]
    async with running(embedded_broker, *pairs) as (worker, partition, _):
        await apply(worker, partition, 0, *poisoned, most=len(poisoned))

    assert await values_by_pair(embedded_broker) == expected_events(values, pairs)
    letters = [
        DEADLETTERS.decode(value) for value in await values_of(embedded_broker, topics.DEADLETTERS.name)
    ]
    assert [(each.offset, each.reason) for each in letters] == [(middle, "not_json")]


@pytest.mark.parametrize("seed", range(6))
async def test_log_cut_in_batches_anywhere_gives_the_same_bytes(embedded_broker: str, seed: int) -> None:
    rng = random.Random(seed)
    values, pairs = log_of_three_pairs(seed)
    async with running(embedded_broker, *pairs) as (worker, partition, _):
        for batch in cut_in_batches(log_records(values), rng, most=1 + 3 * seed):
            await worker.process(partition, batch)

    assert await values_by_pair(embedded_broker) == expected_events(values, pairs)


async def test_batch_that_comes_again_in_part_is_applied_from_where_the_checkpoint_ends(
    embedded_broker: str,
) -> None:
    values, pairs = log_of_three_pairs(0)
    cut = len(values) - 3
    async with running(embedded_broker, *pairs, every=1) as (worker, partition, _):
        await apply(worker, partition, 0, *values[:cut], most=cut)
    assert len(await values_of(embedded_broker, topics.DIVERGENCES.name)) == 3
    async with running(embedded_broker, *pairs) as (worker, partition, start):
        assert start == cut
        await apply(worker, partition, 0, *values, most=len(values))

    assert await values_by_pair(embedded_broker) == expected_events(values, pairs), "none comes twice"


async def test_restart_goes_on_after_the_checkpoint_and_parks_nothing_twice(embedded_broker: str) -> None:
    records = b"no json", history(pair().other), reached(2)
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, *records)
    async with running(embedded_broker, pair()) as (worker, partition, start):
        assert start is not None
        assert start >= 2, "the bar made a checkpoint"
        await apply(worker, partition, 0, *records)

    assert len(await values_of(embedded_broker, topics.DEADLETTERS.name)) == 1


async def test_lead_that_fell_silent_does_not_hold_back_where_a_restart_begins(embedded_broker: str) -> None:
    other_lead = encode_tick_record(replace(status(ny("2019-06-05 10:00")), instrument="ELSE.TEST"))
    async with running(embedded_broker, pair(), every=10) as (worker, partition, _):
        await apply(worker, partition, 0, history(pair().other), reached(1), *[other_lead] * 40)
    async with running(embedded_broker, pair(), every=10) as (_, partition, start):
        assert start is not None
        assert start > 30


async def test_pair_with_another_leg_than_its_checkpoint_begins_anew(embedded_broker: str) -> None:
    """SPY's window once was a hundred closes of IWM."""
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, history(pair().other), reached(1))
    changed = replace(pair(), other="SPY.TEST")
    async with running(embedded_broker, changed) as (worker, partition, start):
        assert start is None


async def known_in(bootstrap: str, partition: int) -> Checkpoints:
    kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    return (await read_checkpoints(kafka, frozenset({partition})))[partition]


async def test_checkpoint_writes_the_pairs_that_changed_and_their_lead(embedded_broker: str) -> None:
    async with running(embedded_broker, pair(), _SPY) as (worker, partition, _):
        await apply(worker, partition, 0, history(pair().other), reached(1), history(_SPY.other))
    known = await known_in(embedded_broker, partition)

    # The bar waits until its time has come, and is used then.
    assert {name: each.applied_offset for name, each in known.pairs.items()} == {"gold-iwm": 1, "gold-spy": 2}
    assert known.leads[pair().lead].applied_offset == 2
    # The first checkpoint has every pair: one without a record is a new pair.
    assert known.end == 3 + 2 + 2


async def test_bar_that_waits_survives_with_its_pair(embedded_broker: str) -> None:
    future = bar("2019-06-05", 151.0)
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, reached(0), encode_tick_record(bar_batch(future)))
    # A new pair of the same lead reads from the beginning; what the first one waits for is not forgotten.
    async with running(embedded_broker, pair(), _SPY, every=1) as (worker, partition, start):
        assert start is None
        await apply(worker, partition, 0, reached(0), encode_tick_record(bar_batch(future)), reached(2))
    async with running(embedded_broker, pair(), _SPY) as (worker, partition, start):
        assert start == 3
        assert (await known_in(embedded_broker, partition)).pairs["gold-iwm"].pair.waiting == (future,)
        (engine,) = [running.engine for running in worker._running[partition]]
        assert engine.waiting == [future]


async def test_pair_that_is_left_out_and_taken_in_again_has_missed_nothing(embedded_broker: str) -> None:
    story = Story()
    story.commit("2019-06-03", 2.5)
    cut = len(story.log)
    story.commit("2019-06-04", 0.5)
    values = [encode_tick_record(record) for record in story.log]
    async with running(embedded_broker, pair(), _SPY) as (worker, partition, _):
        await apply(worker, partition, 0, *values[:cut])
    async with running(embedded_broker, _SPY, every=1) as (worker, partition, start):
        assert start is not None
        await apply(worker, partition, start, *values[start:])
    assert len(await values_of(embedded_broker, topics.DIVERGENCES.name)) == 1
    async with running(embedded_broker, pair(), _SPY) as (worker, partition, start):
        assert start is None
        await apply(worker, partition, 0, *values)

    published = await values_of(embedded_broker, topics.DIVERGENCES.name)
    assert [DIVERGENCES.decode(value).event_id for value in published] == [
        event.event_id for event in story.events
    ]


async def test_older_record_of_a_pair_by_a_worker_thought_dead_is_overruled(embedded_broker: str) -> None:
    """Compaction keeps the last record of a key, which is not the newest then."""
    name = pair().name
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, history(pair().other))
        old = encode_pair((await known_in(embedded_broker, partition)).pairs[name])
        newer = encode_tick_record(bar_batch(bar("2019-06-04", 151.0)))
        await apply(worker, partition, 1, reached(1), newer, reached(2 * 86_400_000_000_000))
        assert (await known_in(embedded_broker, partition)).pairs[name].applied_offset == 3

        await worker._publisher.publish(topics.STATE.name, key=name, value=old, partition=partition)
        assert (await known_in(embedded_broker, partition)).superseded == {name}
        other = encode_tick_record(bar_batch(bar("2019-06-05", 1_300.0, instrument=LEAD)))
        await apply(worker, partition, 4, other)  # finds out
        await apply(worker, partition, 5, reached(3 * 86_400_000_000_000))
        assert (await known_in(embedded_broker, partition)).superseded == frozenset()

        await worker._publisher.publish(topics.STATE.name, key=name, value=old, partition=partition)
    async with running(embedded_broker, pair(), every=1) as (worker, partition, start):
        assert start == 6
        await apply(worker, partition, 6, reached(4 * 86_400_000_000_000))
    assert (await known_in(embedded_broker, partition)).superseded == frozenset()


def of_lead_number(record: TickRecord, number: int) -> TickRecord:
    """Return a record of the story as one of another lead."""
    if not isinstance(record, BarBatch):
        return replace(record, instrument=_LEADS[number])
    instrument = _LEADS[number] if record.instrument == LEAD else record.instrument
    bars = tuple(replace(each, instrument=instrument) for each in record.bars)
    return replace(record, instrument=instrument, bars=bars)


_LEADS = [f"XAU{number}.TEST" for number in range(200)]
_OTHERS = ("IWM.TEST", "SPY.TEST", "QQQ.TEST")


def same_level(batch: BarBatch, instrument: str) -> BarBatch:
    """Return the bars of another leg: the same z-scores at other prices."""
    bars = tuple(
        replace(each, instrument=instrument, close=each.close * 2, adj_close=each.adj_close * 2)
        for each in batch.bars
    )
    return replace(batch, instrument=instrument, bars=bars)


def log_of_three_pairs(number: int) -> tuple[list[bytes], list[Pair]]:
    """Return a log in which the pairs open in one record, two of them close in another, and bars wait."""
    story = Story()
    story.commit("2019-06-03", 2.5)
    story.tick("2019-06-04 10:00", 3.4)
    story.commit("2019-06-04", 0.5)
    log: list[TickRecord] = []
    for record in story.log:
        told = of_lead_number(record, number)
        if isinstance(told, BarBatch) and told.instrument == _OTHERS[0]:
            log.append(same_level(told, _OTHERS[1]))
            # One bar comes too late.
            if told.bars[-1].session != "2019-06-04":
                log.append(same_level(told, _OTHERS[2]))
        log.append(told)
    pairs = [
        replace(pair(), name=f"gold{number}-{other[:3].lower()}", lead=_LEADS[number], other=other)
        for other in _OTHERS
    ]
    return [encode_tick_record(record) for record in log], pairs


@pytest.mark.parametrize("has_room", [True, False])
@pytest.mark.parametrize("most", [1, 3, 1_000])
async def test_power_cut_at_any_effect_changes_no_event(
    embedded_broker: str, most: int, has_room: bool
) -> None:
    """The power is cut before each effect of the log once, in a log of its own, whatever the batches are."""
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    values, pairs = log_of_three_pairs(0)
    whole = DyingPublisher(kafka, client_id="whole")
    whole.has_room = has_room
    async with running(embedded_broker, *pairs, publisher=whole) as (worker, partition, _):
        await apply(worker, partition, 0, *values, most=most)
    effects = whole.effects
    assert effects.count(topics.DIVERGENCES.name) == 5
    # Three pairs and their lead: all in one batch, or one by one.
    checkpoint = [topics.STATE.name] * (1 if has_room else 4)
    # The copies of the state, and the proof.
    proof = [topics.PROOFS.name] * 2
    if most == 1:
        deciding = effects.index(topics.DIVERGENCES.name)
        assert (
            effects[deciding : deciding + 3 + len(checkpoint)] == [topics.DIVERGENCES.name] * 3 + checkpoint
        )
    if most == 1_000:
        # One batch with the end of a day: its events, its proof, a checkpoint; then what comes after it.
        assert [each for each in effects if each != topics.BARS.name] == [
            *([topics.DIVERGENCES.name] * 3 + proof + checkpoint),
            *([topics.DIVERGENCES.name] * 2 + checkpoint),
        ]

    for number in range(1, len(effects)):
        values, pairs = log_of_three_pairs(number)
        dying = DyingPublisher(kafka, client_id="dying")
        dying.dies_before, dying.has_room = number, has_room
        with pytest.raises(PowerCut):
            async with running(embedded_broker, *pairs, publisher=dying) as (worker, partition, _):
                await apply(worker, partition, 0, *values, most=most)
        async with running(embedded_broker, *pairs, every=3) as (worker, partition, start):
            await apply(worker, partition, start or 0, *values[start or 0 :], most=most)

    published = await values_by_pair(embedded_broker)
    for number in range(len(effects)):
        values, pairs = log_of_three_pairs(number)
        expected = expected_events(values, pairs)
        assert sum(map(len, expected.values())) == 5
        for each in pairs:
            # Published again is published with the same bytes, so the first of each is the whole story.
            found = list(dict.fromkeys(published[each.name]))
            assert found == expected[each.name], f"cut before {number}"
    # Proofs and copies of the state that were published again have the same bytes, too.
    proofs: dict[str, set[bytes]] = {}
    for key, value in await records_of(embedded_broker, topics.PROOFS.name):
        proofs.setdefault(key, set()).add(value)
    assert {key for key in proofs if "|state|" not in key} == {
        proof_key(lead, "2019-06-03") for lead in _LEADS[: len(effects)]
    }
    assert {key: len(each) for key, each in proofs.items() if len(each) > 1} == {}


async def values_by_pair(bootstrap: str) -> dict[str, list[bytes]]:
    """Return the events that are in Kafka, in the order of each pair."""
    found: dict[str, list[bytes]] = {}
    for value in await values_of(bootstrap, topics.DIVERGENCES.name):
        found.setdefault(DIVERGENCES.decode(value).pair, []).append(value)
    return found


def expected_events(values: list[bytes], pairs: list[Pair]) -> dict[str, list[bytes]]:
    """Return the events of a log by the engine alone."""
    engine = LeadEngine(
        pairs[0].lead,
        pairs,
        EngineConfig(rules=(Rule(),), false_alarms={}, calendar=xnys_calendar(), code_version=CODE_VERSION),
    )
    expected: dict[str, list[bytes]] = {}
    for value in values:
        for event in engine.apply(decode_tick_record(value)).events:
            expected.setdefault(event.pair, []).append(DIVERGENCES.encode(event))
    return expected
