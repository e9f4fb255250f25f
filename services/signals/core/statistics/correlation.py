"""How closely the two legs move together over a window, and how sure that is.

Everything here is None during warm-up and for a flat leg, never 0: 0 would read as "uncorrelated".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import (
    CentredPairs,
    centred_pairs,
    window_moments,
)

# The standard normal's 97.5 % quantile: 2.5 % is left out on either side of a 95 % interval.
NORMAL_975 = 1.959963984540054

# Fisher's z has variance 1/(n - 3); with fewer than 4 independent pairs it has none.
LEAST_EFFECTIVE_SIZE = 4

# Nearer to ±1 only rounding decides where on Fisher's scale, which ends there, a correlation lies.
LARGEST_IMPERFECT = 1.0 - 1e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % confidence interval, ``low <= high``, in the statistic's own unit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationEstimate:
    """A correlation, how many independent pairs it rests on, and its 95 % interval."""

    correlation: float
    effective_size: float
    interval: Interval


def pearson(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> float | None:
    """Compute the Pearson correlation of the last ``size`` pairs.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    float or None
        In [-1, 1]. None with fewer than ``size`` pairs or when a leg is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> pearson(np.array([5.0, 1.0, 2.0, 3.0]), np.array([5.0, 3.0, 2.0, 1.0]), 3)
    -1.0
    >>> pearson(np.full(20, 0.1), np.arange(20.0), 20) is None
    True
    """
    moments = window_moments(x, y, size)
    return None if moments is None else moments.correlation


def effective_size(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> float | None:
    """Compute how many independent pairs the last ``size`` pairs are worth.

    ``size * (1 - p) / (1 + p)`` with ``p`` the product of the legs' lag-1 autocorrelations. Those
    are the Box-Jenkins ones (one mean and one sum of squares for the whole window), which exist
    whenever the leg is not flat and stay inside (-1, 1).

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 4.

    Returns
    -------
    float or None
        In [4, size]. None with fewer than ``size`` pairs or when a leg is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 4``.

    References
    ----------
    Bartlett (1935), "Some aspects of the time-correlation problem in regard to tests of
    significance", Journal of the Royal Statistical Society 98(3), 536-543.

    Examples
    --------
    Two trending legs say much less than their number of pairs:

    >>> effective_size(np.arange(20.0), np.arange(20.0), 20)
    4.0

    Autocorrelations of opposite sign would add information; the number of pairs is the limit:

    >>> effective_size(np.arange(20.0), np.tile([1.0, -1.0], 10), 20)
    20.0
    """
    estimate = estimate_correlation(x, y, size)
    return None if estimate is None else estimate.effective_size


def fisher_interval(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> Interval | None:
    """Compute the 95 % interval of `pearson` on Fisher's z scale, with `effective_size` pairs.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 4.

    Returns
    -------
    Interval or None
        Inside [-1, 1], not symmetric about the correlation. None exactly where `pearson` is None.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 4``.

    Examples
    --------
    >>> x, y = np.array([1.0, -1.0, 2.0, -3.0, 0.5]), np.array([1.0, -2.0, 0.0, -1.0, 2.0])
    >>> interval = fisher_interval(x, y, 5)
    >>> round(interval.low, 4), round(interval.high, 4)
    (-0.8657, 0.9891)

    A perfect correlation (to 14 digits) has a point for an interval, not an error:

    >>> fisher_interval(x, x, 5)
    Interval(low=1.0, high=1.0)
    """
    estimate = estimate_correlation(x, y, size)
    return None if estimate is None else estimate.interval


def estimate_correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], size: int
) -> CorrelationEstimate | None:
    """Compute `pearson`, `effective_size` and `fisher_interval` from one reading of the window.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 4.

    Returns
    -------
    CorrelationEstimate or None
        None with fewer than ``size`` pairs or when a leg is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 4``.

    Examples
    --------
    >>> estimate = estimate_correlation(np.arange(20.0), np.arange(20.0) ** 2, 20)
    >>> round(estimate.correlation, 4), estimate.effective_size
    (0.9653, 4.0)
    """
    if size < LEAST_EFFECTIVE_SIZE:
        raise ValueError(f"size must be at least {LEAST_EFFECTIVE_SIZE}, was {size}")
    pairs = centred_pairs(x, y, size)
    return None if pairs is None else estimate_of(pairs)


def estimate_of(pairs: CentredPairs) -> CorrelationEstimate | None:
    """Compute `estimate_correlation` from the deviations of a window, of at least 4 pairs.

    Examples
    --------
    >>> from services.signals.core.statistics.moments import centred_pairs
    >>> x = np.array([1.0, -1.0, 2.0, -3.0, 0.5])
    >>> estimate_of(centred_pairs(x, 2.0 * x, 5)).correlation
    1.0
    """
    moments, x, y, size = pairs.moments, pairs.x, pairs.y, pairs.moments.size
    correlation, squares_x, squares_y = moments.correlation, pairs.squares_x, pairs.squares_y
    if correlation is None:
        return None
    # The legs' lag-1 autocorrelations, one times the other.
    persistence = float(x[:-1] @ x[1:]) / squares_x * (float(y[:-1] @ y[1:]) / squares_y)
    worth = size * (1.0 - persistence) / (1.0 + persistence)
    effective = float(min(max(worth, LEAST_EFFECTIVE_SIZE), size))
    interval = _interval(correlation, effective)
    return CorrelationEstimate(correlation=correlation, effective_size=effective, interval=interval)


def is_perfect(correlation: float) -> bool:
    """Return whether a correlation is ±1 as far as rounding lets anyone see.

    Examples
    --------
    >>> is_perfect(-1.0), is_perfect(0.9999999999999998), is_perfect(0.999999999)
    (True, True, False)
    """
    return abs(correlation) > LARGEST_IMPERFECT


def _interval(correlation: float, effective: float) -> Interval:
    if is_perfect(correlation):
        return Interval(low=correlation, high=correlation)
    centre, margin = math.atanh(correlation), NORMAL_975 / math.sqrt(effective - 3.0)
    return Interval(low=math.tanh(centre - margin), high=math.tanh(centre + margin))
