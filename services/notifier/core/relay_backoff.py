"""When the mail server may be tried again after it was unusable.

A server that refuses logins counts them, and may lock the account; so after a failure nothing is tried until
a pause has passed, and then only once. The pause is drawn with full jitter from a ceiling that doubles.
"""

from enum import StrEnum
from typing import Final

from shared.domain.backoff import full_jitter_seconds

_BASE_SECONDS: Final = 5.0
# A draw near zero would repeat the login at once.
_LEAST_SECONDS: Final = 1.0
# Beyond 2**10 every cap has been reached.
_MAX_EXPONENT: Final = 10


class RelayFailure(StrEnum):
    """What the mail server was unusable for."""

    LOGIN = "login"
    OTHER = "other"


_CAP_SECONDS: Final = {RelayFailure.LOGIN: 300.0, RelayFailure.OTHER: 60.0}


class RelayBackoff:
    """Count failures in a row, and keep the instant before which nothing is tried.

    Examples
    --------
    >>> backoff = RelayBackoff()
    >>> backoff.failed(RelayFailure.LOGIN, now=100.0, draw=0.8)
    >>> backoff.remaining_seconds(now=101.0)
    3.0
    >>> backoff.failed(RelayFailure.LOGIN, now=104.0, draw=0.8)
    >>> backoff.remaining_seconds(now=104.0)
    8.0
    >>> backoff.succeeded()
    >>> backoff.remaining_seconds(now=104.0)
    0.0
    """

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = float("-inf")

    @property
    def is_failing(self) -> bool:
        """Return whether the last thing known of the server is a failure."""
        return self._failures > 0

    def remaining_seconds(self, *, now: float) -> float:
        """Return for how long nothing may be tried; 0 if it may be tried now.

        Parameters
        ----------
        now
            On a clock that never goes back.
        """
        return max(0.0, self._not_before - now)

    def failed(self, failure: RelayFailure, *, now: float, draw: float) -> None:
        """Take note of a failure.

        Parameters
        ----------
        draw
            A random number in [0, 1).
        """
        ceiling = min(_CAP_SECONDS[failure], _BASE_SECONDS * 2.0 ** min(self._failures, _MAX_EXPONENT))
        self._failures += 1
        self._not_before = now + full_jitter_seconds(ceiling, draw=draw, at_least_seconds=_LEAST_SECONDS)

    def succeeded(self) -> None:
        """Take note that the server does what it is for."""
        self._failures = 0
        self._not_before = float("-inf")
