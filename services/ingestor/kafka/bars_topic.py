"""Write ``bars.v1``: the newest version of each bar, keyed ``instrument|session``."""

import asyncio
from itertools import islice
from typing import Final

from services.ingestor.kafka.queue_drain import QueueDrain
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from shared.contracts.records import BARS
from shared.domain.bars import Bar
from shared.kafka import topics

# aiokafka joins concurrent sends into a few requests; more than this at a time gains nothing.
_CONCURRENT_SENDS: Final = 200


class BarsTopicWriter:
    """Publish each bar that is new or has changed."""

    def __init__(self, publisher: RetryingPublisher) -> None:
        self._publisher = publisher
        self._waiting: dict[str, Bar] = {}
        self._published: dict[str, Bar] = {}
        self._drain = QueueDrain(self._send_next)

    def put(self, bars: tuple[Bar, ...]) -> None:
        """Queue the bars that differ from what is published; a newer version replaces a waiting one."""
        for bar in bars:
            key = f"{bar.instrument}|{bar.session}"
            if self._waiting.get(key, self._published.get(key)) != bar:
                self._waiting[key] = bar
        self._drain.wake()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._drain.close()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        await self._drain.run()

    async def _send_next(self) -> bool:
        # One version of a key at a time, so that a retry cannot arrive after a newer version.
        batch = dict(islice(self._waiting.items(), _CONCURRENT_SENDS))
        for key in batch:
            del self._waiting[key]
        self._published.update(batch)
        async with asyncio.TaskGroup() as sends:
            for key, bar in batch.items():
                sends.create_task(self._publisher.publish(topics.BARS.name, key=key, value=BARS.encode(bar)))
        return bool(batch)
