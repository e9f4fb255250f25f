"""Between which prices of the lead no decision changes: almost every tick ends with this one comparison."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.signals.core.statistics.moments import MeanStd

# The prices at which z crosses a level are computed, not searched: stay clear of them by more than rounding.
_MARGIN: Final = 1e-12

Prices = tuple[float, float]
# No base, no z: no price decides anything.
ALL_QUIET: Final[Prices] = (0.0, float("inf"))
NONE_QUIET: Final[Prices] = (float("inf"), 0.0)


def quiet_prices(z: float, *, levels: Sequence[float], base: MeanStd, other_adj_close: float) -> Prices:
    """Return the prices just above and just below which z stays between its two nearest levels.

    Parameters
    ----------
    z
        The z-score that was judged last.
    levels
        Those at which something changes now, as z-scores in any order.
    base
        What it was judged against.
    other_adj_close
        The other leg's newest adjusted close, USD.

    Examples
    --------
    >>> low, high = quiet_prices(0.0, levels=(-1.0, 1.0, 3.0), base=MeanStd(mean=0.0, std=0.01),
    ...                          other_adj_close=100.0)
    >>> round(low, 4), round(high, 4)
    (99.005, 101.005)
    """
    low, high = ALL_QUIET
    below = max((level for level in levels if level <= z), default=None)
    above = min((level for level in levels if level >= z), default=None)
    if below is not None:
        low = float(other_adj_close * np.exp(base.mean + below * base.std)) * (1 + _MARGIN)
    if above is not None:
        high = float(other_adj_close * np.exp(base.mean + above * base.std)) * (1 - _MARGIN)
    return low, high
