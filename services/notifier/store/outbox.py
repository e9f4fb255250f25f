"""Decisions whose audit record is not in Kafka yet: ended deliveries, and events that were held back."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection

from services.notifier.core.message_ids import delivery_id_of
from services.notifier.store.database import Database
from services.notifier.store.dialects import decode_rows, encode_rows, encode_words
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from shared.domain.instants import format_rfc3339

# Decisions that were stored together have the same instant.
_instant = lru_cache(maxsize=1_024)(format_rfc3339)
_COLUMNS: Final = (
    "delivery_id",
    "event_id",
    "subscription",
    "channel",
    "outcome",
    "reason",
    "attempts",
    "message_id",
    "decided_at_ns",
    "endpoint_sequence",
    "pair",
    "divergence_id",
)
_UNPUBLISHED: Final = """
    SELECT {collected} FROM (
        SELECT * FROM (
            SELECT delivery_id, event_id, subscription, channel, state AS outcome, last_reason AS reason,
                attempts, message_id, ended_at_ns AS decided_at_ns, endpoint_sequence, pair, divergence_id
            FROM deliveries WHERE NOT audited AND ended_at_ns IS NOT NULL
            ORDER BY ended_at_ns LIMIT :limit) AS ended
        UNION ALL
        SELECT * FROM (
            SELECT '', s.event_id, s.subscription, s.channel, 'suppressed', s.reason,
                0, '', s.decided_at_ns, 0, e.pair, e.divergence_id
            FROM suppressions AS s JOIN events AS e ON e.event_id = s.event_id WHERE NOT s.audited
            ORDER BY s.decided_at_ns LIMIT :limit) AS suppressed
        ORDER BY decided_at_ns, event_id, subscription LIMIT :limit) AS decided
"""
_MARK_DELIVERIES: Final = """
    UPDATE deliveries SET audited = true WHERE delivery_id IN (SELECT word FROM {ids} AS i)
"""
_MARK_SUPPRESSIONS: Final = """
    UPDATE suppressions SET audited = true FROM {rows} AS r
    WHERE suppressions.event_id = r.event_id AND suppressions.subscription = r.subscription
"""


class AuditOutbox:
    """Return outcomes to publish until they are marked as published."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        self._unpublished = dialect.statement(_UNPUBLISHED, collected=dialect.collected(*_COLUMNS))
        self._mark_deliveries = dialect.statement(_MARK_DELIVERIES, ids=dialect.words("ids"))
        self._mark_suppressions = dialect.statement(
            _MARK_SUPPRESSIONS, rows=dialect.rows(event_id="text", subscription="text")
        )

    async def unpublished(self, *, limit: int) -> tuple[DeliveryOutcome, ...]:
        """Return the outcomes that are not marked as published, in the order in which they were decided.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        collected = await self._database.run(
            lambda connection: connection.scalar(self._unpublished, {"limit": limit})
        )
        return tuple(_outcome(*row) for row in decode_rows(collected))

    async def mark_published(self, outcomes: Sequence[DeliveryOutcome]) -> None:
        """Mark outcomes as published; they are not returned again.

        The commit is soft: a power cut may have them published twice, with the same ids.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        ended = [each.delivery_id for each in outcomes if each.outcome is not Outcome.SUPPRESSED]
        suppressed = [
            (each.event_id, each.subscription) for each in outcomes if each.outcome is Outcome.SUPPRESSED
        ]

        def mark(connection: Connection) -> None:
            if ended:
                connection.execute(self._mark_deliveries, {"ids": encode_words(ended)})
            if suppressed:
                connection.execute(self._mark_suppressions, {"rows": encode_rows(suppressed)})

        await self._database.run(mark, on_disk=False)


def _outcome(*fields: Any) -> DeliveryOutcome:
    (
        delivery_id,
        event_id,
        subscription,
        channel,
        outcome,
        reason,
        attempts,
        message_id,
        decided_at_ns,
        endpoint_sequence,
        pair,
        divergence_id,
    ) = fields
    return DeliveryOutcome(
        delivery_id=delivery_id or delivery_id_of(event_id=event_id, subscription=subscription),
        event_id=event_id,
        subscription=subscription,
        channel=Channel(channel),
        outcome=Outcome(outcome),
        reason=reason,
        attempts=attempts,
        message_id=message_id,
        ended_at=_instant(decided_at_ns),
        endpoint_sequence=endpoint_sequence,
        pair=pair,
        divergence_id=divergence_id,
    )
