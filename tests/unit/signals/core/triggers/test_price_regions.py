"""The search finds every price at which what is seen changes, and looks at few of them by themselves."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.signals.core.triggers.price_regions import Floats, Region, Ticks, find_regions


def brute_force(first: int, seen: NDArray[np.int64]) -> tuple[Region[int], ...]:
    """Return the regions of what is seen at each price from ``first`` on."""
    changes = np.flatnonzero(seen[1:] != seen[:-1]).tolist()
    starts, ends = [0, *(each + 1 for each in changes)], [*changes, len(seen) - 1]
    return tuple(
        Region(first + start, first + end, int(seen[start])) for start, end in zip(starts, ends, strict=True)
    )


def searched(
    curves: Callable[[Floats], Floats], first: int, last: int, pins: tuple[int, ...] = ()
) -> tuple[tuple[Region[int], ...], int]:
    """Search the signs of some curves; return the regions, and how many prices were looked at."""
    values = curves(np.arange(first, last + 1, dtype=np.float64))
    signs = np.where(np.isnan(values), 2, values >= 0)
    seen = (signs * 3 ** np.arange(len(values))[:, np.newaxis]).sum(axis=0)
    looks = 0

    def look(tick: int) -> int:
        nonlocal looks
        looks += 1
        return int(seen[tick - first])

    def margins(ticks: Ticks) -> Floats:
        return curves(ticks.astype(np.float64))

    found = find_regions(first, last, margins=margins, look=look, pins=pins)
    assert found == brute_force(first, seen)
    return found, looks


@given(
    middle=st.floats(0.0, 1.0),
    height=st.floats(-0.01, 0.01),
    width=st.floats(0.05, 3.0),
    first=st.integers(1, 200_000),
    count=st.integers(0, 9_000),
)
def test_a_hill_that_hardly_reaches_the_level_is_found(
    middle: float, height: float, width: float, first: int, count: int
) -> None:
    last = first + count

    def curves(ticks: Floats) -> Floats:
        place = (ticks - first) / max(count, 1) - middle
        return np.stack([height - (place / width) ** 2, np.cos(place * 9) - height])

    _, looks = searched(curves, first, last)

    assert looks <= 40


@given(
    peak=st.integers(0, 60_000), left=st.floats(1e-5, 1.0), right=st.floats(1e-5, 1.0), over=st.integers(0, 9)
)
def test_a_bend_between_two_prices_of_the_scan_is_found(
    peak: int, left: float, right: float, over: int
) -> None:
    def curves(ticks: Floats) -> Floats:
        slope = np.where(ticks < peak, left * (ticks - peak), right * (peak - ticks))
        return (slope + min(left, right) * over)[np.newaxis]

    searched(curves, 0, 60_000)


@pytest.mark.parametrize("hole", [1, 2, 29_999, 30_000, 30_001, 30_059, 59_999])
def test_a_single_undefined_price_is_found_where_it_is_pinned(hole: int) -> None:
    def curves(ticks: Floats) -> Floats:
        return np.where(ticks == hole, np.nan, 1.0)[np.newaxis]

    found, _ = searched(curves, 0, 60_000, pins=(hole, 70_000))

    assert [(each.first, each.last) for each in found] == [(0, hole - 1), (hole, hole), (hole + 1, 60_000)]


def test_what_never_changes_is_looked_at_three_times() -> None:
    found, looks = searched(lambda ticks: np.full((1, ticks.size), 0.0), 10, 50_000)

    assert found == (Region(10, 50_000, 1),)
    assert looks == 3


def test_without_margins_there_is_one_region() -> None:
    found, _ = searched(lambda ticks: np.empty((0, ticks.size)), 10, 50_000)

    assert found == (Region(10, 50_000, 0),)


@pytest.mark.parametrize("off", [-3, -1, 1, 3])
def test_where_rounding_moves_a_change_the_code_that_decides_has_the_last_word(off: int) -> None:
    """The margins put the change some prices beside the one at which the code decides otherwise."""

    def look(tick: int) -> int:
        return int(20_000 <= tick < 40_000)

    found = find_regions(
        0,
        60_000,
        margins=lambda ticks: np.stack([ticks - 20_000.0 + off, 40_000.0 + off - ticks]),
        look=look,
    )

    assert found == brute_force(0, np.array([look(tick) for tick in range(60_001)]))
