"""What becomes of a delivery after an attempt.

============= ================================================ ==========================
answer        and                                              the delivery
============= ================================================ ==========================
Delivered     -                                                ends ``delivered``
Rejected      -                                                ends ``rejected``
Gone          -                                                ends ``gone``
Deferred      the wait ends before the deadline                waits
Deferred      the wait ends later                              waits for the deadline
(no attempt)  the deadline has passed                          ends ``expired``
============= ================================================ ==========================
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.notifier.core.backoff import wait_seconds
from services.notifier.core.classify import Answer, Delivered, Gone, Reason, Rejected
from services.notifier.core.ordering import PendingDelivery
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """No attempt follows.

    Parameters
    ----------
    reason
        Empty when delivered.
    """

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Another attempt follows, or the deadline."""

    reason: Reason
    next_attempt_at_ns: int


def is_expired(delivery: PendingDelivery, *, now_ns: int) -> bool:
    """Tell whether it is too late for another attempt."""
    return now_ns >= delivery.expires_at_ns


def verdict_of(
    answer: Answer, delivery: PendingDelivery, *, now_ns: int, draw: float, delays_seconds: Sequence[float]
) -> Ended | Waits:
    """Return what becomes of a delivery.

    Parameters
    ----------
    delivery
        As it was before this attempt.
    now_ns
        Wall time of the answer.
    draw
        A random number in [0, 1) for the jitter.
    delays_seconds
        The schedule of retries.
    """
    if isinstance(answer, Delivered):
        return Ended(outcome=Outcome.DELIVERED, reason="")
    if isinstance(answer, Rejected):
        return Ended(outcome=Outcome.REJECTED, reason=answer.reason)
    if isinstance(answer, Gone):
        return Ended(outcome=Outcome.GONE, reason=Reason.GONE)
    wait = wait_seconds(
        delivery.attempts + 1,
        draw=draw,
        delays_seconds=delays_seconds,
        retry_after_seconds=answer.retry_after_seconds,
    )
    at_ns = now_ns + round(wait * NS_PER_SECOND)
    return Waits(reason=answer.reason, next_attempt_at_ns=min(at_ns, delivery.expires_at_ns))
