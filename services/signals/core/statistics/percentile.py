"""Where a value stands among its own recent past, without assuming a distribution."""

import numpy as np
from numpy.typing import NDArray


def percentile_rank(value: float, previous: NDArray[np.float64], size: int) -> float | None:
    """Compute the share of the last ``size`` values that are below ``value``.

    Parameters
    ----------
    value
        The evaluated value; finite; not one of ``previous``.
    previous
        Values of the sessions before it, in session order, shape ``(n,)``; finite.
    size
        Values in the window, at least 1.

    Returns
    -------
    float or None
        In 0..1, values equal to ``value`` counted half. None with fewer than ``size`` values.

    Raises
    ------
    ValueError
        If ``size < 1``.

    Examples
    --------
    >>> percentile_rank(3.0, np.array([9.0, 1.0, 2.0, 3.0, 4.0]), 4)
    0.625

    A window that did not move still ranks its value, in the middle:

    >>> percentile_rank(0.1, np.full(90, 0.1), 90)
    0.5
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, was {size}")
    if previous.size < size:
        return None
    window = previous[-size:]
    below = np.count_nonzero(window < value)
    equal = np.count_nonzero(window == value)
    return float((below + 0.5 * equal) / size)
