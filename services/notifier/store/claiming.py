"""Take over the deliveries whose notifier has ended."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from services.notifier.store.dialects import Dialect, decode_rows, encode_words
from services.notifier.store.ownership import dead_owners

# Two queries, each answered from a small index.
_PENDING: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id FROM deliveries
        WHERE state = 'pending' AND (owner IS NULL OR owner IN (SELECT word FROM {dead} AS o))
        ORDER BY received_at_ns DESC, sequence DESC, delivery_id LIMIT :limit {lock_free}) AS d
"""
_SENDING: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id FROM deliveries
        WHERE state = 'sending' AND (owner IS NULL OR owner IN (SELECT word FROM {dead} AS o))
        ORDER BY divergence_id, subscription LIMIT :limit {lock_free}) AS d
"""
_TAKE: Final = """
    UPDATE deliveries SET owner = :owner WHERE delivery_id IN (SELECT word FROM {ids} AS i)
"""
_OWNERS: Final = text("""
    SELECT owner FROM deliveries WHERE state = 'pending' AND owner IS NOT NULL
    UNION SELECT owner FROM deliveries WHERE state = 'sending' AND owner IS NOT NULL
""")
_FORGET: Final = """
    DELETE FROM notifiers WHERE instance IN (SELECT word FROM {dead} AS o)
        AND NOT EXISTS (
            SELECT 1 FROM deliveries WHERE state = 'pending' AND owner = notifiers.instance)
        AND NOT EXISTS (
            SELECT 1 FROM deliveries WHERE state = 'sending' AND owner = notifiers.instance)
"""


class Claiming:
    """The statements that take deliveries over."""

    def __init__(self, dialect: Dialect) -> None:
        collected, dead = dialect.collected("delivery_id"), dialect.words("dead")
        self._dialect = dialect
        self._pending = dialect.statement(_PENDING, collected=collected, dead=dead)
        self._sending = dialect.statement(_SENDING, collected=collected, dead=dead)
        self._take = dialect.statement(_TAKE, ids=dialect.words("ids"))
        self._forget = dialect.statement(_FORGET, dead=dead)

    def dead(self, connection: Connection, mine: Sequence[str]) -> tuple[str, ...]:
        """Return the owners that have ended, among them our own earlier connections."""
        if self._dialect.is_sqlite:
            # The file's lock is ours, so nobody else is alive.
            return tuple(owner for owner in connection.scalars(_OWNERS) if owner != mine[-1])
        return (*mine[:-1], *dead_owners(connection, alive=frozenset(mine)))

    def claim(
        self, connection: Connection, dead: Sequence[str], *, owner: str, limit: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take over what owners left, the newest first.

        Returns
        -------
        tuple
            The ids of those that wait, and of those that were being sent.
        """
        asked = {"dead": encode_words(dead), "limit": limit}
        pending, sending = (
            tuple(delivery_id for (delivery_id,) in decode_rows(connection.scalar(query, asked)))
            for query in (self._pending, self._sending)
        )
        if pending or sending:
            connection.execute(self._take, {"ids": encode_words(pending + sending), "owner": owner})
        if dead and not self._dialect.is_sqlite and len(pending) < limit and len(sending) < limit:
            connection.execute(self._forget, {"dead": asked["dead"]})
        return pending, sending
