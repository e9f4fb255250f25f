"""Delete what is old: whole divergences, once nothing of them waits and every audit record is out."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from services.notifier.store.database import Database
from services.notifier.store.dialects import decode_rows, encode_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How much was deleted."""

    divergences: int
    events: int
    deliveries: int
    attempts: int
    suppressions: int


_OLD: Final = """
    SELECT {collected} FROM (
        SELECT divergence_id FROM events AS e GROUP BY divergence_id
        HAVING max(received_at_ns) < :before_ns
            AND NOT EXISTS (
                SELECT 1 FROM deliveries AS d
                WHERE d.divergence_id = e.divergence_id AND (d.ended_at_ns IS NULL OR NOT d.audited))
            AND NOT EXISTS (
                SELECT 1 FROM suppressions AS s JOIN events AS o ON o.event_id = s.event_id
                WHERE o.divergence_id = e.divergence_id AND NOT s.audited)
        ORDER BY max(received_at_ns) LIMIT :limit) AS old
"""
_ATTEMPTS: Final = """
    DELETE FROM attempts WHERE delivery_id IN (
        SELECT delivery_id FROM deliveries WHERE divergence_id IN (SELECT word FROM {divergences} AS w))
"""
_SUPPRESSIONS: Final = """
    DELETE FROM suppressions WHERE event_id IN (
        SELECT event_id FROM events WHERE divergence_id IN (SELECT word FROM {divergences} AS w))
"""
_DELIVERIES: Final = "DELETE FROM deliveries WHERE divergence_id IN (SELECT word FROM {divergences} AS w)"
_EVENTS: Final = "DELETE FROM events WHERE divergence_id IN (SELECT word FROM {divergences} AS w)"


class Retention:
    """Delete old divergences; the numbers of each subscription's messages go on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        divergences = dialect.words("divergences")
        self._old = dialect.statement(_OLD, collected=dialect.collected("divergence_id"))
        self._attempts, self._suppressions, self._deliveries, self._events = (
            dialect.statement(template, divergences=divergences)
            for template in (_ATTEMPTS, _SUPPRESSIONS, _DELIVERIES, _EVENTS)
        )

    async def purge(self, before_ns: int, *, limit: int = 100) -> Purged:
        """Delete divergences whose newest event was received before an instant, the oldest first.

        Parameters
        ----------
        limit
            Most divergences, so that nobody waits long for the store; call again until none is left.
        """
        return await self._database.run(lambda connection: self._purge(connection, before_ns, limit))

    def _purge(self, connection: Connection, before_ns: int, limit: int) -> Purged:
        old = decode_rows(connection.scalar(self._old, {"before_ns": before_ns, "limit": limit}))
        asked = {"divergences": encode_words(divergence_id for (divergence_id,) in old)}
        # Rows before those that they refer to.
        attempts, suppressions, deliveries, events = (
            connection.execute(statement, asked).rowcount if old else 0
            for statement in (self._attempts, self._suppressions, self._deliveries, self._events)
        )
        return Purged(
            divergences=len(old),
            events=events,
            deliveries=deliveries,
            attempts=attempts,
            suppressions=suppressions,
        )
