"""A column of prices that takes half the memory where no precision is lost.

Most sources give prices with at most four decimals, or single-precision numbers printed in double precision
(``99.97000122070312``). Either fits into four bytes and reads back as exactly the same float.

======== =============================== ========================
kept as  while every price               read
======== =============================== ========================
int32    is a number of ten-thousandths  divided by 10,000
float32  is a single-precision number    widened
float64  is neither, or they are mixed   unchanged
======== =============================== ========================

A column that has become float64 stays float64.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_PARTS: Final = 10_000.0
_MOST_PARTS: Final = np.iinfo(np.int32).max
_LARGEST_SINGLE: Final = float(np.finfo(np.float32).max)
# Rows to spare when a column is full: a leg gains one a day.
_SPARE: Final = 16


class PriceColumn:
    """Positive prices by row. The column has spare rows; its owner keeps the count.

    Parameters
    ----------
    prices
        Shape ``(n,)``, USD.

    Attributes
    ----------
    kind
        How they are kept.

    Examples
    --------
    >>> columns = [[99.97], [99.97000122070312], [1 / 3], [99.97, 1 / 3]]
    >>> [PriceColumn(np.array(prices)).kind for prices in columns]
    ['int32', 'float32', 'float64', 'float64']
    """

    __slots__ = ("_kept", "kind")

    def __init__(self, prices: NDArray[np.float64]) -> None:
        self._keep(prices)

    def _keep(self, prices: NDArray[np.float64]) -> None:
        self._kept = _shortest(prices)
        self.kind = self._kept.dtype.name

    def __getitem__(self, row: int) -> float:
        kept = float(self._kept.item(row))
        return kept / _PARTS if self.kind == "int32" else kept

    def first(self, count: int) -> NDArray[np.float64]:
        """Return a copy of the first prices, shape ``(count,)``."""
        wide = self._kept[:count].astype(np.float64)
        return wide / _PARTS if self.kind == "int32" else wide

    def put(self, row: int, price: float, *, count: int) -> None:
        """Write one of the first ``count`` prices."""
        match self.kind:
            case "int32" if (parts := round(min(price * _PARTS, _MOST_PARTS))) / _PARTS == price:
                self._kept[row] = parts
            case "float32" if float(np.float32(min(price, _LARGEST_SINGLE))) == price:
                self._kept[row] = price
            case "float64":
                self._kept[row] = price
            case _:
                prices = self.first(count)
                prices[row] = price
                self._keep(prices)

    def make_room(self, row: int, *, count: int) -> None:
        """Move a row and all after it, of ``count``, one further. The caller then calls `put` for the row."""
        if count == len(self._kept):
            grown = np.ones(count + _SPARE, self._kept.dtype)
            grown[:count] = self._kept
            self._kept = grown
        self._kept[row + 1 : count + 1] = self._kept[row:count]

    def remove(self, row: int, *, count: int) -> None:
        """Remove a row of ``count``, and move all after it one back."""
        self._kept[row : count - 1] = self._kept[row + 1 : count]


def _shortest(prices: NDArray[np.float64]) -> NDArray[np.int32] | NDArray[np.float32] | NDArray[np.float64]:
    with np.errstate(over="ignore"):
        parts, singles = np.rint(prices * _PARTS), prices.astype(np.float32)
    if bool((parts <= _MOST_PARTS).all()) and np.array_equal(parts / _PARTS, prices):
        return parts.astype(np.int32)
    if np.array_equal(singles, prices):
        return singles
    return prices.astype(np.float64)
