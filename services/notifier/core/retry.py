"""Whether and when a delivery is attempted again.

============= ============================================= =============================
attempt       and                                           decision
============= ============================================= =============================
Delivered     -                                             ends ``delivered``
Rejected      -                                             ends ``rejected``
Gone          -                                             ends ``gone``
Deferred      the next attempt is before the deadline       is attempted again then
Deferred      the next attempt is at the deadline or later  expires at the deadline
Deferred      the third ``internal`` error                  ends ``rejected``
Unknown       by webhook                                    as Deferred
Unknown       by e-mail, for the first time                 as Deferred
Unknown       by e-mail, for the second time                ends ``unknown``
not made      the deadline has passed                       ends ``expired``
============= ============================================= =============================

A message that failed at the relay, not at its receiver, keeps its place in the schedule: it waits only until
the relay is tried again.

References
----------
Standard Webhooks, "Deliverability and reliability": the schedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
    Unknown,
)
from services.notifier.core.deliveries import PendingDelivery
from shared.domain.backoff import full_jitter_seconds
from shared.domain.deliveries import Channel, Outcome
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


# An error of ours may depend on the moment; a third time it does not.
_MAX_INTERNAL_ATTEMPTS: Final = 3
# Two copies of a mail are a nuisance, three are a fault.
_MAX_UNKNOWN_MAILS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnded:
    """No attempt follows.

    Parameters
    ----------
    reason
        Empty when delivered.
    disables_receiver
        The receiver wants no message after this one.
    """

    outcome: Outcome
    reason: str
    disables_receiver: bool = False


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
        With this attempt among its ``attempts``, and ``last_reason`` as it was before it.
    now_ns
        Wall time at the end of the attempt.
    draw
        A random number in [0, 1) for the jitter.
    delays_seconds
        The schedule of retries.
    """
    if isinstance(result, Delivered):
        return DeliveryEnded(outcome=Outcome.DELIVERED, reason="", disables_receiver=result.disables)
    if isinstance(result, Rejected):
        return DeliveryEnded(outcome=Outcome.REJECTED, reason=result.reason)
    if isinstance(result, Gone):
        return DeliveryEnded(outcome=Outcome.GONE, reason=result.reason)
    if isinstance(result, Unknown):
        return _after_unknown(delivery, now_ns=now_ns, draw=draw, delays_seconds=delays_seconds)
    if (
        result.reason is FailureReason.INTERNAL
        and delivery.last_reason == FailureReason.INTERNAL
        and delivery.attempts >= _MAX_INTERNAL_ATTEMPTS
    ):
        return DeliveryEnded(outcome=Outcome.REJECTED, reason=FailureReason.INTERNAL)
    if result.blame is Blame.RELAY:
        wait = result.retry_after_seconds or 0.0
    else:
        wait = wait_seconds(
            max(delivery.attempts, 1),
            draw=draw,
            delays_seconds=delays_seconds,
            retry_after_seconds=result.retry_after_seconds,
        )
    return _retry_after(wait, delivery, reason=result.reason, now_ns=now_ns)


def decide_interrupted(
    delivery: PendingDelivery, *, now_ns: int, draw: float, delays_seconds: Sequence[float]
) -> RetryDecision:
    """Decide what becomes of a delivery whose attempt had begun when its notifier ended.

    A webhook is attempted at once: its receiver recognises it by its id.
    """
    if delivery.channel is Channel.WEBHOOK:
        return _retry_after(0.0, delivery, reason=FailureReason.UNKNOWN, now_ns=now_ns)
    return _after_unknown(delivery, now_ns=now_ns, draw=draw, delays_seconds=delays_seconds)


def _after_unknown(
    delivery: PendingDelivery, *, now_ns: int, draw: float, delays_seconds: Sequence[float]
) -> RetryDecision:
    if delivery.channel is Channel.EMAIL and delivery.unknown_attempts + 1 >= _MAX_UNKNOWN_MAILS:
        return DeliveryEnded(outcome=Outcome.UNKNOWN, reason=FailureReason.UNKNOWN)
    wait = wait_seconds(max(delivery.attempts, 1), draw=draw, delays_seconds=delays_seconds)
    return _retry_after(wait, delivery, reason=FailureReason.UNKNOWN, now_ns=now_ns)


def _retry_after(wait: float, delivery: PendingDelivery, *, reason: FailureReason, now_ns: int) -> RetryAt:
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
