"""Take events from Kafka into the store.

Order of effects for one record:

1. decode it; if that fails, publish it to the dead letters, wait for the acknowledgement, go to 4,
2. plan who is told, and store the event and all its deliveries, in one transaction; or find it stored
   already (``stored``),
3. wake the dispatcher,
4. note its offset, which is committed in the background (``committed``).

Dying before 2 has done nothing; dying between 2 and 4 brings the record again, and 2 recognises it by its
``event_id``. An exception ends the process before 4: no record is ever passed over.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.notifier.commits import OffsetCommitter
from services.notifier.core.admission import admit
from services.notifier.core.expiry import TimeBase
from services.notifier.core.plan import Subscription, Suppression, make_plan
from services.notifier.core.steps import Reached, Step, pass_on
from services.notifier.metrics import NotifierMetrics
from services.notifier.store.events import EventLog, ReceivedEvent, Repeated
from shared.clock import Clock
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.domain.deliveries import dead_letter
from shared.domain.divergences import DivergenceEvent
from shared.errors import BrokerUnavailable, DataError
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

# A fetch that finds nothing returns after this long, and the loop sees that it is to stop.
_POLL_MS: Final = 200
_RECONNECT_SECONDS: Final = 2.0


class EventConsumer:
    """Read a topic as a member of a group until told to stop.

    Parameters
    ----------
    make_consumer
        Builds the client; called again when Kafka could not be reached.
    dead_letters
        Topic of what cannot be decoded.
    on_stored
        Called when there is something to send.
    mail_domain
        Right side of Message-IDs.
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
        reached: Reached = pass_on,
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
        self._reached = reached
        self._positions: dict[TopicPartition, int] = {}
        self._is_assigned = False

    @property
    def is_assigned(self) -> bool:
        """Tell whether it was given partitions to read."""
        return self._is_assigned

    async def run(self, stop: asyncio.Event) -> None:
        """Read, store and commit until told to stop.

        Raises
        ------
        BrokerUnavailable
            If Kafka fails in a way that a new process may survive.
        """
        consumer = await self._connect(stop)
        if consumer is None:
            return
        committer = OffsetCommitter(consumer, reached=self._reached)
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
                    await self._take(record)
                self._positions[partition] = record.offset + 1
                committer.note(partition, record.offset + 1)
        self._show_lag(consumer)

    async def _take(self, record: ConsumerRecord) -> None:
        received_at_ns = self._clock.now_ns()
        try:
            event = DIVERGENCES.decode(record.value)
            admit(event)
        except DataError as error:
            await self._bury(record, error)
            return
        plan = await self._events.add(
            _received(record, event, received_at_ns),
            lambda past: make_plan(
                event,
                subscriptions=self._subscriptions,
                past=past,
                first_seen_ns=received_at_ns,
                time_base=self._time_base,
                mail_domain=self._mail_domain,
            ),
        )
        self._reached(Step.STORED)
        if isinstance(plan, Repeated):
            self._metrics.suppressed.labels(Suppression.DUPLICATE.value).inc(len(self._subscriptions))
            # One identity with two values: something upstream does not depend on the log alone.
            say = log.info if plan.is_identical else log.error
            say("event_repeated", event_id=event.event_id, is_identical=plan.is_identical)
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

    async def _bury(self, record: ConsumerRecord, error: DataError) -> None:
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

    def _show_lag(self, consumer: AIOKafkaConsumer) -> None:
        for partition, position in self._positions.items():
            end = consumer.highwater(partition) if partition in consumer.assignment() else None
            if end is not None:
                labels = (partition.topic, str(partition.partition))
                self._metrics.lag.labels(*labels).set(max(end - position, 0))


def _received(record: ConsumerRecord, event: DivergenceEvent, received_at_ns: int) -> ReceivedEvent:
    headers = {name: value.decode("utf-8", errors="replace") for name, value in record.headers}
    return ReceivedEvent(
        event_id=event.event_id,
        value=record.value,
        pair=event.pair,
        divergence_id=event.divergence_id,
        sequence=event.sequence,
        received_at_ns=received_at_ns,
        # The producer's clock, in milliseconds; signals itself reads none.
        published_at_ns=record.timestamp * 1_000_000,
        headers=headers,
    )
