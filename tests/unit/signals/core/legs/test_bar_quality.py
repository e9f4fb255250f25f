"""Which closes are refused, why, and for how long; real histories have none."""

import csv
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.signals.core.legs.bar_quality import (
    Close,
    is_plausible,
    past_causes,
    present_causes,
    splices,
    why_not_after,
    why_unusable,
)
from services.signals.core.legs.data_quality import Cause
from tests.support.data import shared_data

Floats = NDArray[np.float64]
JUMP, SPLIT = Cause.CLOSE_JUMP, Cause.UNAPPLIED_SPLIT
REAL = (
    ("pair_gold_daily_20121114_20210331.csv", "close", "close"),
    ("pair_iwm_daily_20121114_20210331.csv", "close", "adj_close"),
    ("iwm_daily_lean_raw_20000526_20210331.csv", "close", "adj_close"),
    ("xauusd_daily_ejtrader_20121114_20220304.csv", "close", "close"),
    ("xauusd_daily_quotes_oanda_lean_20060320_20190225.csv", "bid_close", "bid_close"),
)


def closes_of(name: str, raw: str, adjusted: str) -> tuple[Floats, Floats]:
    with shared_data(name).open() as lines:
        rows = list(csv.DictReader(lines))
    return np.array([float(row[raw]) for row in rows]), np.array([float(row[adjusted]) for row in rows])


def walk(count: int = 60, *, seed: int = 7, std: float = 0.01) -> Floats:
    return np.round(150.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, std, count))), 2)


def unusable(closes: Floats, adj_closes: Floats | None = None) -> dict[int, Cause]:
    causes = why_unusable(closes, closes if adj_closes is None else adj_closes)
    return {row: cause for row, cause in enumerate(causes) if cause is not None}


@pytest.mark.parametrize(("name", "raw", "adjusted"), REAL, ids=[name for name, _, _ in REAL])
def test_real_history_has_no_wrong_close(name: str, raw: str, adjusted: str) -> None:
    closes, adj_closes = closes_of(name, raw, adjusted)

    assert unusable(closes, adj_closes) == {}
    assert past_causes(closes, adj_closes) == ()


@pytest.mark.parametrize(("name", "raw", "adjusted"), REAL, ids=[name for name, _, _ in REAL])
def test_real_history_with_adjusted_closes_of_two_decimals_has_no_splice(
    name: str, raw: str, adjusted: str
) -> None:
    closes, adj_closes = closes_of(name, raw, adjusted)

    assert splices(closes, np.round(adj_closes, 2)).size == 0


@pytest.mark.parametrize(
    ("ratio", "cause"),
    [
        *((each, None) for each in (0.72, 0.87, 1.0, 1.13, 1.5)),
        *((each, JUMP) for each in (0.01, 0.6, 0.001, 1.51, 1.6, 1.8, 2.3, 100.0, 1_000.0)),
        *((each, SPLIT) for each in (0.1, 0.2, 0.25, 0.5, 0.49, 2 / 3, 0.69, 2.0, 3.0, 10.0, 20.0)),
        (0.702, None),
    ],
)
def test_close_is_compared_with_the_last_good_one(ratio: float, cause: Cause | None) -> None:
    assert (
        why_not_after(Close(raw=150.0 * ratio, adjusted=140.0 * ratio), Close(raw=150.0, adjusted=140.0))
        is cause
    )


@pytest.mark.parametrize("ratio", [0.5, 2 / 3, 0.1, 10.0, 0.6])
def test_split_that_is_applied_and_a_distribution_are_no_faults(ratio: float) -> None:
    now, last = Close(raw=150.0 * ratio, adjusted=141.0), Close(raw=150.0, adjusted=140.0)

    assert why_not_after(now, last) is None


@pytest.mark.parametrize("ratio", [0.5, 2.0, 1.6])
def test_jump_of_the_adjusted_close_alone_is_no_split(ratio: float) -> None:
    now, last = Close(raw=150.0, adjusted=140.0 * ratio), Close(raw=150.0, adjusted=140.0)

    assert why_not_after(now, last) is JUMP


@pytest.mark.parametrize("factor", [10.0, 100.0, 2.0, 1.6, 0.01])
@pytest.mark.parametrize(
    "rows", [(0,), (0, 1, 2), (30,), (30, 31), (30, 31, 32), (30, 33), (59,), (57, 58, 59)]
)
def test_closes_that_are_off_by_a_factor_are_found_wherever_they_are(
    factor: float, rows: tuple[int, ...]
) -> None:
    closes = walk()
    closes[list(rows)] *= factor

    assert tuple(unusable(closes)) == rows


