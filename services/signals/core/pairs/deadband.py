"""The deadband: the live ratios that change no decision. Most ticks need no more than this comparison."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.signals.core.statistics.moments import MeanStd

# The band ends before the ratio at which z crosses a level, by more than the rounding error of computing it.
_MARGIN: Final = 1e-12

Ratios = tuple[float, float]
# Without a baseline there is no z-score, so no ratio decides anything.
UNBOUNDED_DEADBAND: Final[Ratios] = (0.0, float("inf"))
EMPTY_DEADBAND: Final[Ratios] = (float("inf"), 0.0)


def deadband(z: float, *, levels: Sequence[float], base: MeanStd) -> Ratios:
    """Return the lowest and the highest ratio for which z stays between its two nearest levels.

    Parameters
    ----------
    z
        The z-score that was evaluated last.
    levels
        The z-scores at which a decision would change, in any order.
    base
        The mean and standard deviation that z is computed with.

    Returns
    -------
    tuple of float
        Low and high ratio of the lead's price to the other leg's.

    Examples
    --------
    >>> low, high = deadband(0.0, levels=(-1.0, 1.0, 3.0), base=MeanStd(mean=0.0, std=0.01))
    >>> round(low, 6), round(high, 6)
    (0.99005, 1.01005)
    """
    low, high = UNBOUNDED_DEADBAND
    below = max((level for level in levels if level <= z), default=None)
    above = min((level for level in levels if level >= z), default=None)
    if below is not None:
        low = float(np.exp(base.mean + below * base.std)) * (1 + _MARGIN)
    if above is not None:
        high = float(np.exp(base.mean + above * base.std)) * (1 - _MARGIN)
    return low, high
