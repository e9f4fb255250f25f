"""Adjusted closes: the provider's, ours, and those of a split that is not applied yet."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.adjusted_closes import (
    adjusted_rows,
    comparable_closes,
    is_declared,
    splits_between,
)
from services.ingestor.core.daily_rows import Row
from tests.support.data import shared_data

_A, _B, _C, _D = "2025-11-24", "2025-11-25", "2025-11-26", "2025-11-28"


def _rows(*values: tuple[float, float | None]) -> list[Row]:
    return [
        Row(session=session, close=close, adj_close=adjusted, open=close, high=close, low=close, volume=10.0)
        for session, (close, adjusted) in zip((_A, _B, _C, _D), values, strict=False)
    ]


def _adjusted(
    rows: list[Row],
    *,
    splits: dict[str, float] | None = None,
    dividends: dict[str, float] | None = None,
    is_split_adjusted: bool = False,
) -> list[float | None]:
    found = adjusted_rows(
        rows, splits=splits or {}, dividends=dividends or {}, is_split_adjusted=is_split_adjusted
    )
    return [row.adj_close for row in found]


def test_no_rows_are_no_rows() -> None:
    assert _adjusted([]) == []


def test_newest_adjusted_close_is_its_close() -> None:
    assert _adjusted(_rows((100.0, 49.0), (101.0, 50.5))) == [98.0, 101.0]


def test_one_row_that_lacks_its_adjusted_close_has_the_factor_of_the_next_newer_one() -> None:
    assert _adjusted(_rows((100.0, 98.0), (200.0, None), (100.0, 99.0), (100.0, 100.0))) == [
        98.0,
        pytest.approx(198.0),
        99.0,
        100.0,
    ]


def test_newest_row_that_lacks_its_adjusted_close_is_not_adjusted() -> None:
    assert _adjusted(_rows((100.0, 100.0), (101.0, None))) == [100.0, 101.0]


def test_gap_at_an_ex_date_is_filled_on_the_right_side_of_it() -> None:
    rows = _rows((200.0, 100.0), (202.0, None), (101.0, 101.0))
    assert _adjusted(rows, splits={_C: 2.0})[1] == pytest.approx(101.0)


def test_raw_closes_alone_are_adjusted_by_what_is_declared() -> None:
    rows = _rows((100.0, None), (100.0, None), (49.0, None), (50.0, None))
    found = _adjusted(rows, splits={_C: 2.0}, dividends={_B: 1.0, _D: 0.49})
    # A dividend of 0.49 on 49, a split of two to one, a dividend of 1 on 100.
    assert found == pytest.approx([100 * 0.99 / 2 * 0.99, 100 * 0.99 / 2, 49.0 * 0.99, 50.0])


@pytest.mark.parametrize("dividend", [0.0, -1.0, 100.0, 1e9])
def test_dividend_that_cannot_be_one_changes_nothing(dividend: float) -> None:
    assert _adjusted(_rows((100.0, None), (100.0, None)), dividends={_B: dividend}) == [100.0, 100.0]


@pytest.mark.parametrize("ratio", [2.0, 3.0, 1.5, 0.1, 0.02, 20.0])
def test_declared_split_that_no_older_row_is_divided_by_is_applied_here(ratio: float) -> None:
    raw = [(100.0, 100.0), (101.0, 101.0), (102.0 / ratio, 102.0 / ratio), (103.0 / ratio, 103.0 / ratio)]
    divided = adjusted_rows(_rows(*raw), splits={_C: ratio}, dividends={}, is_split_adjusted=True)
    assert [row.close * ratio for row in divided] == pytest.approx([100.0, 101.0, 102.0, 103.0])
    assert [row.adj_close for row in divided] == pytest.approx([row.close for row in divided])
    assert divided[0].volume == pytest.approx(10.0 * ratio)
    assert divided[0].open == divided[0].high == divided[0].low == pytest.approx(100.0 / ratio)
    as_traded = adjusted_rows(_rows(*raw), splits={_C: ratio}, dividends={}, is_split_adjusted=False)
    assert [row.close for row in as_traded] == [close for close, _ in raw]
    assert [row.adj_close for row in as_traded] == pytest.approx([row.adj_close for row in divided])


@pytest.mark.parametrize("move", [0.9, 1.0, 1.1])
@pytest.mark.parametrize("ratio", [2.0, 1.5, 0.1])
def test_declared_split_that_is_applied_is_not_applied_twice(move: float, ratio: float) -> None:
    rows = _rows((100.0, 100.0), (100.0 * move, 100.0 * move))
    assert _adjusted(rows, splits={_B: ratio}, is_split_adjusted=True) == [100.0, 100.0 * move]


def test_small_split_cannot_be_told_from_a_market_and_is_left_to_the_provider() -> None:
    rows = _rows((100.0, 100.0), (96.0, 96.0))
    assert _adjusted(rows, splits={_B: 1.05}, is_split_adjusted=True) == [100.0, 96.0]


def test_row_without_side_fields_is_divided_as_well() -> None:
    rows = [Row(session=_A, close=206.19, adj_close=206.19), Row(session=_B, close=103.0, adj_close=103.0)]
    (first, _) = adjusted_rows(rows, splits={_B: 2.0}, dividends={}, is_split_adjusted=True)
    assert (first.close, first.open, first.volume) == (103.095, None, None)


def test_split_whose_ex_date_has_no_row_counts_from_the_next_one() -> None:
    rows = [Row(session=_A, close=200.0), Row(session=_D, close=101.0)]
    assert _adjusted(rows, splits={_C: 2.0}) == [100.0, 101.0]


def test_split_before_the_first_row_or_after_the_last_changes_nothing() -> None:
    rows = _rows((100.0, 100.0), (101.0, 101.0))
    assert _adjusted(rows, splits={"2025-01-02": 2.0, _A: 2.0, "2025-12-01": 2.0}) == [100.0, 101.0]


@given(st.lists(st.floats(1.0, 1e4), min_size=1, max_size=4), st.floats(0.01, 100.0))
def test_whatever_is_declared_newest_is_not_adjusted_and_all_are_positive(
    closes: list[float], ratio: float
) -> None:
    rows = _rows(*[(close, None) for close in closes])
    found = _adjusted(rows, splits={_B: ratio, _C: 1 / ratio}, dividends={_D: closes[0]})
    assert found[-1] == pytest.approx(closes[-1])
    assert all(each is not None and each > 0 for each in found)


def test_closes_are_compared_on_one_basis() -> None:
    rows = _rows((206.0, None), (103.0, None))
    split = {_B: 2.0}
    as_traded = {_A: 206.0, _B: 103.0}
    assert (
        comparable_closes(rows, splits=split, is_split_adjusted=False, to_split_adjusted=False) == as_traded
    )
    assert comparable_closes(rows, splits=split, is_split_adjusted=True, to_split_adjusted=True) == as_traded
    assert comparable_closes(rows, splits=split, is_split_adjusted=False, to_split_adjusted=True) == {
        _A: 103.0,
        _B: 103.0,
    }
    assert comparable_closes(rows, splits=split, is_split_adjusted=True, to_split_adjusted=False) == {
        _A: 412.0,
        _B: 103.0,
    }


def test_factor_is_declared_by_the_newest_splits_together() -> None:
    assert is_declared(0.5, {_A: 2.0})
    assert is_declared(1 / 6, {_A: 2.0, _B: 3.0})
    assert is_declared(1 / 3, {_A: 2.0, _B: 3.0})
    assert not is_declared(0.5, {_A: 2.0, _B: 3.0})
    assert not is_declared(0.01, {})


def test_only_split_of_iwm_in_twenty_years_is_found_between_its_two_series() -> None:
    with shared_data("iwm_daily_lean_raw_20000526_20210331.csv").open() as file:
        found = list(csv.DictReader(file))
    rows = [Row(session=each["date"], close=float(each["close"])) for each in found]
    adjusted = {each["date"]: float(each["adj_close"]) for each in found}
    assert splits_between(rows, adjusted) == {"2005-06-09": 2.0}


def test_session_that_the_adjusted_series_lacks_is_no_split() -> None:
    rows = _rows((206.0, None), (206.0, None), (103.0, None))
    assert splits_between(rows, {_A: 103.0, _C: 103.0}) == {_C: 2.0}
