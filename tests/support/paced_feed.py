"""A log that is written while its output is read, never far ahead of it: something is always left to do."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

from aiokafka.partitioner import DefaultPartitioner

from shared.config import KafkaSettings
from shared.kafka import topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from tests.support.direct_engine import Direct

# What a partition may be ahead of the slowest one: the others work on while one waits for its worker.
_AHEAD = 0.15
PARTITIONS = 4


def partition_of(lead: str) -> int:
    """Return the partition of ``ticks.v1`` that a lead's records go to."""
    numbers = list(range(PARTITIONS))
    return int(DefaultPartitioner()(lead.encode(), numbers, numbers))


class Progress:
    """What has appeared in ``divergences.v1``, each identity once, by partition of the lead.

    Parameters
    ----------
    expected
        Every event that is to come.
    lead_of
        The lead of each pair.
    """

    def __init__(self, expected: Direct, lead_of: dict[str, str]) -> None:
        self._partition_of = {pair: partition_of(lead) for pair, lead in lead_of.items()}
        pairs = [json.loads(value)["pair"] for value in expected.events]
        self.totals = Counter(self._partition_of[pair] for pair in pairs)
        self._seen: dict[int, set[str]] = {partition: set() for partition in self.totals}
        self._news = asyncio.Condition()
        self._allowed = 0.0

    @property
    def whole(self) -> float:
        """Return the share of all events."""
        return sum(map(len, self._seen.values())) / self.totals.total()

    @property
    def slowest(self) -> float:
        """Return the share of the partition that is furthest behind."""
        return min(len(seen) / self.totals[partition] for partition, seen in self._seen.items())

    def is_allowed(self, share: float) -> bool:
        """Return whether a partition's log may be written so far."""
        return share <= min(self._allowed, self.slowest + _AHEAD)

    async def allow(self, share: float) -> None:
        """Let the log be written up to a share of its events."""
        async with self._news:
            self._allowed = share
            self._news.notify_all()

    async def until(self, is_done: Callable[[Self], bool]) -> None:
        """Wait until enough has appeared."""
        async with self._news:
            await self._news.wait_for(lambda: is_done(self))

    @asynccontextmanager
    async def following(self, bootstrap: str) -> AsyncIterator[None]:
        """Read along."""
        following = asyncio.create_task(self._follow(bootstrap))
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _follow(self, bootstrap: str) -> None:
        settings = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
        reader = make_reader(settings, client_id="test-progress")
        reader.subscribe([topics.DIVERGENCES.name])
        await reader.start()
        try:
            while True:
                fetched = await reader.getmany(timeout_ms=100)
                async with self._news:
                    for record in (each for records in fetched.values() for each in records):
                        value = json.loads(record.value)
                        self._seen[self._partition_of[value["pair"]]].add(value["event_id"])
                    self._news.notify_all()
        finally:
            await reader.stop()


async def write_log(
    bootstrap: str,
    written: Sequence[tuple[str, bytes]],
    *,
    expected: Direct | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a log, each partition in its order.

    Parameters
    ----------
    written
        Keys and values.
    expected, progress
        Write it as its events appear and as far as is allowed; without them as fast as possible.
    """

    async def write(publisher: Publisher, partition: int) -> None:
        for at, (lead, value) in enumerate(written):
            if partition_of(lead) != partition:
                continue
            if expected is not None and progress is not None:
                share = expected.before[at] / progress.totals[partition]
                await progress.until(lambda so_far, share=share: so_far.is_allowed(share))  # type: ignore[misc]  # bound now
            sent = await publisher.publish(topics.TICKS.name, key=lead, value=value)
            assert sent.partition == partition

    kafka = KafkaSettings(bootstrap_servers=bootstrap)
    async with Publisher(kafka, client_id="test-feed") as publisher, asyncio.TaskGroup() as tasks:
        for partition in range(PARTITIONS):
            tasks.create_task(write(publisher, partition))
