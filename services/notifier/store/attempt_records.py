"""What the store is given about an attempt, and what it answers."""

from dataclasses import dataclass

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.retry import RetryDecision
from services.notifier.store.receivers import ReceiverChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, for the log of attempts."""

    started_at_ns: int
    duration_seconds: float
    answer: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """What came of a delivery.

    Parameters
    ----------
    attempt
        None when none was made: it was too late for one, or a notifier ended during it.
    receiver
        What has changed about its receiver; None if nothing.
    """

    delivery: PendingDelivery
    decision: RetryDecision
    attempt: Attempt | None = None
    receiver: ReceiverChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the store made of a result.

    Parameters
    ----------
    state
        ``pending`` or how it ended, which may be another end than was asked for: ``superseded`` or ``gone``.
        None if the delivery had ended already or belongs to another notifier; then nothing was changed.
    also_ended
        Ids of waiting deliveries that ended because their receiver is gone.
    newer, newer_replaces
        The waiting delivery of the same lane whose ``replaces`` has changed, and what it is now.
    """

    delivery_id: str
    state: str | None
    also_ended: tuple[str, ...] = ()
    newer: str | None = None
    newer_replaces: tuple[Replaced, ...] = ()
