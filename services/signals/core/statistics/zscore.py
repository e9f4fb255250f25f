"""How far a value stands from its own recent past, in standard deviations.

The window excludes the session that is evaluated, so between two commits it does not change: a
threshold on z is a threshold on the value.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.signals.core.statistics.moments import LEAST_SIZE, MeanStd, mean_std

FLAT_STD: Final = 1e-6
"""The largest standard deviation of log prices that is called flat, and that nothing is measured with.

A price has about six digits (1,474.34; 99.97), so rounding alone moves its logarithm by 1e-6. A smaller
deviation is that of rounding and not of a market: a real ratio has 1e-2, and a currency held to another 1e-4.
"""


def baseline(previous: NDArray[np.float64], size: int) -> MeanStd | None:
    """Compute what a value is compared with: mean and std of the ``size`` values before it.

    Parameters
    ----------
    previous
        Values of the sessions *before* the evaluated one, in session order, shape ``(n,)``; finite.
    size
        Values in the window, at least 2.

    Returns
    -------
    MeanStd or None
        None with fewer than ``size`` values (warm-up), or with a deviation of at most `FLAT_STD` (undefined).

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> baseline(np.array([100.0, 1.0, 2.0, 3.0]), 3)
    MeanStd(mean=2.0, std=1.0)

    A window that did not move has no scale to measure with:

    >>> baseline(np.full(90, 0.1), 90) is None
    True

    Nor has one that moved by no more than the rounding of prices:

    >>> baseline(np.tile([0.1, 0.1 + 1e-7], 45), 90) is None
    True
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    if previous.size < size:
        return None
    window = mean_std(previous[-size:])
    return None if window.std <= FLAT_STD else window


def zscore(value: float, window: MeanStd | None) -> float | None:
    """Compute ``(value - mean) / std``.

    Parameters
    ----------
    value
        The evaluated value; finite; not one of the window's.
    window
        What `baseline` returned.

    Returns
    -------
    float or None
        In standard deviations. None without a window, or when its std is at most `FLAT_STD`.

    Examples
    --------
    >>> zscore(4.0, MeanStd(mean=2.0, std=1.0))
    2.0
    >>> zscore(2.0, MeanStd(mean=2.0, std=0.0)) is None
    True
    """
    if window is None or window.std <= FLAT_STD:
        return None
    return float((value - window.mean) / window.std)


def zscores(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Compute each value's z-score against the ``size`` values before it, all at once.

    Parameters
    ----------
    values
        In session order, shape ``(n,)``; finite.
    size
        Values in each window, at least 2.

    Returns
    -------
    NDArray
        Shape ``(n,)``; equal to `zscore` of each but for rounding. **NaN where that is None**, for arrays
        have no None: this is for inside the core.

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> zscores(np.array([1.0, 2.0, 3.0, 4.0, 3.5]), 3)
    array([nan, nan, nan, 2. , 0.5])
    >>> zscores(np.array([0.1, 0.1, 0.2]), 2)
    array([nan, nan, nan])
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    scores = np.full(values.size, np.nan)
    if values.size <= size:
        return scores
    windows = sliding_window_view(values[:-1], size)
    # Each row's own first value is its origin, as in `mean_std`: a window that did not move is exactly 0.
    deviations = windows - windows[:, :1]
    shifts = np.add.reduce(deviations, axis=1, keepdims=True) / size
    deviations -= shifts
    stds = np.sqrt(np.einsum("ij,ij->i", deviations, deviations) / (size - 1))
    distances = values[size:] - (windows[:, 0] + shifts[:, 0])
    np.divide(distances, stds, out=scores[size:], where=stds > FLAT_STD)
    return scores
