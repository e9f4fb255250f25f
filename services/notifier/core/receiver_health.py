"""How much a receiver may be sent at a time, and when it is tried again after it has failed.

============== =================================================== =========================================
state          enters it                                           attempts
============== =================================================== =========================================
well           an answer that is no failure                        as many as its window; one that answers
                                                                   doubles the window, from 1
failed         the first failure                                   one at a time, as each one's schedule says
paused         ``pause_after`` failures in a row                   one *probe* at a time, not before its time
any            a ``Retry-After``                                   none before that
============== =================================================== =========================================

A probe is the newest message that waits, whatever its own schedule says. So a receiver that is well again
gets the newest state within seconds, and one that is not is asked less and less often: the time between two
probes is a sixtieth of the time for which it has failed, within bounds, or the time until the message that
failed is due again if that is shorter.

The window starts at one. So a receiver that asks to be left alone has got one message by then, however many
wait for it.

Instants are seconds on a monotonic clock.

References
----------
Nygard (2018), "Release It!", 2nd edition, "Circuit Breaker": half-open.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final

_SHARE_OF_OUTAGE: Final = 1 / 60
# A probe comes a little earlier or later, so that receivers that failed together are not asked together.
_SPREAD: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """How a kind of receiver is treated.

    Parameters
    ----------
    max_in_flight
        Most attempts at a time.
    pause_after
        Failures in a row after which only probes are made; None: never, each message follows its schedule.
    probe_min_seconds, probe_max_seconds
        Bounds of the time between two probes.
    """

    max_in_flight: int
    pause_after: int | None = 2
    probe_min_seconds: float = 5.0
    probe_max_seconds: float = 60.0


class Standing(Enum):
    """What may be expected of a receiver's next answer.

    ``failing``: nothing. ``new``: it has not answered yet. ``proven``: it answered the last time.
    """

    FAILING = "failing"
    NEW = "new"
    PROVEN = "proven"


class ReceiverHealth:
    """What is known of one receiver from its answers.

    Examples
    --------
    >>> health = ReceiverHealth(HealthPolicy(max_in_flight=8))
    >>> health.start()
    >>> health.may_start(0.0)  # its first answer decides whether it gets more at a time
    False
    >>> health.succeed()
    >>> health.start(); health.may_start(0.0)
    True
    """

    __slots__ = (
        "_failures",
        "_has_answered",
        "_in_flight",
        "_not_before",
        "_policy",
        "_probe_at",
        "_window",
        "failing_since",
    )

    def __init__(self, policy: HealthPolicy) -> None:
        self._policy = policy
        self._window = 1
        self._in_flight = 0
        self._failures = 0
        self._has_answered = False
        self._not_before = 0.0
        self._probe_at = 0.0
        # When the first of the failures in a row was; None while it is well.
        self.failing_since: float | None = None

    @property
    def is_paused(self) -> bool:
        """Return whether only probes are made."""
        after = self._policy.pause_after
        return after is not None and self._failures >= after

    @property
    def standing(self) -> Standing:
        """Return what may be expected of its next answer."""
        if self._failures:
            return Standing.FAILING
        return Standing.PROVEN if self._has_answered else Standing.NEW

    @property
    def in_flight(self) -> int:
        """Return how many attempts have begun and not ended."""
        return self._in_flight

    def may_start(self, now: float) -> bool:
        """Return whether another attempt may begin now."""
        return self.room(now) > 0

    def room(self, now: float) -> int:
        """Return how many attempts may begin now."""
        if now < self._not_before or (self.is_paused and now < self._probe_at):
            return 0
        return max((1 if self._failures else self._window) - self._in_flight, 0)

    def opens_at(self) -> float | None:
        """Return from when on another attempt may begin; None: after one in flight has ended."""
        if self._in_flight and (self._failures or self._in_flight >= self._window):
            return None
        return max(self._not_before, self._probe_at if self.is_paused else 0.0)

    def start(self) -> None:
        """Count an attempt that begins."""
        self._in_flight += 1

    def release(self) -> None:
        """Count an attempt that ended and says nothing about the receiver."""
        self._in_flight = max(self._in_flight - 1, 0)

    def succeed(self) -> None:
        """Count an attempt that the receiver answered, whatever it thinks of the message."""
        self._in_flight -= 1
        self._window = min(2 * self._window, self._policy.max_in_flight)
        self._failures = 0
        self._has_answered = True
        self.failing_since = None

    def fail(
        self,
        now: float,
        *,
        draw: float,
        retry_after_seconds: float | None = None,
        due_in_seconds: float = inf,
    ) -> None:
        """Count an attempt that failed for a reason that may pass.

        Parameters
        ----------
        draw
            A random number in [0, 1) for the time of the next probe.
        retry_after_seconds
            For how long the receiver asked to be left alone; None if it did not.
        due_in_seconds
            When the message that failed is due again by its own schedule.
        """
        self._in_flight -= 1
        self._window = 1
        self._failures += 1
        if self.failing_since is None:
            self.failing_since = now
        wait = (now - self.failing_since) * _SHARE_OF_OUTAGE
        bounded = min(max(wait, self._policy.probe_min_seconds), self._policy.probe_max_seconds)
        self._probe_at = now + min(bounded * (1.0 - _SPREAD * draw), due_in_seconds)
        if retry_after_seconds is not None:
            self._not_before = max(self._not_before, now + retry_after_seconds)

    def restore(self, *, failing_since: float | None, not_before: float) -> None:
        """Continue with what an earlier run knew; a receiver that failed then is probed first."""
        self._not_before = not_before
        self.failing_since = failing_since
        if failing_since is not None:
            self._failures = self._policy.pause_after or 1

    def retry_now(self) -> None:
        """Forget every wait: somebody says that the receiver is well."""
        self._not_before = 0.0
        self._probe_at = 0.0
