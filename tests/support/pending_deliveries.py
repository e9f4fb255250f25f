"""Deliveries that have not ended, for tests of what is decided about them."""

from typing import Any

from services.notifier.core.deliveries import PendingDelivery
from shared.domain.deliveries import Channel


def pending(delivery_id: str, **changes: Any) -> PendingDelivery:
    """Return a delivery that waits, with some fields changed."""
    fields: dict[str, Any] = {
        "delivery_id": delivery_id,
        "event_id": "ev_1",
        "subscription": "desk",
        "channel": Channel.WEBHOOK,
        "receiver_id": "rc_1",
        "divergence_id": "dv_1",
        "sequence": 1,
        "message_id": "ev_1",
        "attempts": 0,
        "last_reason": "",
        "next_attempt_at_ns": 100,
        "expires_at_ns": 1_000,
    }
    return PendingDelivery(**(fields | changes))
