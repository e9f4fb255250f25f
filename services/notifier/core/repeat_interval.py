"""Whether an event repeats, too soon, what its receiver knows already.

A divergence that ends and opens again an hour later is new, but a person need not be alerted twice. A
subscription may name an interval; within it a receiver gets no second divergence with the same fingerprint,
that is of the same pair, kind and direction. The interval is event time: the decision is the same on every
replay.
"""

from dataclasses import dataclass

from shared.domain.divergences import Severity, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNotified:
    """The last message about a fingerprint that was sent to a receiver, or will be.

    Parameters
    ----------
    occurred_at_ns
        Event time.
    severity
        That of the event.
    """

    occurred_at_ns: int
    severity: Severity


def is_repeat(
    transition: Transition,
    severity: Severity,
    *,
    occurred_at_ns: int,
    last: LastNotified | None,
    interval_ns: int,
) -> bool:
    """Return whether an event of a divergence that the receiver does not know comes too soon after the last.

    Event time may run backwards, where records arrive out of order or an older log is replayed. Then the
    distance counts: an event from minutes before the last one is a repeat, one from years before is not.

    Parameters
    ----------
    last
        Of the same fingerprint and receiver; None if the receiver knows no such divergence.
    interval_ns
        0 repeats everything.

    Examples
    --------
    >>> hour = 3_600 * 10**9
    >>> last = LastNotified(occurred_at_ns=10 * hour, severity=Severity.WARNING)
    >>> is_repeat(
    ...     Transition.OPEN, Severity.WARNING, occurred_at_ns=11 * hour, last=last, interval_ns=2 * hour)
    True
    >>> is_repeat(
    ...     Transition.OPEN, Severity.CRITICAL, occurred_at_ns=11 * hour, last=last, interval_ns=2 * hour)
    False
    """
    if interval_ns <= 0 or last is None or transition is Transition.TEST:
        return False
    if transition.is_final:
        # Its beginning was left out, so its end, however late, says nothing to this receiver.
        return True
    if severity is Severity.CRITICAL and last.severity is not Severity.CRITICAL:
        return False
    return abs(occurred_at_ns - last.occurred_at_ns) < interval_ns
