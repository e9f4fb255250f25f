"""A worker in this process whose every callback is written down in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from services.signals.stream.faust_app import HardenedApp, StreamSettings, build_app, run
from tests.support.mock_cluster import address_of

TOPIC = "ticks.v1"
GROUP = "signals"


class MockBroker:
    """Bootstrap address and a way to put records in."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        # The mock makes a topic that is asked for by name.
        producer.list_topics(TOPIC, timeout=10)
        self.bootstrap = address_of(producer)

    def append(self, partition: int, count: int, value: bytes = b"tick") -> None:
        for _ in range(count):
            self._producer.produce(TOPIC, value, partition=partition)
        assert self._producer.flush(10) == 0

    def append_one(self, partition: int, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self._producer.produce(
            TOPIC, value, partition=partition, headers=headers, timestamp=1_400_000_000_500
        )
        assert self._producer.flush(10) == 0


class Recorder:
    """Restores from ``checkpoint`` and records what it is asked, in order."""

    def __init__(self, checkpoint: Mapping[int, int | None] | None = None) -> None:
        self.checkpoint: dict[int, int | None] = dict(checkpoint or {})
        self.log: list[tuple[str, Any]] = []
        self.values: list[tuple[bytes | None, Sequence[tuple[str, bytes]], int]] = []
        self.batches: list[tuple[int, list[int]]] = []
        self.deaths: list[tuple[str, BaseException | None]] = []
        self.before_restore: Callable[[], Any] | None = None
        self.before_record: Callable[[int, int], Any] | None = None

    @property
    def records(self) -> list[tuple[int, int]]:
        return [what for kind, what in self.log if kind == "record"]

    async def restore(self, partitions: frozenset[int]) -> dict[int, int | None]:
        self.log.append(("restore", partitions))
        if self.before_restore is not None:
            await self.before_restore()
        return {partition: self.checkpoint.get(partition) for partition in partitions}

    async def release(self, partitions: frozenset[int]) -> None:
        self.log.append(("release", partitions))

    async def process(self, partition: int, records: Sequence[Any]) -> None:
        self.batches.append((partition, [record.offset for record in records]))
        for record in records:
            if self.before_record is not None:
                await self.before_record(partition, record.offset)
            self.values.append((record.value, record.headers, record.timestamp))
            self.log.append(("record", (partition, record.offset)))

    def die(self, reason: str, error: BaseException | None = None) -> None:
        self.deaths.append((reason, error))


def new_app(bootstrap: str, recorder: Recorder, **settings: Any) -> HardenedApp:
    return build_app(
        StreamSettings(
            **{
                "bootstrap_servers": bootstrap,
                "group": GROUP,
                "instance_id": "signals-0",
                "fetch_max_wait_ms": 10,
                "session_timeout_seconds": 3.0,
                **settings,
            }
        ),
        restore=recorder.restore,
        release=recorder.release,
        process=recorder.process,
        die=recorder.die,
    )


@asynccontextmanager
async def running(app: HardenedApp) -> AsyncIterator[asyncio.Task[None]]:
    stopping = asyncio.Event()
    task = asyncio.create_task(run(app, stopping=stopping))
    try:
        yield task
    finally:
        stopping.set()
        await task


async def until(is_so: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110  # what is waited for happens in code that sets no event
            await asyncio.sleep(0.005)


async def committed(bootstrap: str, partition: int, *, topic: str = TOPIC, group: str = GROUP) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset
    finally:
        await consumer.stop()
