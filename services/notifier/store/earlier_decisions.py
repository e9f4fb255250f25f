"""The earlier decisions that the plan for an event depends on."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection

from services.notifier.core.repeat_interval import LastNotified
from services.notifier.core.routing import RoutingHistory
from services.notifier.store.dialects import Dialect, decode_rows, encode_words
from shared.domain.divergences import Severity

_NOTIFIED: Final = """
    SELECT {collected} FROM (
        SELECT DISTINCT subscription FROM deliveries WHERE divergence_id = :divergence_id) AS notified
"""
_GONE: Final = "SELECT {collected} FROM receivers WHERE is_gone"
_LAST: Final = """
    SELECT {collected} FROM (
        SELECT d.receiver_id, e.occurred_at_ns, e.severity, row_number() OVER (
            PARTITION BY d.receiver_id ORDER BY e.received_at_ns DESC, e.sequence DESC) AS place
        FROM events AS e JOIN deliveries AS d ON d.event_id = e.event_id
        WHERE e.fingerprint = :fingerprint
            AND d.receiver_id IN (SELECT word FROM {receivers} AS r)
            AND d.state NOT IN ('rejected', 'gone', 'expired')) AS notified
    WHERE place = 1
"""


class RoutingHistoryReader:
    """The statements that read a `RoutingHistory`."""

    def __init__(self, dialect: Dialect) -> None:
        self._notified = dialect.statement(_NOTIFIED, collected=dialect.collected("subscription"))
        self._gone = dialect.statement(_GONE, collected=dialect.collected("receiver_id"))
        self._last = dialect.statement(
            _LAST,
            collected=dialect.collected("receiver_id", "occurred_at_ns", "severity"),
            receivers=dialect.words("receivers"),
        )

    def read(
        self,
        connection: Connection,
        *,
        divergence_id: str,
        fingerprint: str,
        receivers_with_interval: Collection[str],
    ) -> RoutingHistory:
        """Return what was decided before about a divergence and its fingerprint."""
        notified = connection.scalar(self._notified, {"divergence_id": divergence_id})
        gone = connection.scalar(self._gone)
        return RoutingHistory(
            notified=frozenset(name for (name,) in decode_rows(notified)),
            gone=frozenset(receiver for (receiver,) in decode_rows(gone)),
            last_notified=self._last_notified(connection, fingerprint, receivers_with_interval),
        )

    def _last_notified(
        self, connection: Connection, fingerprint: str, receivers: Collection[str]
    ) -> dict[str, LastNotified]:
        if not receivers or not fingerprint:
            return {}
        asked = {"fingerprint": fingerprint, "receivers": encode_words(receivers)}
        return {
            receiver: LastNotified(occurred_at_ns=occurred_at_ns, severity=Severity(severity))
            for receiver, occurred_at_ns, severity in decode_rows(connection.scalar(self._last, asked))
        }