@pytest.mark.parametrize(("factor", "sessions"), [(1.6, 3), (0.01, 3), (0.5, 9), (2 / 3, 9), (10.0, 9)])
def test_new_level_is_believed_after_three_more_closes_and_that_of_a_split_after_ten(
    factor: float, sessions: int
) -> None:
    closes = walk(std=0.002)
    closes[40:] *= factor

    assert tuple(unusable(closes[: 40 + sessions])) == tuple(range(40, 40 + sessions))
    assert unusable(closes[: 40 + sessions + 1]) == {}
    assert past_causes(closes, closes) == ((JUMP if sessions == 3 else SPLIT),)


def test_first_closes_are_the_wrong_ones_where_four_agree_on_another_level() -> None:
    closes = walk()
    closes[:3] *= 100.0

    assert tuple(unusable(closes[:6])) == (3, 4, 5), "nobody knows yet which are wrong"
    assert tuple(unusable(closes[:7])) == (0, 1, 2)
    closes[3] *= 100.0
    assert unusable(closes) == {}, "four closes make a level"


def test_closes_that_never_agree_are_believed_one_in_ten() -> None:
    closes = np.append(walk(20), 150.0 * 2.3 ** np.arange(1.0, 41.0))

    wrong = tuple(unusable(closes))

    assert wrong == tuple(row for row in range(20, 60) if row % 10 != 9)


def test_crash_of_a_seventh_and_a_market_that_halves_in_three_days_are_no_faults() -> None:
    assert unusable(np.array([150.0] * 5 + [130.0] * 5)) == {}
    assert unusable(np.array([9_000.0, 8_900.0, 7_000.0, 5_500.0, 4_500.0, 4_600.0])) == {}


def test_crash_of_two_fifths_in_a_day_is_believed_after_three_more_closes() -> None:
    bitcoin = np.array([7_900.0] * 5 + [4_850.0, 5_200.0, 5_000.0, 5_100.0])

    assert tuple(unusable(bitcoin[:-1])) == (5, 6, 7)
    assert unusable(bitcoin) == {}


@given(
    moves=st.lists(
        st.one_of(st.floats(-0.3, 0.3), st.sampled_from([0.5, 2.0, 10.0, 0.01, 1.6, 2 / 3]).map(np.log)),
        max_size=60,
    )
)
def test_vectorised_check_agrees_with_the_closes_one_by_one(moves: list[float]) -> None:
    closes = 150.0 * np.exp(np.cumsum([0.0, *moves]))
    rows = [Close(raw=close, adjusted=close) for close in closes.tolist()]

    one_by_one = all(why_not_after(now, last) is None for last, now in pairwise(rows))

    assert is_plausible(closes, closes) == one_by_one
    if one_by_one:
        assert unusable(closes) == {}


@pytest.mark.parametrize("equal", [1, 4, 5, 6, 40])
def test_five_equal_closes_are_stuck_until_a_different_one(equal: int) -> None:
    closes = np.append(walk(20), [151.23] * equal)
    is_stuck = equal >= 5

    assert present_causes(closes, closes) == ((Cause.STUCK_CLOSE,) if is_stuck else ())
    after = np.append(closes, 151.24)
    assert present_causes(after, after) == ()
    assert past_causes(after, after) == ((Cause.STUCK_CLOSE,) if is_stuck else ())


def test_adjusted_closes_may_change_while_raw_ones_are_stuck() -> None:
    closes = np.full(5, 150.0)

    assert present_causes(closes, closes * np.array([0.99, 0.99, 0.99, 1.0, 1.0])) == (Cause.STUCK_CLOSE,)


@pytest.mark.parametrize(
    ("before", "after", "is_splice"),
    [
        (0.998224, 0.997628, True),
        (0.997628, 0.998224, False),
        (1.0, 1.0 - 1.9e-5, False),
        (1.0, 1.0 - 2.1e-5, True),
        (10.0, 1.0, False),
        (9.97, 1.0, False),
        (1.0, 0.5, False),
        (1.0, 0.7, True),
        (0.5, 1.0, False),
    ],
)
def test_adjusted_close_over_the_raw_one_falls_only_where_adjustments_were_joined(
    before: float, after: float, is_splice: bool
) -> None:
    closes = walk()
    factors = np.where(np.arange(60) < 50, before, after)

    assert splices(closes, closes * factors).tolist() == ([50] if is_splice else [])


def test_splice_is_a_fault_for_ten_closes() -> None:
    closes = walk(80)
    adj_closes = closes * np.where(np.arange(80) < 50, 0.998224, 0.997628)

    active = [end for end in range(1, 81) if present_causes(closes[:end], adj_closes[:end])]

    assert active == list(range(51, 61))
    assert past_causes(closes, adj_closes) == (Cause.ADJUSTED_SPLICE,)


def test_splice_among_the_first_nine_closes_cannot_be_told_from_rounding() -> None:
    closes = walk(9)

    assert splices(closes[:8], closes[:8] * np.where(np.arange(8) < 4, 1.0, 0.99)).size == 0
    assert splices(closes, closes * np.where(np.arange(9) < 4, 1.0, 0.99)).tolist() == [4]
