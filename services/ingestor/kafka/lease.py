"""Which of several ingestors runs the feeds: the one that has the only partition of ``ingestor-lease.v1``.

All ingestors are members of one consumer group, so Kafka decides. The holder commits a number for the
partition once a second: its turn, one more than that of the holder before it. Kafka accepts a commit only of
a member, and keeps a member at least for the session timeout after that.

======= =================================================== =========================================
lease   means                                               the feeds
======= =================================================== =========================================
held    the partition is ours, and a commit was accepted    run, and what they bring is published
        within `VALID_SECONDS`
lapsed  no commit was accepted in time, but nobody else has run, and what they bring waits
        committed a turn since ours
lost    another has, or the partition is another's          are stopped, and what waits is dropped
======= =================================================== =========================================

A lease lapses while Kafka cannot be reached; once it can, what waits is published, because nobody else could
publish meanwhile. A process that was stopped and goes on publishes nothing before it knows: its time is over.
At most what was already handed to the Kafka client can still reach the log then.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.backoff import Backoff
from shared.kafka.clients import connection_options
from shared.kafka.topics import LEASE

log = structlog.get_logger(__name__)

GROUP: Final = "convex-ingestor"
# The least that Kafka allows; a successor waits at least so long.
SESSION_SECONDS: Final = 6.0
# Less than the session: the clocks of two machines do not run at quite the same rate.
VALID_SECONDS: Final = SESSION_SECONDS - 1.0
_RENEW_SECONDS: Final = 1.0
_PARTITION: Final = TopicPartition(LEASE.name, 0)


class Lease:
    """The lease of one process.

    Parameters
    ----------
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(self, kafka: KafkaSettings, *, uniform: Callable[[], float], clock: Clock) -> None:
        self._kafka = kafka
        self._uniform = uniform
        self._clock = clock
        self._turn: int | None = None
        self._is_wanted = False
        self._valid_until = float("-inf")
        self._members = _Membership()
        self._changed = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Return whether the lease is ours, lapsed or not."""
        return self._turn is not None

    def may_publish(self) -> bool:
        """Return whether the lease is ours and renewed in time."""
        return self._turn is not None and self._clock.monotonic() < self._valid_until

    async def until_may_publish(self) -> bool:
        """Wait while the lease is lapsed; return False once it is lost."""
        while self.is_held and not self.may_publish():
            await self._changed.wait()
        return self.is_held

    async def until_held(self) -> None:
        """Wait until the lease is ours; it is taken for one that waits here.

        So one that has lost it comes first to the end with its old feeds and what they queued.
        """
        self._is_wanted = True
        while not self.is_held:
            await self._changed.wait()

    async def until_lost(self) -> None:
        """Wait until the lease is another's."""
        turn = self._turn
        while self._turn is not None and self._turn == turn:
            await self._changed.wait()

    async def run(self) -> None:
        """Be a member of the group until cancelled; while Kafka cannot be reached, try again."""
        backoff = Backoff(uniform=self._uniform, base_seconds=0.2, cap_seconds=2.0)
        while True:
            try:
                await self._follow()
            except KafkaError as error:
                log.warning("lease_unreachable", error=repr(error)[:200])
                await asyncio.sleep(backoff.failed(live_seconds=0.0))

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            client_id=GROUP,
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=int(SESSION_SECONDS * 1_000),
            rebalance_timeout_ms=int(SESSION_SECONDS * 1_000),
            heartbeat_interval_ms=int(_RENEW_SECONDS * 1_000),
            # A member that joins does not take the lease away from one that holds it.
            partition_assignment_strategy=(StickyPartitionAssignor,),
            fetch_max_wait_ms=self._kafka.fetch_max_wait_ms,
            **connection_options(self._kafka),
        )
        self._members = _Membership()
        consumer.subscribe([LEASE.name], listener=self._members)
        try:
            await consumer.start()
            while True:
                due_at = self._clock.monotonic() + _RENEW_SECONDS
                await self._renew(consumer)
                # Also keeps the membership alive; nothing is ever in the topic.
                while (wait := due_at - self._clock.monotonic()) > 0 and not self._members.has_changed:
                    await consumer.getmany(timeout_ms=max(1, int(min(wait, 0.2) * 1_000)))
        finally:
            # aiokafka cancels its tasks and awaits them; one that has not run yet would cancel us instead.
            await asyncio.sleep(0)
            await consumer.stop()

    async def _renew(self, consumer: AIOKafkaConsumer) -> None:
        members = self._members
        is_new_assignment, members.has_changed = members.has_changed, False
        if members.has_partition is None:
            return
        if not members.has_partition:
            self._lose()
            return
        turn = self._turn
        try:
            if turn is None or is_new_assignment:
                committed = await consumer.committed(_PARTITION) or 0
                if turn is not None and turn != committed:
                    self._lose()
                if self._turn is None and not self._is_wanted:
                    return
                turn = committed + 1 if self._turn is None else turn
            sent_at = self._clock.monotonic()
            await consumer.commit({_PARTITION: OffsetAndMetadata(turn, "")})
        except KafkaError as error:
            # In a rebalance, or no member any more: the next assignment says which.
            log.info("lease_not_renewed", error=repr(error)[:200])
            return
        self._valid_until = sent_at + VALID_SECONDS
        if self._turn is None:
            log.info("lease_taken", turn=turn)
        self._turn = turn
        self._announce()

    def _lose(self) -> None:
        if self._turn is not None:
            log.warning("lease_lost", turn=self._turn)
            self._turn = None
            self._is_wanted = False
            self._valid_until = float("-inf")
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """What the group says: whether the partition is ours; None while it is being decided."""

    def __init__(self) -> None:
        self.has_partition: bool | None = None
        self.has_changed = False

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Wait for the next assignment; a lease that is ours has lapsed until then."""
        self.has_partition = None

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Note whether the partition is among those assigned."""
        self.has_partition = _PARTITION in set(assigned)
        self.has_changed = True
