"""The consumer compares each partition with the store before it stores anything of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from services.notifier.consumer import EventConsumer
from services.notifier.metrics import NotifierMetrics
from shared.errors import StoreUnavailable

PARTITION = TopicPartition("divergences.v1", 0)


@dataclass
class _Log:
    """Forty records; the group has read the first thirty."""

    position_now: int = 30
    seeks: list[int] = field(default_factory=list)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def commit(self, _offsets: object) -> None: ...

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        if self.position_now >= 40:
            return {}
        first, self.position_now = self.position_now, 40
        return {
            PARTITION: [
                SimpleNamespace(topic="divergences.v1", partition=0, offset=n) for n in range(first, 40)
            ]
        }

    def assignment(self) -> set[TopicPartition]:
        return {PARTITION}

    async def position(self, _partition: TopicPartition) -> int:
        return self.position_now

    async def beginning_offsets(self, _partitions: object) -> dict[TopicPartition, int]:
        return {PARTITION: 0}

    async def end_offsets(self, _partitions: object) -> dict[TopicPartition, int]:
        return {PARTITION: 40}

    def seek(self, _partition: TopicPartition, offset: int) -> None:
        self.seeks.append(offset)
        self.position_now = offset

    def highwater(self, _partition: TopicPartition) -> int:
        return 40


@dataclass
class _RestoredStore:
    """Knows the first twenty records, and does not answer at first."""

    failures: int = 1

    async def run(self, _transaction: Callable[..., Any], *, on_disk: bool = True) -> list[Any]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is away")
        return [SimpleNamespace(partition=0, next_offset=20)]

    async def flush(self) -> None: ...


@dataclass
class _Intake:
    stop: asyncio.Event
    taken: list[int] = field(default_factory=list)

    async def take(self, record: Any, _stop: asyncio.Event) -> bool:
        self.taken.append(record.offset)
        if record.offset == 39:
            self.stop.set()
        return True


async def test_store_that_is_behind_and_away_at_first_gets_every_record_that_it_lacks() -> None:
    log, stop = _Log(), asyncio.Event()
    intake = _Intake(stop)
    consumer = EventConsumer(
        make_consumer=lambda: cast(Any, log),
        topic="divergences.v1",
        intake=cast(Any, intake),
        database=cast(Any, _RestoredStore()),
        metrics=NotifierMetrics(CollectorRegistry(), topic="divergences.v1"),
    )

    await asyncio.wait_for(consumer.run(stop), timeout=5.0)

    assert log.seeks == [30, 20]
    assert intake.taken == list(range(20, 40))
