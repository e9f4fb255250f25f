"""Commit offsets in the background: late is safe, because a record that comes again is recognised.

The critical path from an event to its webhook does not wait for the group coordinator.
"""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.notifier.core.steps import Reached, Step, pass_on
from shared.errors import BrokerUnavailable

log = structlog.get_logger(__name__)


class OffsetCommitter:
    """Commit the newest offset of each partition whose records are stored."""

    def __init__(self, consumer: AIOKafkaConsumer, *, reached: Reached = pass_on) -> None:
        self._consumer = consumer
        self._reached = reached
        self._stored: dict[TopicPartition, int] = {}
        self._woken = asyncio.Event()

    def note(self, partition: TopicPartition, next_offset: int) -> None:
        """Say that everything before ``next_offset`` is stored."""
        self._stored[partition] = next_offset
        self._woken.set()

    async def run(self) -> None:
        """Commit whenever there is something to commit; never returns."""
        while True:
            await self._woken.wait()
            await self.commit()

    async def commit(self) -> None:
        """Commit what was noted so far.

        Raises
        ------
        BrokerUnavailable
            If Kafka refuses for another reason than that the partition has moved.
        """
        self._woken.clear()
        offsets = dict(self._stored)
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # The partition is another member's by now: it reads these records again, and so may we.
            log.warning("commit_superseded", detail=str(error)[:200])
        except KafkaError as error:
            raise BrokerUnavailable(f"offsets not committed: {error!r}") from error
        else:
            self._reached(Step.COMMITTED)
        # Only now: a commit that is cancelled by the stop is made again by the last one.
        for partition, offset in offsets.items():
            if self._stored[partition] == offset:
                del self._stored[partition]
