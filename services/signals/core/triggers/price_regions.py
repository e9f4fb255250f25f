"""Where along the prices of a grid a decision changes: a scan of smooth curves, then the exact code.

A decision compares statistics with levels, so it changes only where a *margin* changes its sign: a statistic
less a level, a smooth function of the price. The search is in three steps:

1. The margins are computed at a thousand prices. A cell between two of them is looked at more closely if
   a margin changes its sign in it, or comes so near to 0 that its curvature could bring it there.
2. In these cells the margins are computed at every price of the grid.
3. Between two changes the decision is the same. Each such region is confirmed at its first price, its last
   and one in the middle by the code that decides; where rounding moved a change, bisection finds it.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

# The cells of the first step: 0.05 % of the price each, a small part of what bends any statistic.
_CELLS: Final = 1_024

Seen = TypeVar("Seen")
Ticks = NDArray[np.int64]
Floats = NDArray[np.float64]


class Region(NamedTuple, Generic[Seen]):
    """Prices for which the same is seen, as whole numbers of ticks, both ends included."""

    first: int
    last: int
    seen: Seen


def find_regions(
    first: int,
    last: int,
    *,
    margins: Callable[[Ticks], Floats],
    look: Callable[[int], Seen],
    pins: tuple[int, ...] = (),
) -> tuple[Region[Seen], ...]:
    """Divide the prices from ``first`` to ``last`` into regions.

    Parameters
    ----------
    margins
        For prices of shape ``(n,)``: shape ``(m, n)``. What is seen changes only where the sign of a row
        does, 0 counting as positive, or where it becomes NaN.
    look
        What is seen at one price, by the code that decides.
    pins
        Prices at which a margin may be undefined, or jump and come back.

    Returns
    -------
    tuple of Region
        Ascending, without a gap; two neighbours differ.

    Examples
    --------
    >>> def margins(ticks):
    ...     return np.stack([ticks - 700.5, 300.25 - ticks])
    >>> for region in find_regions(0, 999, margins=margins, look=lambda tick: 300 < tick <= 700):
    ...     print(region)
    Region(first=0, last=300, seen=False)
    Region(first=301, last=700, seen=True)
    Region(first=701, last=999, seen=False)
    """
    return divide(first, last, _changes(first, last, margins, pins), look)


def divide(
    first: int, last: int, changes: Sequence[int], look: Callable[[int], Seen]
) -> tuple[Region[Seen], ...]:
    """Divide prices into regions by the third step alone.

    Parameters
    ----------
    changes
        Prices after which what is seen may change, ascending, from ``first`` to below ``last``. Rounding may
        have moved each by a price.
    """
    starts = [first, *(tick + 1 for tick in changes)]
    regions: list[Region[Seen]] = []
    for begin, end in zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True):
        # In the middle as well: rounding may have moved both ends.
        looked = [(tick, look(tick)) for tick in sorted({begin, (begin + end) // 2, end})]
        _append(regions, Region(begin, begin, looked[0][1]))
        for known, following in pairwise(looked):
            _confirm(known, following, look, regions)
    return tuple(regions)


def _changes(first: int, last: int, margins: Callable[[Ticks], Floats], pins: tuple[int, ...]) -> list[int]:
    """Return the prices after which the sign of a margin changes, ascending."""
    stride = -(-(last - first) // _CELLS) or 1
    # Equal cells, as second differences need; the last one may reach beyond the last price.
    scan = np.arange(first, last + stride, stride, dtype=np.int64)
    cells = _cells_to_refine(margins(scan))
    for pin in pins:
        if first <= pin <= last:
            # A pin on the edge of a cell concerns the cell before it, too.
            cells |= {max(0, (pin - first - 1) // stride), min((pin - first) // stride, scan.size - 2)}
    if not cells:
        return []
    fine = scan[sorted(cells)][:, np.newaxis] + np.arange(stride + 1)
    values = margins(fine.ravel())
    signs = _signs(values).reshape(-1, *fine.shape)
    has_changed = (signs[..., 1:] != signs[..., :-1]).any(axis=0)
    found = fine[:, :-1][has_changed]
    return [tick for tick in np.unique(found).tolist() if tick < last]


def _cells_to_refine(margins: Floats) -> set[int]:
    signs = _signs(margins)
    cells = {*np.flatnonzero((signs[:, 1:] != signs[:, :-1]).any(axis=0)).tolist()}
    # Between two points a smooth curve strays from the line by an eighth of its second difference, and a bent
    # line by no more than all of it.
    steps = margins[:, 1:] - margins[:, :-1]
    bend = np.zeros(margins.shape)
    np.abs(steps[:, 1:] - steps[:, :-1], out=bend[:, 1:-1])
    reach = np.maximum(bend[:, 1:], bend[:, :-1])
    sizes = np.abs(margins)
    nearest = np.minimum(sizes[:, 1:], sizes[:, :-1])
    return cells.union(np.flatnonzero(((nearest <= reach) & (reach > 0.0)).any(axis=0)).tolist())


def _signs(margins: Floats) -> NDArray[np.int8]:
    # -1, 0 or 1 for NaN, negative, and 0 or positive.
    return (margins >= 0.0).astype(np.int8) - np.isnan(margins)


def _confirm(
    known: tuple[int, Seen], end: tuple[int, Seen], look: Callable[[int], Seen], regions: list[Region[Seen]]
) -> None:
    """Append the prices after one that was looked at, up to another one."""
    (first, seen), (last, seen_last) = known, end
    while seen != seen_last:
        # Find a change by bisection: at `low` the same is seen as at `first`, at `high` something else.
        low, high, seen_high = first, last, seen_last
        while high - low > 1:
            middle = (low + high) // 2
            if (seen_middle := look(middle)) == seen:
                low = middle
            else:
                high, seen_high = middle, seen_middle
        _append(regions, Region(first, low, seen))
        first, seen = high, seen_high
    _append(regions, Region(first, last, seen))


def _append(regions: list[Region[Seen]], region: Region[Seen]) -> None:
    if regions and regions[-1].seen == region.seen:
        regions[-1] = Region(regions[-1].first, region.last, region.seen)
    else:
        regions.append(region)
