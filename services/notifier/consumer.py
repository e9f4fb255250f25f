"""Read the topic of events as a member of a consumer group, and compare the group's offsets with the store.

The store notes with each event how far the log is in it. A store that knows less than the group has read was
deleted or restored from a copy:

================================ ========================================================================
the store                        what happens
================================ ========================================================================
knows less than was read         the records in between are read again and delivered, as far as they have
                                 not expired; a receiver recognises what it has by its id
knows nothing, but some was read a new store: reading goes on where the group is; what the old store still
                                 had to send is not known, and a line at level error says so
knows more than the log has      the topic was made anew: reading goes on where the group is
================================ ========================================================================
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from services.notifier.core.effects import OnEffect, ignore_effect
from services.notifier.event_intake import EventIntake
from services.notifier.metrics import NotifierMetrics
from services.notifier.offset_committer import OffsetCommitter
from services.notifier.store.database import Database
from services.notifier.store.positions import LogPositions
from shared.errors import BrokerUnavailable, StoreUnavailable

log = structlog.get_logger(__name__)

# A fetch that finds nothing returns after this long, so that the loop notices that it must stop.
_POLL_MS: Final = 200
_RECONNECT_SECONDS: Final = 2.0


class EventConsumer:
    """Read the topic until asked to stop.

    Parameters
    ----------
    make_consumer
        Builds the client; called again when Kafka could not be reached.
    on_effect
        Called after each commit of offsets.
    """

    def __init__(
        self,
        *,
        make_consumer: Callable[[], AIOKafkaConsumer],
        topic: str,
        intake: EventIntake,
        database: Database,
        metrics: NotifierMetrics,
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._make_consumer = make_consumer
        self._topic = topic
        self._intake = intake
        self._database = database
        self._positions_in_store = LogPositions(database)
        self._metrics = metrics
        self._on_effect = on_effect
        self._positions: dict[TopicPartition, int] = {}
        self._compared: set[TopicPartition] = set()
        self._is_assigned = False

    @property
    def is_assigned(self) -> bool:
        """Return whether the group has assigned partitions to this consumer."""
        return self._is_assigned

    async def run(self, stop: asyncio.Event) -> None:
        """Read, store and commit until asked to stop.

        Raises
        ------
        BrokerUnavailable
            If Kafka fails in a way that a restart may fix.
        """
        consumer = await self._connect(stop)
        if consumer is None:
            return
        committer = OffsetCommitter(consumer, flush=self._database.flush, on_effect=self._on_effect)
        try:
            async with asyncio.TaskGroup() as group:
                committing = group.create_task(committer.run())
                while not stop.is_set():
                    await self._read_some(consumer, committer, stop)
                committing.cancel()
            await committer.commit()
        finally:
            self._is_assigned = False
            await consumer.stop()

    async def _connect(self, stop: asyncio.Event) -> AIOKafkaConsumer | None:
        while not stop.is_set():
            consumer = self._make_consumer()
            try:
                await consumer.start()
            except KafkaError as error:
                await consumer.stop()
                log.warning("kafka_unreachable", detail=str(error)[:200])
            else:
                return consumer
            try:
                async with asyncio.timeout(_RECONNECT_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue
        return None

    async def _read_some(
        self, consumer: AIOKafkaConsumer, committer: OffsetCommitter, stop: asyncio.Event
    ) -> None:
        try:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            assigned = consumer.assignment()
            self._is_assigned = bool(assigned)
            self._compared &= assigned
            for partition in assigned - self._compared:
                first = batches[partition][0].offset if batches.get(partition) else None
                try:
                    is_moved = await self._compare(consumer, partition, first)
                except IllegalStateError:
                    # Another member has the partition since this moment, and reads these records.
                    self._compared.discard(partition)
                    is_moved = True
                if is_moved:
                    batches.pop(partition, None)
        except KafkaError as error:
            raise BrokerUnavailable(f"cannot read: {error!r}") from error
        for partition, records in batches.items():
            for record in records:
                with structlog.contextvars.bound_contextvars(
                    topic=record.topic, partition=record.partition, offset=record.offset
                ):
                    if not await self._intake.take(record, stop):
                        return
                self._positions[partition] = record.offset + 1
                committer.note(partition, record.offset + 1)
        self._set_lag(consumer)

    async def _compare(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, first_read: int | None
    ) -> bool:
        """Compare a new partition with the store; return whether it is read from elsewhere now."""
        try:
            in_store = (await self._positions_in_store.read(self._topic)).get(partition.partition)
        except StoreUnavailable:
            if first_read is not None:
                # Compared with the next fetch. What was read now must not be stored before: the store would
                # then know as much as the group, and what it lacks would go unnoticed.
                consumer.seek(partition, first_read)
            return True
        position = first_read if first_read is not None else await consumer.position(partition)
        begins = (await consumer.beginning_offsets([partition]))[partition]
        ends = (await consumer.end_offsets([partition]))[partition]
        self._compared.add(partition)
        facts = {"partition": partition.partition, "log_was_read_to": position, "store_knows_to": in_store}
        if in_store is None:
            if position > begins:
                self._metrics.store_behind.inc()
                log.error("store_is_new", **facts, does="goes on where the log was read to")
            return False
        if in_store > ends:
            log.error("log_is_new", **facts, log_ends=ends, does="goes on where the log was read to")
            return False
        if in_store >= position:
            return False
        again = max(in_store, begins)
        self._metrics.store_behind.inc()
        log.error("store_is_behind", **facts, does="reads the records in between again", from_offset=again)
        consumer.seek(partition, again)
        return True

    def _set_lag(self, consumer: AIOKafkaConsumer) -> None:
        for partition, position in self._positions.items():
            end = consumer.highwater(partition) if partition in consumer.assignment() else None
            if end is not None:
                labels = (partition.topic, str(partition.partition))
                self._metrics.lag.labels(*labels).set(max(end - position, 0))
