"""How sure a least-squares slope is."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.long_run_error import long_run_margin
from services.signals.core.statistics.moments import centred, last_pairs

# The slope and the intercept.
_PARAMETERS = 2


def slope_margin(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> float | None:
    """Compute half the width of the 95 % interval of the slope of ``y`` on ``x``, with an intercept.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 3.

    Returns
    -------
    float or None
        By `long_run_margin`: large and small days may differ in noise, and follow each other. None with
        fewer than ``size`` pairs or when ``x`` is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 3``.

    Examples
    --------
    >>> x = np.array([1.0, -1.0, 2.0, -2.0])
    >>> slope_margin(x, 3.0 * x, 4)
    0.0
    >>> slope_margin(np.full(4, 0.1), x, 4) is None
    True
    """
    if size <= _PARAMETERS:
        raise ValueError(f"size must be at least {_PARAMETERS + 1}, was {size}")
    pairs = last_pairs(x, y, size)
    if pairs is None:
        return None
    (_, x), (_, y) = map(centred, pairs)
    squares = float(x @ x)
    if squares == 0.0:
        return None
    residuals = y - float(x @ y) / squares * x
    return long_run_margin(x * residuals / squares, _PARAMETERS)
