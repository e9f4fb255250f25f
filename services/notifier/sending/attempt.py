"""Make one attempt; whatever happens in it, the answer is a result and nobody else is concerned."""

import structlog

from services.notifier.channels.ports import CancelledBeforeSending, Channel, Message
from services.notifier.core.attempt_result import AttemptResult, Blame, Deferred, FailureReason, Rejected
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.store.queue import EventContent

log = structlog.get_logger(__name__)


async def attempt_once(
    route: Channel | None, delivery: PendingDelivery, content: EventContent, *, is_doubtful: bool
) -> AttemptResult:
    """Send a delivery's message once and return the result.

    An exception of the channel is the result ``internal``: a fault of ours, which must stay this delivery's.

    Parameters
    ----------
    route
        How the receiver is reached; None if the subscription was removed.
    delivery
        With this attempt among its ``attempts``.
    is_doubtful
        The receiver failed the last time: a connection that is open may be dead.
    """
    if route is None:
        return Rejected(reason=FailureReason.SUBSCRIPTION_REMOVED)
    message = Message(
        event_id=delivery.event_id,
        message_id=delivery.message_id,
        body=content.value,
        first_seen_ns=content.received_at_ns,
        endpoint_sequence=delivery.endpoint_sequence,
        replaces=delivery.replaces,
        needs_fresh_connection=is_doubtful or delivery.attempts > 1,
    )
    try:
        return await route.attempt(message)
    except CancelledBeforeSending:
        # This process stops. Without a result, the next one would have to take the message for sent.
        return Deferred(
            reason=FailureReason.TIMED_OUT,
            blame=Blame.RELAY,
            detail="the notifier stopped before the message was sent",
        )
    except Exception as error:
        log.exception("attempt_failed_inside", subscription=delivery.subscription)
        return Deferred(reason=FailureReason.INTERNAL, detail=type(error).__name__)
