"""Deliveries as they are read from the store."""

from typing import Any, Final

import orjson
import structlog

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.store.dialects import Dialect, decode_rows
from shared.domain.deliveries import Channel, Outcome

log = structlog.get_logger(__name__)

PENDING: Final = "pending"
SENDING: Final = "sending"

# Of the relations `d` (deliveries) and `e` (its events), in the order of `_delivery`.
_COLUMNS: Final = (
    "d.delivery_id",
    "d.event_id",
    "d.subscription",
    "d.channel",
    "d.receiver_id",
    "d.pair",
    "d.divergence_id",
    "d.sequence",
    "d.endpoint_sequence",
    "d.message_id",
    "d.attempts",
    "d.unknown_attempts",
    "d.last_reason",
    "d.next_attempt_at_ns",
    "d.expires_at_ns",
    "d.received_at_ns",
    "e.published_at_ns",
    "d.replaces",
    "d.state",
)


def collected_deliveries(dialect: Dialect) -> str:
    """Return the expression that collects deliveries for `decode_deliveries`.

    Its query calls the deliveries ``d`` and their events ``e``.
    """
    return dialect.collected(*_COLUMNS)


def decode_deliveries(collected: str) -> tuple[PendingDelivery, ...]:
    """Return the deliveries; one that was being sent was interrupted.

    A row that another program has changed and that says nothing is left out: it must not keep the others from
    being sent.
    """
    deliveries = []
    for row in decode_rows(collected):
        try:
            deliveries.append(_delivery(*row))
        except (ValueError, TypeError):
            log.exception("delivery_not_readable", delivery_id=row[0])
    return tuple(deliveries)


def encode_replaces(replaces: tuple[Replaced, ...]) -> str:
    """Return the text for the column ``replaces``."""
    if not replaces:
        return "[]"
    return orjson.dumps([[each.endpoint_sequence, each.outcome] for each in replaces]).decode()


def decode_replaces(kept: str) -> tuple[Replaced, ...]:
    """Return what the column ``replaces`` says."""
    if kept == "[]":
        return ()
    return tuple(
        Replaced(endpoint_sequence=number, outcome=Outcome(outcome)) for number, outcome in orjson.loads(kept)
    )


def _delivery(*fields: Any) -> PendingDelivery:
    (
        delivery_id,
        event_id,
        subscription,
        channel,
        receiver_id,
        pair,
        divergence_id,
        sequence,
        endpoint_sequence,
        message_id,
        attempts,
        unknown_attempts,
        last_reason,
        next_attempt_at_ns,
        expires_at_ns,
        received_at_ns,
        published_at_ns,
        replaces,
        state,
    ) = fields
    return PendingDelivery(
        delivery_id=delivery_id,
        event_id=event_id,
        subscription=subscription,
        channel=Channel(channel),
        receiver_id=receiver_id,
        pair=pair,
        divergence_id=divergence_id,
        sequence=sequence,
        endpoint_sequence=endpoint_sequence,
        message_id=message_id,
        attempts=attempts,
        unknown_attempts=unknown_attempts,
        last_reason=last_reason,
        next_attempt_at_ns=next_attempt_at_ns,
        expires_at_ns=expires_at_ns,
        received_at_ns=received_at_ns,
        published_at_ns=published_at_ns,
        replaces=decode_replaces(replaces),
        is_interrupted=state == SENDING,
    )
