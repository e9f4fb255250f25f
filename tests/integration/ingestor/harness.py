"""Run the ingestor beside a test and read what it published."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from aiokafka import TopicPartition

from services.ingestor.app import run_ingestor
from services.ingestor.config import IngestorSettings
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.pairs import Pair
from shared.kafka.clients import make_reader
from shared.kafka.topics import TICKS


@asynccontextmanager
async def running(
    kafka: KafkaSettings, settings: IngestorSettings, pairs: tuple[Pair, ...]
) -> AsyncIterator[asyncio.Task[None]]:
    """Run the ingestor; at the end, stop it in order."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_ingestor(kafka, settings, pairs, clock=SystemClock(), stop=stop))
    try:
        yield task
    finally:
        stop.set()
        # Also when the test has failed: what it died of says more than that the test waited in vain.
        async with asyncio.timeout(30):
            await task


class Reader:
    """Read a topic from its beginning, all partitions, in the order of arrival."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._consumer = make_reader(kafka, client_id="test")
        self._topic = topic
        self.keys: list[str] = []
        self.values: list[bytes] = []
        self.timestamps_ms: list[int] = []
        self._decoded: list[TickRecord] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def until(self, is_enough: Callable[[], bool], *, timeout_seconds: float = 20.0) -> None:
        """Read until a condition on what was read holds; fail when it does not in time."""
        async with asyncio.timeout(timeout_seconds):
            while not is_enough():
                await self._assigned()
                for records in (await self._consumer.getmany(timeout_ms=50)).values():
                    for record in records:
                        self.keys.append(record.key.decode())
                        self.values.append(record.value)
                        self.timestamps_ms.append(record.timestamp)

    async def _assigned(self) -> None:
        while not self._consumer.assignment():
            await self._consumer._client.force_metadata_update()
            partitions = self._consumer.partitions_for_topic(self._topic)
            if partitions:
                self._consumer.assign([TopicPartition(self._topic, number) for number in partitions])
                await self._consumer.seek_to_beginning()
            else:
                await asyncio.sleep(0.05)

    def tick_records(self) -> list[TickRecord]:
        """Return what was read so far, decoded."""
        self._decoded += [decode_tick_record(value) for value in self.values[len(self._decoded) :]]
        return self._decoded


def ticks_reader(kafka: KafkaSettings) -> Reader:
    return Reader(kafka, TICKS.name)
