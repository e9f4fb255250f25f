"""Ended deliveries whose outcome is not in Kafka yet."""

from collections.abc import Sequence

from sqlalchemy import select, update

from services.notifier.store.database import Database
from services.notifier.store.tables import DELIVERIES, PENDING
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from shared.domain.instants import format_rfc3339


class AuditOutbox:
    """Return outcomes to publish until they are marked as published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unpublished(self, *, limit: int) -> tuple[DeliveryOutcome, ...]:
        """Return the outcomes that are not marked as published, in the order in which they ended."""
        query = (
            select(DELIVERIES)
            .where(~DELIVERIES.c.audited, DELIVERIES.c.state != PENDING)
            .order_by(DELIVERIES.c.ended_at_ns, DELIVERIES.c.delivery_id)
            .limit(limit)
        )
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return tuple(
            DeliveryOutcome(
                delivery_id=row.delivery_id,
                event_id=row.event_id,
                subscription=row.subscription,
                channel=Channel(row.channel),
                outcome=Outcome(row.state),
                reason=row.last_reason,
                attempts=row.attempts,
                message_id=row.message_id,
                ended_at=format_rfc3339(row.ended_at_ns),
            )
            for row in rows
        )

    async def mark_published(self, outcomes: Sequence[DeliveryOutcome]) -> None:
        """Mark outcomes as published; they are not returned again."""
        delivery_ids = [outcome.delivery_id for outcome in outcomes]
        change = update(DELIVERIES).where(DELIVERIES.c.delivery_id.in_(delivery_ids)).values(audited=True)
        await self._database.run(lambda connection: connection.execute(change))
