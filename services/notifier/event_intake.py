"""Take one record of the topic of events into the store, with everything that was decided about it.

Order of effects for one record:

1. decode and check it; if it cannot be processed, publish it to the dead letters, wait for the
   acknowledgement, note its position and go to 4,
2. decide who gets it, and store the event, all its deliveries and its position in one transaction; or find
   that it is stored already (``stored``),
3. hand the deliveries to the dispatcher,
4. note its offset, which is committed in the background once all of it is on disk (``committed``).

After a crash before 2, nothing has been done. After a crash between 2 and 4, the record is read again, and 2
recognises it by its ``event_id``. While the store cannot be written, the record waits. Any other failure is
the record's own, whatever it is: it becomes a dead letter, and the partition goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import ConsumerRecord

from services.notifier.core.effects import Effect, OnEffect, ignore_effect
from services.notifier.core.event_validation import check_event, check_size
from services.notifier.core.record_metadata import header_texts, published_at_ns
from services.notifier.core.routing import (
    Subscription,
    Suppression,
    TimeBase,
    plan_deliveries,
    receivers_with_interval,
)
from services.notifier.metrics import NotifierMetrics
from services.notifier.store.events import EventLog, MayBegin, ReceivedEvent, Repeated, StoredEvent
from services.notifier.store.positions import LogPosition, LogPositions
from services.notifier.store.queue import EventContent
from shared.clock import Clock
from shared.contracts.records import DEADLETTERS, DIVERGENCES
from shared.domain.deliveries import dead_letter
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.errors import BrokerUnavailable, DataError, QualityError, StoreUnavailable
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = (0.1, 0.3, 1.0)

OnStored = Callable[[StoredEvent, str, EventContent], None]


class EventIntake:
    """Store records one after the other.

    Parameters
    ----------
    dead_letters
        Topic for records that cannot be processed.
    mail_domain
        Right side of Message-IDs.
    first_attempts
        Returns what decides, for one event, which planned deliveries are stored as begun; that is called in
        the store's thread.
    on_stored
        Called with what was stored, the event's id and its bytes.
    on_effect
        Called after each effect of the list above.
    """

    def __init__(
        self,
        *,
        events: EventLog,
        positions: LogPositions,
        publisher: Publisher,
        dead_letters: str,
        subscriptions: Sequence[Subscription],
        time_base: TimeBase,
        mail_domain: str,
        metrics: NotifierMetrics,
        clock: Clock,
        first_attempts: Callable[[], MayBegin],
        on_stored: OnStored,
        on_effect: OnEffect = ignore_effect,
    ) -> None:
        self._events = events
        self._positions = positions
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._subscriptions = tuple(subscriptions)
        self._receivers_with_interval = receivers_with_interval(self._subscriptions)
        self._time_base = time_base
        self._mail_domain = mail_domain
        self._metrics = metrics
        self._clock = clock
        self._first_attempts = first_attempts
        self._on_stored = on_stored
        self._on_effect = on_effect
        DIVERGENCES.prepare()

    async def take(self, record: ConsumerRecord, stop: asyncio.Event) -> bool:
        """Store a record, waiting for the store if need be; return False if asked to stop before.

        Raises
        ------
        BrokerUnavailable
            If a dead letter cannot be published.
        """
        failures = 0
        while True:
            try:
                await self._take(record)
            except StoreUnavailable as error:
                pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
                failures += 1
                log.warning("record_waits_for_the_store", failures=failures, detail=str(error)[:200])
            else:
                return True
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                continue
            return False

    async def _take(self, record: ConsumerRecord) -> None:
        try:
            await self._store(record)
        except (StoreUnavailable, BrokerUnavailable):
            raise
        except DataError as error:
            await self._refuse(record, error)
        except Exception as error:
            log.exception("record_failed_inside")
            await self._refuse(record, QualityError(f"{type(error).__name__}: {error}", reason="internal"))

    async def _store(self, record: ConsumerRecord) -> None:
        received_at_ns = self._clock.now_ns()
        check_size(record.value)
        event = DIVERGENCES.decode(record.value)
        check_event(event)
        received = _received(record, event, received_at_ns)
        stored = await self._events.add(
            received,
            lambda history: plan_deliveries(
                event,
                subscriptions=self._subscriptions,
                history=history,
                first_seen_ns=received_at_ns,
                time_base=self._time_base,
                mail_domain=self._mail_domain,
            ),
            position=_position(record),
            now_ns=received_at_ns,
            receivers_with_interval=self._receivers_with_interval,
            may_begin=self._first_attempts(),
        )
        self._on_effect(Effect.STORED)
        if isinstance(stored, Repeated):
            self._metrics.suppressed.labels(Suppression.DUPLICATE.value).inc(len(self._subscriptions))
            # One id with two values: something upstream depends on more than the log.
            write = log.info if stored.is_identical else log.error
            write("event_repeated", event_id=event.event_id, is_identical=stored.is_identical)
            return
        content = EventContent(
            value=received.value, received_at_ns=received_at_ns, published_at_ns=received.published_at_ns
        )
        self._on_stored(stored, event.event_id, content)
        self._count(stored)
        log.info(
            "event_stored",
            event_id=event.event_id,
            pair=event.pair,
            transition=event.type.value,
            deliveries=len(stored.deliveries),
            suppressed=len(stored.plan.suppressed),
            superseded=len(stored.superseded),
        )

    def _count(self, stored: StoredEvent) -> None:
        for delivery in stored.deliveries:
            self._metrics.notifications.labels(delivery.channel.value).inc()
        for suppressed in stored.plan.suppressed:
            self._metrics.suppressed.labels(suppressed.reason.value).inc()

    async def _refuse(self, record: ConsumerRecord, error: DataError) -> None:
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
        await self._positions.move(_position(record))


def _position(record: ConsumerRecord) -> LogPosition:
    return LogPosition(topic=record.topic, partition=record.partition, offset=record.offset)


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
        fingerprint=event.fingerprint,
        severity=event.severity.value,
        occurred_at_ns=parse_rfc3339(event.occurred_at),
    )
