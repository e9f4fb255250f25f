"""Whether gold still goes its own way on the days that matter: IWM's worst."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import last_pairs, pair_moments

_STRESS_QUANTILE = 0.1

# The 95 % interval of a correlation of 20 pairs is already ±0.44 about 0; fewer say nothing.
_LEAST_STRESSED = 20


def stress_correlation(a: NDArray[np.float64], b: NDArray[np.float64], size: int = 252) -> float | None:
    """Compute the correlation over the window's sessions in which ``b`` fell the most.

    Those are the sessions of the last ``size`` in which ``b`` is at or below its own 10th percentile
    in the window (numpy's default, linear, quantile).

    Parameters
    ----------
    a, b
        Aligned returns of gold and IWM in session order, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    float or None
        In [-1, 1]. None with fewer than ``size`` pairs, fewer than 20 stressed sessions, or a leg
        that is flat over those.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> b = np.arange(-30.0, 222.0)
    >>> a = np.where(b < 0.0, -b, b)
    >>> round(stress_correlation(a, b), 9)
    -1.0

    A warm window is not enough, it must hold 20 stressed sessions:

    >>> stress_correlation(a, b, size=120) is None
    True
    """
    pairs = stressed_pairs(a, b, size)
    return None if pairs is None else pair_moments(*pairs).correlation


def stressed_pairs(
    a: NDArray[np.float64], b: NDArray[np.float64], size: int = 252
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Take the pairs of the sessions of the last ``size`` in which ``b`` fell the most, in their order.

    Parameters
    ----------
    a, b, size
        As for `stress_correlation`.

    Returns
    -------
    tuple of arrays or None
        Shape ``(m,)`` each, ``m >= 20``. None with fewer than ``size`` pairs or 20 stressed sessions.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> b = np.arange(-30.0, 222.0)
    >>> gold, iwm = stressed_pairs(-b, b)
    >>> iwm.size, iwm.max()
    (26, np.float64(-5.0))
    """
    pairs = last_pairs(a, b, size)
    if pairs is None:
        return None
    a, b = pairs
    # The quantile lies between two neighbours of the order, so a return is at or below it exactly when it is
    # at or below the lower one. Finding that one alone is ten times faster.
    lower = int((size - 1) * _STRESS_QUANTILE)
    stressed = b <= np.partition(b, lower)[lower]
    return (a[stressed], b[stressed]) if np.count_nonzero(stressed) >= _LEAST_STRESSED else None
