"""Log what came of deliveries: one line each, or one line for many that are stored together."""

from collections.abc import Sequence
from typing import Final

import structlog

from services.notifier.core.retry import DeliveryEnded
from services.notifier.store.attempt_records import AttemptRecord
from shared.domain.deliveries import Channel, Outcome

log = structlog.get_logger(__name__)

# A line costs as much as a tenth of an attempt, and nobody reads ten thousand.
_LOGGED_ONE_BY_ONE: Final = 20


def log_results(channel: Channel, records: Sequence[AttemptRecord]) -> None:
    """Log the results of one transaction; of many, one line each for those that were not delivered."""
    many = len(records) > _LOGGED_ONE_BY_ONE
    delivered = 0
    for record in records:
        is_delivered = (
            isinstance(record.decision, DeliveryEnded) and record.decision.outcome is Outcome.DELIVERED
        )
        delivered += is_delivered
        if not (many and is_delivered):
            _log_one(record)
    if many:
        log.info("deliveries_finished", channel=channel.value, delivered=delivered, results=len(records))


def _log_one(record: AttemptRecord) -> None:
    delivery, decision, attempt = record.delivery, record.decision, record.attempt
    is_end = isinstance(decision, DeliveryEnded)
    log.info(
        "delivery_finished" if is_end else "delivery_deferred",
        channel=delivery.channel.value,
        subscription=delivery.subscription,
        event_id=delivery.event_id,
        outcome=decision.outcome.value if isinstance(decision, DeliveryEnded) else "deferred",
        reason=str(decision.reason),
        attempt=delivery.attempts,
        duration_seconds=round(attempt.duration_seconds, 4) if attempt else 0.0,
        detail=attempt.detail if attempt else "",
    )
