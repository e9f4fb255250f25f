"""What a worker makes of records, checkpoints and restarts, at a real Kafka wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from services.signals.checkpoint.reader import read_checkpoints
from services.signals.core.rules import Rule
from services.signals.metrics import SignalsMetrics
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.contracts.ticks import encode_tick_record
from shared.domain.pairs import Pair
from shared.kafka import topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Published, Publisher
from tests.support.builders_market import bar, bar_batch, ny, pair, status
from tests.support.pair_story import Story

_SPY = replace(pair(), name="gold-spy", other="SPY.TEST")


class PowerCut(Exception):
    """The process ends here."""


class DyingPublisher(Publisher):
    """Ends the process before or after the record with which a topic is first written."""

    topic = ""
    is_after = False

    async def publish(self, topic: str, **record: Any) -> Published:
        """Publish, unless the power is cut first."""
        if topic != self.topic:
            return await super().publish(topic, **record)
        if self.is_after:
            await super().publish(topic, **record)
        raise PowerCut


@asynccontextmanager
async def running(
    bootstrap: str, *pairs: Pair, every: int = 1_000
) -> AsyncIterator[tuple[Worker, int, int | None]]:
    """Yield a restored worker, the partition of its pairs and where it goes on."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        worker = Worker(
            kafka=kafka,
            publisher=publisher,
            pairs=pairs,
            rules=(Rule(),),
            calendar=xnys_calendar(),
            metrics=SignalsMetrics(CollectorRegistry(), pairs=[each.name for each in pairs]),
            clock=SystemClock(),
            checkpoint_every_records=every,
        )
        partition = await publisher.partition_for(topics.TICKS.name, pairs[0].lead)
        start = (await worker.restore(frozenset({partition})))[partition]
        yield worker, partition, start
        await worker.flush()


async def values_of(bootstrap: str, topic: str) -> list[bytes]:
    """Return every value of a topic."""
    reader = make_reader(KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10), client_id="test")
    await reader.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(4)]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        await reader.seek_to_beginning(*partitions)
        values: list[bytes] = []
        while sum([await reader.position(each) for each in partitions]) < sum(ends.values()):
            for records in (await reader.getmany(timeout_ms=100)).values():
                values += [record.value for record in records]
        return values
    finally:
        await reader.stop()


def history(instrument: str) -> bytes:
    return encode_tick_record(bar_batch(bar("2019-06-03", 150.0, instrument=instrument)))


def reached(number: int) -> bytes:
    return encode_tick_record(status(ny("2019-06-05 10:00") + number))


async def apply(worker: Worker, partition: int, first: int, *values: bytes) -> None:
    for offset, value in enumerate(values, first):
        await worker.process(partition, offset, value, (), 0.0)


async def test_bad_record_is_parked_and_passed(embedded_broker: str) -> None:
    async with running(embedded_broker, pair()) as (worker, partition, start):
        assert start is None
        await apply(worker, partition, 0, b"no json", reached(1), b'{"schema":"ticks","v":9}')

    letters = [
        DEADLETTERS.decode(value) for value in await values_of(embedded_broker, topics.DEADLETTERS.name)
    ]
    assert [(each.offset, each.reason) for each in letters] == [(0, "not_json"), (2, "unknown_schema")]


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


async def test_bar_that_waits_is_not_lost_when_pairs_come_to_share_an_engine(embedded_broker: str) -> None:
    kafka = KafkaSettings(bootstrap_servers=embedded_broker, fetch_max_wait_ms=10)
    future = bar("2019-06-05", 151.0)
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, reached(0), encode_tick_record(bar_batch(future)))
    # A new pair of the same lead reads from the beginning, in an engine of its own, and then both move on.
    async with running(embedded_broker, pair(), _SPY, every=1) as (worker, partition, start):
        assert start is None
        await apply(worker, partition, 0, reached(0), encode_tick_record(bar_batch(future)), reached(2))
    async with running(embedded_broker, pair(), _SPY) as (worker, partition, start):
        assert start == 3
        known = (await read_checkpoints(kafka, frozenset({partition})))[partition]
        assert future in known["gold-iwm"].state.waiting
        engines = [running.engine for running in worker._running[partition]]
        assert [engine.waiting.count(future) for engine in engines] == [1]


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("topic", [topics.DIVERGENCES.name, topics.STATE.name])
async def test_power_cut_at_any_effect_of_the_deciding_record_changes_no_event(
    embedded_broker: str, topic: str, is_after: bool
) -> None:
    story = Story()
    assert len(story.commit("2019-06-03", 2.5)) == 1
    values = [encode_tick_record(record) for record in story.log]
    async with running(embedded_broker, pair()) as (worker, partition, _):
        await apply(worker, partition, 0, *values[:-1])
        async with DyingPublisher(worker._kafka, client_id="dying") as dying:
            dying.topic, dying.is_after = topic, is_after
            worker._publisher = dying
            with pytest.raises(PowerCut):
                await apply(worker, partition, len(values) - 1, values[-1])
    async with running(embedded_broker, pair()) as (worker, partition, start):
        assert start is not None
        await apply(worker, partition, start, *values[start:])

    published = set(await values_of(embedded_broker, topics.DIVERGENCES.name))
    assert [DIVERGENCES.decode(value).event_id for value in published] == [
        event.event_id for event in story.events
    ]
