"""Write a compacted topic, ``bars.v1`` or ``macro.v1``: the newest version of each value under its key."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Generic, TypeVar

from services.ingestor.kafka.queue_drain import QueueDrain
from services.ingestor.kafka.record_encoding import encoded
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.envelope import Contract
from shared.kafka.topics import Topic

T = TypeVar("T")

# aiokafka joins concurrent sends into a few requests; more than this at a time gains nothing.
_CONCURRENT_SENDS: Final = 200


class CompactedTopicWriter(Generic[T]):
    """Publish each value that is new or has changed.

    Parameters
    ----------
    key_of
        Returns the key of a value's record.
    """

    def __init__(
        self,
        publisher: RetryingPublisher,
        *,
        topic: Topic,
        contract: Contract[T],
        key_of: Callable[[T], str],
        metrics: IngestorMetrics,
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._contract = contract
        self._key_of = key_of
        self._metrics = metrics
        self._waiting: dict[str, T] = {}
        self._published: dict[str, T] = {}
        self._drain = QueueDrain(self._send_next)

    def put(self, values: Iterable[T]) -> None:
        """Queue the values that differ from what is published; a newer version replaces a waiting one."""
        for value in values:
            key = self._key_of(value)
            if self._waiting.get(key, self._published.get(key)) != value:
                self._waiting[key] = value
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
            for key, value in batch.items():
                record = encoded(value, self._contract.encode, topic=self._topic.name, metrics=self._metrics)
                if record is not None:
                    sends.create_task(self._publisher.publish(self._topic.name, key=key, value=record))
        return bool(batch)
