"""Take events from Kafka into the store.

Order of effects for one record:

1. decode and check it; if that fails, publish it to the dead letters, wait for the acknowledgement, go to 4,
2. decide who gets it, and store the event and all its deliveries in one transaction; or find that it is
   stored already (``stored``),
3. wake the dispatcher,
4. note its offset, which is committed in the background (``committed``).

After a crash before 2, nothing has been done. After a crash between 2 and 4, the record is read again, and 2
recognises it by its ``event_id``. An exception ends the process before 4, so no record is ever skipped.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.event_validation import check_event, check_size
from services.notifier.core.record_metadata import header_texts, published_at_ns
from services.notifier.core.routing import Subscription, Suppression, TimeBase, plan_deliveries
from services.notifier.metrics import NotifierMetrics
from services.notifier.offset_committer import OffsetCommitter
from services.notifier.store.events import EventLog, ReceivedEvent, Repeated
from shared.clock import Clock
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.domain.deliveries import dead_letter
from shared.domain.divergences import DivergenceEvent
from shared.errors import BrokerUnavailable, DataError
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

# A fetch that finds nothing returns after this long, so that the loop notices that it must stop.
_POLL_MS: Final = 200
_RECONNECT_SECONDS: Final = 2.0


class EventConsumer:
    """Read a topic as a member of a consumer group until asked to stop.

    Parameters
    ----------
    make_consumer
        Builds the client; called again when Kafka could not be reached.
    dead_letters
        Topic for records that cannot be processed.
    on_stored
        Called after an event and its deliveries are stored.
    mail_domain
        Right side of Message-IDs.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self,
        *,
        make_consumer: Callable[[], AIOKafkaConsumer],
        publisher: Publisher,
        dead_letters: str,
        events: EventLog,
        subscriptions: Sequence[Subscription],
        time_base: TimeBase,
        mail_domain: str,
        metrics: NotifierMetrics,
        clock: Clock,
        on_stored: Callable[[], None],
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._make_consumer = make_consumer
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._events = events
        self._subscriptions = tuple(subscriptions)
        self._time_base = time_base
        self._mail_domain = mail_domain
        self._metrics = metrics
        self._clock = clock
        self._on_stored = on_stored
        self._on_effect = on_effect
        self._positions: dict[TopicPartition, int] = {}
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
        committer = OffsetCommitter(consumer, on_effect=self._on_effect)
        try:
            async with asyncio.TaskGroup() as group:
                committing = group.create_task(committer.run())
                while not stop.is_set():
                    await self._read_some(consumer, committer)
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

    async def _read_some(self, consumer: AIOKafkaConsumer, committer: OffsetCommitter) -> None:
        try:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
        except KafkaError as error:
            raise BrokerUnavailable(f"cannot read: {error!r}") from error
        self._is_assigned = bool(consumer.assignment())
        for partition, records in batches.items():
            for record in records:
                with structlog.contextvars.bound_contextvars(
                    topic=record.topic, partition=record.partition, offset=record.offset
                ):
                    await self._handle(record)
                self._positions[partition] = record.offset + 1
                committer.note(partition, record.offset + 1)
        self._set_lag(consumer)

    async def _handle(self, record: ConsumerRecord) -> None:
        received_at_ns = self._clock.now_ns()
        try:
            check_size(record.value)
            event = DIVERGENCES.decode(record.value)
            check_event(event)
        except DataError as error:
            await self._dead_letter(record, error)
            return
        plan = await self._events.add(
            _received(record, event, received_at_ns),
            lambda history: plan_deliveries(
                event,
                subscriptions=self._subscriptions,
                history=history,
                first_seen_ns=received_at_ns,
                time_base=self._time_base,
                mail_domain=self._mail_domain,
            ),
        )
        self._on_effect(Effect.STORED)
        if isinstance(plan, Repeated):
            self._metrics.suppressed.labels(Suppression.DUPLICATE.value).inc(len(self._subscriptions))
            # One id with two values: something upstream depends on more than the log.
            write = log.info if plan.is_identical else log.error
            write("event_repeated", event_id=event.event_id, is_identical=plan.is_identical)
            return
        self._on_stored()
        for delivery in plan.deliveries:
            self._metrics.notifications.labels(delivery.channel.value).inc()
        for suppressed in plan.suppressed:
            self._metrics.suppressed.labels(suppressed.reason.value).inc()
        log.info(
            "event_stored",
            event_id=event.event_id,
            pair=event.pair,
            transition=event.type.value,
            deliveries=len(plan.deliveries),
            suppressed=len(plan.suppressed),
        )

    async def _dead_letter(self, record: ConsumerRecord, error: DataError) -> None:
        letter = dead_letter(
            record.topic,
            partition=record.partition,
            offset=record.offset,
            raw=record.value,
            reason=error.reason,
            message=str(error),
        )
        await self._publisher.publish(self._dead_letters, key=record.topic, value=DEADLETTERS.encode(letter))
        self._metrics.dead_lettered.labels(record.topic, error.reason).inc()
        log.warning("record_dead_lettered", reason=error.reason, detail=str(error))

    def _set_lag(self, consumer: AIOKafkaConsumer) -> None:
        for partition, position in self._positions.items():
            end = consumer.highwater(partition) if partition in consumer.assignment() else None
            if end is not None:
                labels = (partition.topic, str(partition.partition))
                self._metrics.lag.labels(*labels).set(max(end - position, 0))


def _received(record: ConsumerRecord, event: DivergenceEvent, received_at_ns: int) -> ReceivedEvent:
    return ReceivedEvent(
        event_id=event.event_id,
        value=record.value,
        pair=event.pair,
        divergence_id=event.divergence_id,
        sequence=event.sequence,
        received_at_ns=received_at_ns,
        # The producer's clock, in milliseconds; the signals service itself reads no clock.
        published_at_ns=published_at_ns(record.timestamp, received_at_ns=received_at_ns),
        headers=header_texts(record.headers),
    )
