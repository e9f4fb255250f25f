"""Store each event once, in one transaction with the deliveries that were planned for it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from services.notifier.core.routing import DeliveryPlan, PlannedDelivery, RoutingHistory
from services.notifier.store.database import Database
from services.notifier.store.tables import DELIVERIES, EVENTS, GONE_RECEIVERS, PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as it came from Kafka; its fields are the table's columns.

    Parameters
    ----------
    value
        The record's value, byte for byte.
    received_at_ns, published_at_ns
        Wall time.
    headers
        The record's headers as text.
    """

    event_id: str
    value: bytes
    pair: str
    divergence_id: str
    sequence: int
    received_at_ns: int
    published_at_ns: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """An event that was stored before.

    Parameters
    ----------
    is_identical
        Its value is the same, byte for byte, as it must be on every replay.
    """

    is_identical: bool


class EventLog:
    """Keep each event once, together with its deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, event: ReceivedEvent, plan: Callable[[RoutingHistory], DeliveryPlan]
    ) -> DeliveryPlan | Repeated:
        """Store an event and its deliveries in one transaction, which also reads what the plan needs.

        Parameters
        ----------
        plan
            Pure; called in the transaction.

        Returns
        -------
        DeliveryPlan or Repeated
            The latter if the event was there before; then nothing is changed.
        """
        try:
            return await self._database.run(lambda connection: _store(connection, event, plan))
        except IntegrityError:
            known = await self._database.run(lambda connection: _value_of(connection, event.event_id))
            if known is None:
                raise
            return Repeated(is_identical=known == event.value)


_NOTIFIED = select(DELIVERIES.c.subscription).where(DELIVERIES.c.divergence_id == bindparam("divergence_id"))
_GONE = select(GONE_RECEIVERS.c.receiver_id)


def _store(
    connection: Connection, event: ReceivedEvent, plan: Callable[[RoutingHistory], DeliveryPlan]
) -> DeliveryPlan:
    connection.execute(insert(EVENTS), asdict(event))
    history = RoutingHistory(
        notified=frozenset(connection.scalars(_NOTIFIED, {"divergence_id": event.divergence_id})),
        gone=frozenset(connection.scalars(_GONE)),
    )
    made = plan(history)
    if made.deliveries:
        connection.execute(
            insert(DELIVERIES), [_row(delivery, event.received_at_ns) for delivery in made.deliveries]
        )
    return made


def _value_of(connection: Connection, event_id: str) -> bytes | None:
    return connection.scalar(select(EVENTS.c.value).where(EVENTS.c.event_id == event_id))


def _row(delivery: PlannedDelivery, received_at_ns: int) -> dict[str, object]:
    return {
        "delivery_id": delivery.delivery_id,
        "event_id": delivery.event_id,
        "subscription": delivery.subscription,
        "channel": delivery.channel.value,
        "receiver_id": delivery.receiver_id,
        "pair": delivery.pair,
        "divergence_id": delivery.divergence_id,
        "sequence": delivery.sequence,
        "message_id": delivery.message_id,
        "state": PENDING,
        "attempts": 0,
        "last_reason": "",
        "next_attempt_at_ns": received_at_ns,
        "expires_at_ns": delivery.expires_at_ns,
        "ended_at_ns": None,
        "audited": False,
    }
