"""Correlation that forgets: every session counts, old ones exponentially less."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import clamped_ratio

# With 3 half-lives of returns behind it, 7/8 of the weight an endless history would have is there.
_WARM_UP_HALFLIVES = 3


def ewm_correlation(x: NDArray[np.float64], y: NDArray[np.float64], halflife: int) -> float | None:
    """Compute the exponentially weighted correlation over the whole history.

    Equals the last value of pandas' ``x.ewm(halflife=halflife).corr(y)`` (``adjust=True``), by two
    passes over the history instead of its recursion.

    Parameters
    ----------
    x, y
        Aligned returns in session order from the start of the history, shape ``(n,)`` each; finite.
    halflife
        Sessions after which a return counts half, at least 1.

    Returns
    -------
    float or None
        In [-1, 1]. None with fewer than ``3 * halflife`` returns, or when a leg is flat.

    Raises
    ------
    ValueError
        If the shapes differ or ``halflife < 1``.

    Examples
    --------
    >>> x, y = np.array([1.0, 2.0, 4.0, 3.0]), np.array([1.0, 3.0, 3.0, 4.0])
    >>> round(ewm_correlation(x, y, 1), 6)
    0.408248

    Warm-up is three half-lives, not one:

    >>> ewm_correlation(x, y, 2) is None
    True
    """
    if halflife < 1:
        raise ValueError(f"halflife must be at least 1, was {halflife}")
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"a pair must be two rows of one length, was {x.shape} and {y.shape}")
    if x.size < _WARM_UP_HALFLIVES * halflife:
        return None
    weights, total = _weights(x.size, halflife)
    deviations_x = _centred(x, weights, total)
    deviations_y = _centred(y, weights, total)
    weighted_x = weights * deviations_x
    return clamped_ratio(
        float(weighted_x @ deviations_y),
        float(weighted_x @ deviations_x),
        float((weights * deviations_y) @ deviations_y),
    )


@lru_cache(maxsize=4)
def _weights(size: int, halflife: int) -> tuple[NDArray[np.float64], np.float64]:
    # Full histories have one size.
    weights = np.exp2(np.arange(1 - size, 1) / halflife)
    return weights, np.add.reduce(weights)


def _centred(x: NDArray[np.float64], weights: NDArray[np.float64], total: np.float64) -> NDArray[np.float64]:
    # The last value, not the first, is the origin here: it weighs most. A flat leg still is all 0.
    deviations: NDArray[np.float64] = x - x[-1]
    deviations -= (weights @ deviations) / total
    return deviations
