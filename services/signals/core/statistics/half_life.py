"""How fast the ratio comes back: the time in which half of a stretch is gone."""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import pair_moments

# Two changes are the fewest that a line can be laid through.
_LEAST_SIZE = 3


def half_life(log_ratios: NDArray[np.float64], size: int = 252) -> float | None:
    """Estimate the half-life of a stretch from ``change = a + b * level before`` by least squares.

    Parameters
    ----------
    log_ratios
        Log ratios in session order, shape ``(n,)``; finite.
    size
        Log ratios in the window, at least 3; they give ``size - 1`` changes.

    Returns
    -------
    float or None
        ``-ln 2 / ln(1 + b)``, in sessions. None with fewer than ``size`` values, and unless
        ``-1 < b < 0``: a ratio that drifts away, overshoots or stands still has no half-life.

    Raises
    ------
    ValueError
        If ``size < 3``.

    References
    ----------
    The discrete Ornstein-Uhlenbeck fit: Chan (2013), "Algorithmic Trading", chapter 2.

    Examples
    --------
    >>> round(half_life(0.5 ** np.arange(8.0), 8), 9)
    1.0

    A trend is not a slow return, it is none:

    >>> half_life(np.arange(252.0) ** 2) is None
    True
    """
    if size < _LEAST_SIZE:
        raise ValueError(f"size must be at least {_LEAST_SIZE}, was {size}")
    if log_ratios.size < size:
        return None
    window = log_ratios[-size:]
    moments = pair_moments(window[:-1], window[1:] - window[:-1])
    if moments.variance_x == 0.0:
        return None
    slope = moments.covariance / moments.variance_x
    if not -1.0 < slope < 0.0:
        return None
    # log1p: 1 + b loses the digits of a small b, and the half-life with them.
    return -math.log(2.0) / math.log1p(slope)
