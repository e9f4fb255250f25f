"""The rate of rare events that come independently of each other, from their number."""

import math
from functools import lru_cache

from shared.domain.divergences import Estimate

# 2.5 % is left out on either side of a 95 % interval.
_TAIL = 0.025


def poisson_rate(count: int, duration: float) -> Estimate:
    """Compute a rate with its exact 95 % interval.

    Parameters
    ----------
    count
        Events, at least 0.
    duration
        How long they were counted, above 0.

    Returns
    -------
    Estimate
        Events in a duration of 1.

    Raises
    ------
    ValueError
        If a number is out of its range.

    References
    ----------
    Garwood (1936), "Fiducial limits for the Poisson distribution", Biometrika 28, 437-442.

    Examples
    --------
    >>> rate = poisson_rate(10, 4.0)
    >>> rate.value, round(rate.low, 4), round(rate.high, 4)
    (2.5, 1.1988, 4.5976)
    >>> poisson_rate(0, 1.0).low, round(poisson_rate(0, 1.0).high, 4)
    (0.0, 3.6889)
    """
    if count < 0 or not 0.0 < duration < math.inf:
        raise ValueError(f"count must be at least 0 and duration above 0, were {count} and {duration}")
    low, high = _interval(count)
    return Estimate(value=count / duration, low=low / duration, high=high / duration)


@lru_cache(maxsize=1024)
def _interval(count: int) -> tuple[float, float]:
    """Return the means between which the expected number lies."""
    reach = 6.0 * math.sqrt(count + 1.0) + 6.0
    low = _solve(count - 1, 1.0 - _TAIL, 0.0, float(count)) if count else 0.0
    return low, _solve(count, _TAIL, float(count), count + reach)


def _solve(count: int, wanted: float, low: float, high: float) -> float:
    """Return the mean at which ``count`` or fewer events have the wanted probability."""
    # That probability falls as the mean grows.
    while low < (middle := 0.5 * (low + high)) < high:
        if _at_most(count, middle) > wanted:
            low = middle
        else:
            high = middle
    return low


def _at_most(count: int, mean: float) -> float:
    log_mean = math.log(mean)
    return math.fsum(math.exp(k * log_mean - mean - math.lgamma(k + 1.0)) for k in range(count + 1))
