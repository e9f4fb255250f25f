"""How much a leg moves, as a yearly figure."""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import LEAST_SIZE, mean_std

# Sessions in a year by the convention of option markets; the calendar's 250 to 253 are not followed.
SESSIONS_PER_YEAR = 252


def annualised_volatility(r: NDArray[np.float64], size: int) -> float | None:
    """Compute the standard deviation of the last ``size`` returns times ``sqrt(252)``.

    Parameters
    ----------
    r
        One leg's log returns in session order, shape ``(n,)``; finite.
    size
        Returns in the window, at least 2.

    Returns
    -------
    float or None
        A ratio (0.2 is 20 % a year). None with fewer than ``size`` returns.

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> round(annualised_volatility(np.array([0.5, 0.01, -0.01]), 2), 6)
    0.224499

    A leg that did not move has a volatility, and it is 0, unlike its correlation:

    >>> annualised_volatility(np.zeros(20), 20)
    0.0
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    if r.size < size:
        return None
    return mean_std(r[-size:]).std * math.sqrt(SESSIONS_PER_YEAR)
