"""How long to wait before the next attempt: full jitter along an exponential schedule.

Only a success that lasts resets the schedule.

Full jitter draws the wait evenly between nothing and a ceiling, so that clients that failed together do not
come back together.

References
----------
Brooker (2015), "Exponential Backoff And Jitter", AWS Architecture Blog.
"""

from collections.abc import Callable
from typing import Final

# Beyond 2**16 the cap has long been reached; the exponent must not overflow in a long outage.
_MAX_EXPONENT: Final = 16


def full_jitter_seconds(ceiling_seconds: float, *, draw: float, at_least_seconds: float = 0.0) -> float:
    """Return a wait drawn from [0, ceiling), but never shorter than what the other side asked for.

    Parameters
    ----------
    draw
        A random number in [0, 1).
    at_least_seconds
        What the other side asked for, or a cool-down; it may exceed the ceiling.

    Examples
    --------
    >>> full_jitter_seconds(300.0, draw=0.5)
    150.0
    >>> full_jitter_seconds(5.0, draw=0.99, at_least_seconds=60.0)
    60.0
    """
    return max(at_least_seconds, draw * ceiling_seconds)


class Backoff:
    """Count failures and turn them into delays.

    A TCP connect, a handshake or an acknowledgement alone does not reset the count: a provider that accepts
    a connection and then closes it would be reconnected to without a pause.

    Parameters
    ----------
    uniform
        Returns a number in ``[0, 1)``; the randomness is the caller's.
    base_seconds, cap_seconds
        The ``n``-th delay is drawn from ``[0, min(cap, base * 2**n))``.
    stable_seconds
        A success that lasted at least this long resets the count of failures.

    Examples
    --------
    >>> backoff = Backoff(uniform=lambda: 0.5)
    >>> [backoff.failed(live_seconds=0) for _ in range(4)]
    [0.5, 1.0, 2.0, 4.0]
    >>> backoff.failed(live_seconds=59.9)  # was not up for long enough
    8.0
    >>> backoff.failed(live_seconds=60)
    0.5
    """

    def __init__(
        self,
        *,
        uniform: Callable[[], float],
        base_seconds: float = 1.0,
        cap_seconds: float = 60.0,
        stable_seconds: float = 60.0,
    ) -> None:
        self._uniform = uniform
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._stable_seconds = stable_seconds
        self._failures = 0

    def failed(self, *, live_seconds: float, at_least_seconds: float = 0.0) -> float:
        """Return how many seconds to wait after a failure.

        Parameters
        ----------
        live_seconds
            How long it had worked before it failed.
        at_least_seconds
            What the provider asked for, or a cool-down.
        """
        if live_seconds >= self._stable_seconds:
            self._failures = 0
        ceiling = min(self._cap_seconds, self._base_seconds * 2.0 ** min(self._failures, _MAX_EXPONENT))
        self._failures += 1
        return full_jitter_seconds(ceiling, draw=self._uniform(), at_least_seconds=at_least_seconds)
