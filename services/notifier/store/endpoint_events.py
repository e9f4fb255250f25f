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
    event_id: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEventPage:
    """Some messages after a number.

    Parameters
    ----------
    events
        In the order of their numbers.
    first_kept
        From this number on, no message has been deleted; ``last + 1`` if the newest one has been.
    last
        The number of the newest message; 0 if there was none.
    """

    events: tuple[EndpointEvent, ...]
    first_kept: int
    last: int


_AFTER: Final = text("""
    SELECT d.endpoint_sequence, d.state, d.event_id, e.value
    FROM deliveries AS d JOIN events AS e ON e.event_id = d.event_id
    WHERE d.subscription = :subscription AND d.endpoint_sequence > :after
    ORDER BY d.endpoint_sequence LIMIT :limit
""")
_KEPT: Final = text("""
    SELECT count(*) AS messages, min(endpoint_sequence) AS first, max(endpoint_sequence) AS last
    FROM deliveries WHERE subscription = :subscription
""")
_AFTER_A_GAP: Final = text("""
    SELECT max(d.endpoint_sequence) FROM deliveries AS d
    WHERE d.subscription = :subscription AND NOT EXISTS (
        SELECT 1 FROM deliveries AS before
        WHERE before.subscription = d.subscription
            AND before.endpoint_sequence = d.endpoint_sequence - 1)
""")
_LAST: Final = text("SELECT last FROM endpoint_sequences WHERE subscription = :subscription")


class EndpointEvents:
    """Read the messages of subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, subscription: str, after: int, *, limit: int) -> EndpointEventPage:
        """Return the messages of a subscription whose number is above one.

        Raises
        ------
        StoreUnavailable
            If the database cannot be read now.
        """
        return await self._database.run(lambda connection: _page(connection, subscription, after, limit))


def _page(connection: Connection, subscription: str, after: int, limit: int) -> EndpointEventPage:
    asked = {"subscription": subscription, "after": after, "limit": limit}
    rows = connection.execute(_AFTER, asked).all()
    last = connection.scalar(_LAST, {"subscription": subscription}) or 0
    return EndpointEventPage(
        events=tuple(
            EndpointEvent(
                endpoint_sequence=row.endpoint_sequence,
                state=row.state,
                event_id=row.event_id,
                value=bytes(row.value),
            )
            for row in rows
        ),
        first_kept=_first_kept(connection, subscription, last),
        last=last,
    )


def _first_kept(connection: Connection, subscription: str, last: int) -> int:
    asked = {"subscription": subscription}
    kept = connection.execute(_KEPT, asked).one()
    if not kept.messages or kept.last < last:
        return last + 1
    # Old messages are deleted by their divergences, so a kept one can be older than a deleted one.
    is_whole = kept.messages == last - kept.first + 1
    return int(kept.first if is_whole else connection.scalar(_AFTER_A_GAP, asked))
