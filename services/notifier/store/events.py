"""Events and the deliveries they were planned into: all of it, or nothing, and once."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from services.notifier.core.plan import PlannedDelivery
from services.notifier.store.database import Database
from services.notifier.store.tables import DELIVERIES, EVENTS, GONE_RECEIVERS, PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as it came from Kafka.

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


class EventLog:
    """Keep each event once, together with its deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, event: ReceivedEvent, deliveries: Iterable[PlannedDelivery]) -> bool:
        """Store an event and its deliveries in one transaction.

        Returns
        -------
        bool
            False if the event was there before; then nothing is changed, whatever the deliveries.
        """
        row = {
            "event_id": event.event_id,
            "value": event.value,
            "pair": event.pair,
            "divergence_id": event.divergence_id,
            "sequence": event.sequence,
            "received_at_ns": event.received_at_ns,
            "published_at_ns": event.published_at_ns,
            "headers": event.headers,
        }
        rows = [_row(delivery, event.received_at_ns) for delivery in deliveries]

        def store(connection: Connection) -> None:
            connection.execute(insert(EVENTS), row)
            if rows:
                connection.execute(insert(DELIVERIES), rows)

        try:
            await self._database.run(store)
        except IntegrityError:
            if await self._is_known(event.event_id):
                return False
            raise
        return True

    async def told(self, divergence_id: str) -> frozenset[str]:
        """Return the subscriptions that have a delivery about a divergence, ended or not."""
        query = select(DELIVERIES.c.subscription).where(DELIVERIES.c.divergence_id == divergence_id)
        return frozenset(await self._database.run(lambda connection: connection.scalars(query).all()))

    async def gone(self) -> frozenset[str]:
        """Return the identities of the receivers that asked for nothing more."""
        query = select(GONE_RECEIVERS.c.receiver_id)
        return frozenset(await self._database.run(lambda connection: connection.scalars(query).all()))

    async def _is_known(self, event_id: str) -> bool:
        query = select(EVENTS.c.event_id).where(EVENTS.c.event_id == event_id)
        return await self._database.run(lambda connection: connection.scalar(query)) is not None


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
