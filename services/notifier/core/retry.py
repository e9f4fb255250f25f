"""Whether and when a delivery is attempted again.

============= ============================================= =============================
attempt       and                                           decision
============= ============================================= =============================
Delivered     -                                             ends ``delivered``
Rejected      -                                             ends ``rejected``
Gone          -                                             ends ``gone``
Deferred      the next attempt is before the deadline       is attempted again then
Deferred      the next attempt is at the deadline or later  expires at the deadline
not made      the deadline has passed                       ends ``expired``
============= ============================================= =============================

References
----------
Standard Webhooks, "Deliverability and reliability": the schedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
)
from services.notifier.core.deliveries import PendingDelivery
from shared.domain.backoff import full_jitter_seconds
from shared.domain.deliveries import Outcome
from shared.domain.instants import NS_PER_SECOND

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
# The first step covers a restart of the receiver, the last ones a weekend without an operator.
RETRY_DELAYS_SECONDS: Final = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
# A receiver that asks for a longer pause with Retry-After gets this one: as long as the last step.
MAX_RETRY_AFTER_SECONDS: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnded:
    """No attempt follows.

    Parameters
    ----------
    reason
        Empty when delivered.
    """

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Another attempt follows at an instant; at the delivery's deadline it expires instead."""

    reason: FailureReason
    next_attempt_at_ns: int


RetryDecision = DeliveryEnded | RetryAt


def decide_retry(
    result: AttemptResult,
    delivery: PendingDelivery,
    *,
    now_ns: int,
    draw: float,
    delays_seconds: Sequence[float],
) -> RetryDecision:
    """Decide after an attempt whether the delivery ends or is attempted again.

    Parameters
    ----------
    delivery
        As it was before this attempt.
    now_ns
        Wall time at the end of the attempt.
    draw
        A random number in [0, 1) for the jitter.
    delays_seconds
        The schedule of retries.
    """
    if isinstance(result, Delivered):
        return DeliveryEnded(outcome=Outcome.DELIVERED, reason="")
    if isinstance(result, Rejected):
        return DeliveryEnded(outcome=Outcome.REJECTED, reason=result.reason)
    if isinstance(result, Gone):
        return DeliveryEnded(outcome=Outcome.GONE, reason=result.reason)
    wait = wait_seconds(
        delivery.attempts + 1,
        draw=draw,
        delays_seconds=delays_seconds,
        retry_after_seconds=result.retry_after_seconds if isinstance(result, Deferred) else None,
    )
    reason = result.reason if isinstance(result, Deferred) else FailureReason.UNKNOWN
    at_ns = now_ns + round(wait * NS_PER_SECOND)
    return RetryAt(reason=reason, next_attempt_at_ns=min(at_ns, delivery.expires_at_ns))


def is_expired(delivery: PendingDelivery, *, now_ns: int) -> bool:
    """Return whether it is too late for another attempt."""
    return now_ns >= delivery.expires_at_ns


def wait_seconds(
    attempts: int,
    *,
    draw: float,
    delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
    retry_after_seconds: float | None = None,
) -> float:
    """Return how long to wait before the next attempt: full jitter along the schedule.

    Parameters
    ----------
    attempts
        Attempts made so far, at least 1. After the last step of the schedule that step repeats, until
        the delivery expires.
    draw
        A random number in [0, 1).
    delays_seconds
        The schedule.
    retry_after_seconds
        What the receiver asked for; the wait is never shorter.

    Examples
    --------
    >>> wait_seconds(2, draw=0.5)
    150.0
    >>> wait_seconds(1, draw=0.99, retry_after_seconds=60.0)
    60.0
    >>> wait_seconds(99, draw=0.25)
    21600.0
    """
    step = delays_seconds[min(attempts, len(delays_seconds)) - 1]
    return full_jitter_seconds(step, draw=draw, at_least_seconds=retry_after_seconds or 0.0)
