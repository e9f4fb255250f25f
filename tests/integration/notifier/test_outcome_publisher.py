"""The publisher of outcomes against a real broker: all of them, in batches, and none stops the others."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from services.notifier import outcome_publisher
from services.notifier.outcome_publisher import OutcomePublisher
from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS, DELIVERIES
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from shared.errors import StoreUnavailable
from shared.kafka.publisher import Publisher


def outcome(number: int, **changes: Any) -> DeliveryOutcome:
    fields: dict[str, Any] = {
        "delivery_id": f"dl_{number:032}",
        "event_id": "ev_1",
        "subscription": f"desk-{number % 37}",
        "channel": Channel.WEBHOOK,
        "outcome": Outcome.DELIVERED,
        "reason": "",
        "attempts": 1,
        "message_id": "ev_1",
        "ended_at": "2025-11-28T12:00:00.000000Z",
        "endpoint_sequence": number,
    }
    return DeliveryOutcome(**(fields | changes))


class MemoryOutbox:
    """Outcomes in a list; the first calls fail as told."""

    def __init__(self, outcomes: Sequence[DeliveryOutcome], *, failures: Sequence[Exception] = ()) -> None:
        self.waiting = list(outcomes)
        self.failures = list(failures)
        self.largest = 0
        self.reads = 0
        self.emptied = asyncio.Event()
        self.read_thrice = asyncio.Event()

    async def unpublished(self, *, limit: int) -> tuple[DeliveryOutcome, ...]:
        self.reads += 1
        if self.reads == 3:
            self.read_thrice.set()
        if self.failures:
            raise self.failures.pop(0)
        found = tuple(self.waiting[:limit])
        self.largest = max(self.largest, len(found))
        return found

    async def mark_published(self, outcomes: Sequence[DeliveryOutcome]) -> None:
        marked = {each.delivery_id for each in outcomes}
        self.waiting = [each for each in self.waiting if each.delivery_id not in marked]
        if not self.waiting:
            self.emptied.set()


@contextlib.asynccontextmanager
async def publishing(
    kafka: KafkaSettings, outbox: MemoryOutbox, **options: Any
) -> AsyncIterator[OutcomePublisher]:
    stop = asyncio.Event()
    async with Publisher(kafka, client_id="test") as publisher:
        made = OutcomePublisher(outbox=outbox, publisher=publisher, topic="deliveries.v1", **options)
        task = asyncio.create_task(made.run(stop))
        try:
            yield made
        finally:
            stop.set()
            await task


async def read(kafka: KafkaSettings, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(10):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def until_empty(outbox: MemoryOutbox) -> None:
    async with asyncio.timeout(10):
        await outbox.emptied.wait()


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome_publisher, "_RETRY_SECONDS", 0.02)


async def test_all_outcomes_are_published_in_order_of_each_subscription(
    embedded_kafka: KafkaSettings,
) -> None:
    sent = [outcome(number) for number in range(1, 1_201)]
    outbox = MemoryOutbox(sent)
    async with publishing(embedded_kafka, outbox):
        await until_empty(outbox)
    published = [DELIVERIES.decode(value) for value in await read(embedded_kafka, "deliveries.v1", 1_200)]

    assert sorted(published, key=lambda each: each.delivery_id) == sent
    for subscription in {each.subscription for each in sent}:
        numbers = [each.endpoint_sequence for each in published if each.subscription == subscription]
        assert numbers == sorted(numbers)
    assert outbox.largest == 500


@pytest.mark.parametrize(
    "broken",
    [
        {"message_id": "\ud800"},
        {"subscription": "\udfff"},
        {"attempts": 1 << 64},
        {"message_id": "x" * 600_000},
    ],
    ids=["surrogate", "surrogate in the key", "beyond 64 bits", "too large"],
)
async def test_outcome_that_cannot_be_written_is_kept_and_passed(
    embedded_kafka: KafkaSettings, broken: dict[str, Any]
) -> None:
    outbox = MemoryOutbox([outcome(1), outcome(2, **broken), outcome(3)])
    passed: list[int] = []
    async with publishing(embedded_kafka, outbox, on_dead_letter=lambda: passed.append(1)):
        await until_empty(outbox)
    published = [DELIVERIES.decode(value) for value in await read(embedded_kafka, "deliveries.v1", 2)]
    (letter,) = [DEADLETTERS.decode(value) for value in await read(embedded_kafka, "deadletters.v1", 1)]

    assert {each.endpoint_sequence for each in published} == {1, 3}
    assert (letter.origin, letter.partition, letter.reason) == ("deliveries.v1", None, "unencodable")
    assert passed == [1]


@pytest.mark.usefixtures("quick_retry")
async def test_store_that_is_away_or_has_an_odd_row_is_asked_again(embedded_kafka: KafkaSettings) -> None:
    failures = [StoreUnavailable("disk full"), ValueError("'maybe' is not a valid Outcome")]
    outbox = MemoryOutbox([outcome(1)], failures=failures)
    async with publishing(embedded_kafka, outbox):
        await until_empty(outbox)

    assert outbox.reads >= 3


@pytest.mark.usefixtures("quick_retry")
async def test_kafka_that_is_away_stops_neither_the_process_nor_its_end() -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1", send_timeout_seconds=0.2)
    outbox = MemoryOutbox([outcome(1)])
    stop = asyncio.Event()
    made = OutcomePublisher(
        outbox=outbox, publisher=Publisher(nowhere, client_id="test"), topic="deliveries.v1"
    )
    task = asyncio.create_task(made.run(stop))
    async with asyncio.timeout(5):
        await outbox.read_thrice.wait()
        stop.set()
        await task

    assert outbox.waiting == [outcome(1)]


@pytest.mark.parametrize("is_idle", [False, True])
async def test_batches_are_apart_while_deliveries_are_made(
    embedded_kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, is_idle: bool
) -> None:
    monkeypatch.setattr(outcome_publisher, "_LEAST_PAUSE_SECONDS", 0.5)
    begun: list[float] = []

    class Timed(MemoryOutbox):
        async def unpublished(self, *, limit: int) -> tuple[DeliveryOutcome, ...]:
            begun.append(asyncio.get_running_loop().time())
            return await super().unpublished(limit=limit)

    outbox = Timed([outcome(number) for number in range(1_400)])
    async with publishing(embedded_kafka, outbox, is_idle=lambda: is_idle):
        await until_empty(outbox)
    gaps = [later - sooner for sooner, later in itertools.pairwise(begun[:3])]

    assert len(gaps) == 2
    assert (min(gaps) >= 0.49) is not is_idle
