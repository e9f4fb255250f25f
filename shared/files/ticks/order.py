"""Which rows of a file stand in the order of time, and which single rows have a wrong instant.

As few rows as possible are left out so that the others ascend. One instant far in the future is then the bad
row, not all rows after it. Where a long gap separates groups of rows, those of a larger group count for more:
two instants far in the future do not outweigh the one row that ends the file.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# No market that has ticks is closed for longer.
_LONG_GAP_NS: Final = 30 * 86_400 * 1_000_000_000
# What is at one end of a file, and no row beyond it confirms.
_FEW_ROWS: Final = 10
_TIMES_AS_MANY: Final = 10
# More are a file that is not in order at all, and no single rows.
_MOST_RUNS: Final = 8_000


def in_order(events: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows stay so that instants ascend and as much as possible is kept.

    Of two rows of equal merit the first one stays. Where most rows are in no order, only those stay that are
    not before any row above: so many others are no single rows.

    Examples
    --------
    >>> in_order(np.array([1, 2, 9, 3, 4, 0, 5])).tolist()
    [True, True, False, True, True, False, True]
    """
    kept = np.ones(len(events), dtype=np.bool_)
    if len(events) < 2 or not (events[1:] < events[:-1]).any():
        return kept
    by_time = events.argsort(kind="stable")
    rank = np.empty(len(events), dtype=np.int64)
    rank[by_time] = np.arange(len(events))
    # Rows with nothing between them, in the file and in time, stay or go together.
    begins = np.flatnonzero(np.diff(rank, prepend=-2) != 1)
    if len(begins) > _MOST_RUNS:
        return events >= np.maximum.accumulate(events)
    weights = np.add.reduceat(_group_sizes(events, by_time), begins)
    chain = _heaviest(rank[begins], weights)
    is_kept_run = np.zeros(len(begins), dtype=np.bool_)
    is_kept_run[chain] = True
    return np.repeat(is_kept_run, np.diff(begins, append=len(events)))


def stray_at_end(events: NDArray[np.int64]) -> int:
    """Return how many of the last rows, ascending, are far from all others and too few to be believed.

    Examples
    --------
    >>> day = 86_400 * 10**9
    >>> stray_at_end(np.array([*range(20), 100 * day, 101 * day]))
    2
    """
    if len(events) < _TIMES_AS_MANY + 1:
        return 0
    gaps = np.diff(events[-_FEW_ROWS - 1 :]) > _LONG_GAP_NS
    if not gaps.any():
        return 0
    few = len(gaps) - int(gaps.argmax())
    return few if few * _TIMES_AS_MANY <= len(events) - few else 0


def stray_at_begin(events: NDArray[np.int64]) -> int:
    """Return how many of the first rows, ascending, are far from all others and too few to be believed."""
    return stray_at_end(-events[::-1])


def _group_sizes(events: NDArray[np.int64], by_time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row how many rows are in its group, between two long gaps."""
    group_by_time = np.cumsum(np.diff(events[by_time], prepend=events[by_time[0]]) > _LONG_GAP_NS)
    sizes = np.empty(len(events), dtype=np.int64)
    sizes[by_time] = np.bincount(group_by_time)[group_by_time]
    return sizes


def _heaviest(ranks: NDArray[np.int64], weights: NDArray[np.int64]) -> list[int]:
    """Return the positions, ascending, of the ascending ranks whose weights add up to most."""
    best = np.zeros(len(ranks), dtype=np.int64)
    above = np.full(len(ranks), -1, dtype=np.int64)
    for at in range(len(ranks)):
        before = np.where(ranks[:at] < ranks[at], best[:at], 0)
        if at:
            heaviest = int(before.argmax())
            if before[heaviest]:
                best[at], above[at] = before[heaviest], heaviest
        best[at] += weights[at]
    chain = [int(best.argmax())]
    while above[chain[-1]] >= 0:
        chain.append(int(above[chain[-1]]))
    return chain[::-1]
