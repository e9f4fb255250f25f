"""Commit offsets in the background, so that no webhook waits for the disk or for Kafka's group coordinator.

An offset is committed after everything before it is on disk: until then Kafka has the record for us. A late
commit is safe: a record that is read again is recognised by its ``event_id``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from shared.errors import BrokerUnavailable, StoreUnavailable

log = structlog.get_logger(__name__)

_DELAY_SECONDS: Final = 0.01
_STORE_RETRY_SECONDS: Final = 1.0


class OffsetCommitter:
    """Commit, for each partition, the offset up to which all records are stored.

    Parameters
    ----------
    flush
        Returns when everything that was stored before is on disk.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        *,
        flush: Callable[[], Awaitable[None]],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._consumer = consumer
        self._flush = flush
        self._on_effect = on_effect
        self._stored: dict[TopicPartition, int] = {}
        self._woken = asyncio.Event()

    def note(self, partition: TopicPartition, next_offset: int) -> None:
        """Note that every record before ``next_offset`` is stored."""
        self._stored[partition] = next_offset
        self._woken.set()

    async def run(self) -> None:
        """Commit whenever an offset was noted; never returns."""
        while True:
            await self._woken.wait()
            # The disk first serves the attempts that the records have caused.
            await asyncio.sleep(_DELAY_SECONDS)
            await self.commit()

    async def commit(self) -> None:
        """Commit the offsets noted so far.

        Raises
        ------
        BrokerUnavailable
            If Kafka refuses for any reason but that the partition has moved to another member.
        """
        self._woken.clear()
        offsets = dict(self._stored)
        if not offsets:
            return
        try:
            await self._flush()
        except StoreUnavailable as error:
            log.warning("commit_waits_for_the_store", detail=str(error)[:200])
            asyncio.get_running_loop().call_later(_STORE_RETRY_SECONDS, self._woken.set)
            return
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # The partition now belongs to another member, which reads these records again; the store
            # recognises them.
            log.warning("commit_superseded", detail=str(error)[:200])
        except KafkaError as error:
            raise BrokerUnavailable(f"offsets not committed: {error!r}") from error
        else:
            self._on_effect(Effect.COMMITTED)
        # Only now: if the stop cancels a commit, the last commit must repeat it.
        for partition, offset in offsets.items():
            if self._stored[partition] == offset:
                del self._stored[partition]
