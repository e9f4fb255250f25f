"""The deliveries that wait to be sent, and the result of each attempt."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, func, insert, select, update

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.retry import DeliveryEnded, RetryAt, RetryDecision
from services.notifier.core.scheduling import Backlog
from services.notifier.store.database import Database
from services.notifier.store.tables import ATTEMPTS, DELIVERIES, EVENTS, GONE_RECEIVERS, PENDING
from shared.domain.deliveries import Channel, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedDelivery:
    """A pending delivery with its event.

    Parameters
    ----------
    value
        The event, byte for byte.
    received_at_ns, published_at_ns
        Of the event; wall time.
    """

    delivery: PendingDelivery
    value: bytes
    received_at_ns: int
    published_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, for the log of attempts."""

    started_at_ns: int
    duration_seconds: float
    answer: str
    reason: str
    detail: str


class DeliveryQueue:
    """Read and change the deliveries that have not ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, *, limit: int, without: Collection[str] = ()) -> tuple[QueuedDelivery, ...]:
        """Return the first pending delivery of each lane, those due earliest first.

        Parameters
        ----------
        limit
            Most rows *per subscription*, so that one with a long queue does not hide the others.
        without
            Subscriptions to leave out.
        """
        asked = {"limit": limit, "without": sorted(without)}
        rows = await self._database.run(lambda connection: connection.execute(_HEADS, asked).all())
        return tuple(_queued(row) for row in rows)

    async def record(
        self, delivery: PendingDelivery, decision: RetryDecision, *, now_ns: int, attempt: Attempt | None
    ) -> int:
        """Store what came of a delivery.

        Parameters
        ----------
        attempt
            None when none was made: it was too late for one.

        Returns
        -------
        int
            How many deliveries ended by it: more than one where a receiver asked for nothing more.
        """
        return await self._database.run(
            lambda connection: _record(connection, delivery, decision, now_ns, attempt)
        )

    async def backlog(self) -> tuple[Backlog, ...]:
        """Return what waits, by channel; a channel in which nothing waits is not in it."""
        query = (
            select(DELIVERIES.c.channel, func.count(), func.min(EVENTS.c.received_at_ns))
            .join(EVENTS, EVENTS.c.event_id == DELIVERIES.c.event_id)
            .where(DELIVERIES.c.state == PENDING)
            .group_by(DELIVERIES.c.channel)
        )
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return tuple(
            Backlog(channel=Channel(channel), count=count, oldest_received_at_ns=oldest)
            for channel, count, oldest in rows
        )


def _heads() -> Select[tuple[object, ...]]:
    earlier = DELIVERIES.alias("earlier")
    place = (
        func.row_number()
        .over(
            partition_by=DELIVERIES.c.subscription,
            order_by=(DELIVERIES.c.next_attempt_at_ns, DELIVERIES.c.sequence),
        )
        .label("place")
    )
    is_blocked = exists().where(
        and_(
            earlier.c.state == PENDING,
            earlier.c.subscription == DELIVERIES.c.subscription,
            earlier.c.divergence_id == DELIVERIES.c.divergence_id,
            earlier.c.sequence < DELIVERIES.c.sequence,
        )
    )
    first = (
        select(DELIVERIES, place)
        .where(
            DELIVERIES.c.state == PENDING,
            DELIVERIES.c.subscription.not_in(bindparam("without", expanding=True)),
            ~is_blocked,
        )
        .subquery("first")
    )
    return (
        select(first, EVENTS.c.value, EVENTS.c.received_at_ns, EVENTS.c.published_at_ns)
        .join(EVENTS, EVENTS.c.event_id == first.c.event_id)
        .where(first.c.place <= bindparam("limit"))
        .order_by(first.c.next_attempt_at_ns, first.c.sequence)
    )


# Built once: this query runs before the first attempt of every event.
_HEADS = _heads()


def _queued(row: Row[tuple[object, ...]]) -> QueuedDelivery:
    return QueuedDelivery(
        delivery=PendingDelivery(
            delivery_id=row.delivery_id,
            event_id=row.event_id,
            subscription=row.subscription,
            channel=Channel(row.channel),
            receiver_id=row.receiver_id,
            divergence_id=row.divergence_id,
            sequence=row.sequence,
            message_id=row.message_id,
            attempts=row.attempts,
            last_reason=row.last_reason,
            next_attempt_at_ns=row.next_attempt_at_ns,
            expires_at_ns=row.expires_at_ns,
        ),
        value=row.value,
        received_at_ns=row.received_at_ns,
        published_at_ns=row.published_at_ns,
    )


def _record(
    connection: Connection,
    delivery: PendingDelivery,
    decision: RetryDecision,
    now_ns: int,
    attempt: Attempt | None,
) -> int:
    attempts = delivery.attempts + (attempt is not None)
    if attempt is not None:
        connection.execute(
            insert(ATTEMPTS),
            {
                "delivery_id": delivery.delivery_id,
                "attempt": attempts,
                "started_at_ns": attempt.started_at_ns,
                "duration_seconds": attempt.duration_seconds,
                "answer": attempt.answer,
                "reason": attempt.reason,
                "detail": attempt.detail,
            },
        )
    this = (DELIVERIES.c.delivery_id == delivery.delivery_id, DELIVERIES.c.state == PENDING)
    match decision:
        case RetryAt(reason=reason, next_attempt_at_ns=next_attempt_at_ns):
            later = {"last_reason": reason.value, "next_attempt_at_ns": next_attempt_at_ns}
            connection.execute(update(DELIVERIES).where(*this).values(attempts=attempts, **later))
            return 0
        case DeliveryEnded(outcome=outcome, reason=reason):
            end = {"state": outcome.value, "last_reason": reason, "ended_at_ns": now_ns}
            # Not pending any more: another lane's answer ended all of this receiver's deliveries.
            ended = connection.execute(update(DELIVERIES).where(*this).values(attempts=attempts, **end))
            return ended.rowcount + (_retire(connection, delivery, end) if outcome is Outcome.GONE else 0)


def _retire(connection: Connection, delivery: PendingDelivery, end: Mapping[str, object]) -> int:
    """End all pending deliveries of a receiver that wants no more messages, and remember the receiver."""
    known = select(GONE_RECEIVERS.c.receiver_id).where(GONE_RECEIVERS.c.receiver_id == delivery.receiver_id)
    if connection.scalar(known) is None:
        connection.execute(
            insert(GONE_RECEIVERS),
            {
                "receiver_id": delivery.receiver_id,
                "subscription": delivery.subscription,
                "gone_at_ns": end["ended_at_ns"],
            },
        )
    waiting = (DELIVERIES.c.receiver_id == delivery.receiver_id, DELIVERIES.c.state == PENDING)
    return connection.execute(update(DELIVERIES).where(*waiting).values(**end)).rowcount
