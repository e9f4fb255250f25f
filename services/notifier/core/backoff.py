"""When the next attempt is made: full jitter along a schedule, and what the receiver asks for.

Full jitter draws the wait evenly from nothing to the schedule's step, so that receivers that failed together
do not come back together.

References
----------
Standard Webhooks, "Deliverability and reliability": the schedule.
Brooker (2015), "Exponential backoff and jitter", AWS Architecture Blog: full jitter.
"""

from collections.abc import Sequence
from typing import Final

from shared.domain.backoff import full_jitter_seconds

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
# The first step is for a restart of the receiver, the last ones for a weekend without an operator.
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
# A receiver may ask for a pause, not for oblivion.
MAX_RETRY_AFTER_SECONDS: Final = 24 * _HOUR


def wait_seconds(
    attempts: int,
    *,
    draw: float,
    delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
    retry_after_seconds: float | None = None,
) -> float:
    """Return how long to wait before the next attempt.

    Parameters
    ----------
    attempts
        Attempts made so far, at least 1; past the schedule's end its last step repeats, until the
        delivery's deadline ends it.
    draw
        A random number in [0, 1).
    delays_seconds
        The schedule.
    retry_after_seconds
        The receiver's wish; never less is waited.

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
