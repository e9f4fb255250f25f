"""The messages of one subscription in the order of their numbers, for a receiver that asks what it missed."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEvent:
    """One message.

    Parameters
    ----------
    state
        ``pending``, ``sending``, or how it ended.
    value
        The event, byte for byte.
    """

    endpoint_sequence: int
    state: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEventPage:
    """Some messages after a number.

    Parameters
    ----------
    events
        In the order of their numbers.
    oldest
        The lowest number that is still kept; None if nothing is kept.
    last
        The number of the newest message; 0 if there was none.
    """

    events: tuple[EndpointEvent, ...]
    oldest: int | None
    last: int


_AFTER: Final = text("""
    SELECT d.endpoint_sequence, d.state, e.value
    FROM deliveries AS d JOIN events AS e ON e.event_id = d.event_id
    WHERE d.subscription = :subscription AND d.endpoint_sequence > :after
    ORDER BY d.endpoint_sequence LIMIT :limit
""")
_OLDEST: Final = text("SELECT min(endpoint_sequence) FROM deliveries WHERE subscription = :subscription")
_LAST: Final = text("SELECT last FROM endpoint_sequences WHERE subscription = :subscription")


class EndpointEvents:
    """Read the messages of subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, subscription: str, after: int, *, limit: int) -> EndpointEventPage:
        """Return the messages of a subscription whose number is above one."""
        return await self._database.run(lambda connection: _page(connection, subscription, after, limit))


def _page(connection: Connection, subscription: str, after: int, limit: int) -> EndpointEventPage:
    asked = {"subscription": subscription, "after": after, "limit": limit}
    rows = connection.execute(_AFTER, asked).all()
    return EndpointEventPage(
        events=tuple(
            EndpointEvent(endpoint_sequence=row.endpoint_sequence, state=row.state, value=bytes(row.value))
            for row in rows
        ),
        oldest=connection.scalar(_OLDEST, {"subscription": subscription}),
        last=connection.scalar(_LAST, {"subscription": subscription}) or 0,
    )
