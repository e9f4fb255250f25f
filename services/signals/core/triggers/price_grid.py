"""The prices that are tried: whole ticks of 0.01 USD, within a quarter of the last close."""

import math
from typing import Final

TICKS_PER_USD: Final = 100
# No leg that is watched moves by more than a quarter in a session.
_RANGE: Final = 0.25


def search_range(last_close: float) -> tuple[int, int] | None:
    """Return the first and the last price to try, in ticks; None for a price too small for the grid.

    Examples
    --------
    >>> search_range(1_300.0), search_range(0.004)
    ((97500, 162500), None)
    """
    first = math.ceil(last_close * (1 - _RANGE) * TICKS_PER_USD)
    last = math.floor(last_close * (1 + _RANGE) * TICKS_PER_USD)
    return (first, last) if 1 <= first <= last else None
