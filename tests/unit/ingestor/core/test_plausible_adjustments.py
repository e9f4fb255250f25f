"""What is beside a close and cannot be right is not used, and the close is kept."""

import csv

import pytest

from services.ingestor.core.adjusted_closes import adjusted_rows
from services.ingestor.core.daily_rows import Row
from services.ingestor.core.plausible_adjustments import Plausible, plausible_adjustments
from tests.support.data import shared_data

_DAYS = [f"2026-03-{day:02d}" for day in (2, 3, 4, 5, 6, 9, 10, 11)]


def _rows(closes: list[float], adjusted: list[float | None] | None = None) -> list[Row]:
    return [
        Row(session=day, close=close, adj_close=adj)
        for day, close, adj in zip(_DAYS, closes, adjusted or [None] * len(closes), strict=False)
    ]


def _plausible(
    rows: list[Row],
    *,
    splits: dict[str, float] | None = None,
    dividends: dict[str, float] | None = None,
    is_split_adjusted: bool = False,
) -> Plausible:
    return plausible_adjustments(
        rows, splits=splits or {}, dividends=dividends or {}, is_split_adjusted=is_split_adjusted
    )


@pytest.mark.parametrize("factor", [0.1, 10.0, 0.8, 1.25, 1e-9])
@pytest.mark.parametrize("at", [0, 3, 5])
def test_one_wrong_adjusted_close_changes_no_other_and_not_its_own_close(at: int, factor: float) -> None:
    closes = [200.0, 201.0, 199.0, 202.0, 203.0, 204.0]
    wrong = [close * factor if index == at else close for index, close in enumerate(closes)]
    rows = _rows(closes, [*wrong])
    found = adjusted_rows(rows, splits={}, dividends={}, is_split_adjusted=True)
    assert [(row.close, row.adj_close) for row in found] == [(close, close) for close in closes]
    assert _plausible(rows).unadjusted == (_DAYS[at],)


def test_of_two_rows_the_one_on_the_scale_of_the_closes_is_believed() -> None:
    assert _plausible(_rows([200.0, 201.0], [200.0, 20.1])).unadjusted == (_DAYS[1],)
    assert _plausible(_rows([200.0, 201.0], [20.0, 201.0])).unadjusted == (_DAYS[0],)


def test_two_wrong_ones_on_both_sides_of_good_ones_are_left_out() -> None:
    rows = _rows([200.0] * 6, [20.0, 200.0, 200.0, 200.0, 2.0, 200.0])
    assert _plausible(rows).unadjusted == (_DAYS[0], _DAYS[4])
    rows = _rows([200.0] * 6, [200.0, 20.0, 200.0, 200.0, 200.0, 20.0])
    assert _plausible(rows).unadjusted == (_DAYS[1], _DAYS[5])


def test_split_that_the_provider_applies_without_declaring_it_is_kept() -> None:
    rows = _rows([200.0, 202.0, 101.0, 102.0], [100.0, 101.0, 101.0, 102.0])
    assert _plausible(rows).unadjusted == ()


def test_declared_split_whose_close_has_not_moved_yet_explains_the_factor() -> None:
    rows = _rows([200.0, 202.0, 202.0], [100.0, 101.0, 202.0])
    assert _plausible(rows, splits={_DAYS[2]: 2.0}).unadjusted == ()
    assert _plausible(rows).unadjusted == (_DAYS[2],)


@pytest.mark.parametrize("dividend", [11.0, 50.0, 99.0, 100.0, 1e9])
def test_large_dividend_that_the_close_does_not_show_is_ignored(dividend: float) -> None:
    rows = _rows([100.0] * 4)
    found = _plausible(rows, dividends={_DAYS[2]: dividend})
    assert (found.dividend_at, len(found.ignored)) == ({}, 1)
    adjusted = adjusted_rows(rows, splits={}, dividends={_DAYS[2]: dividend}, is_split_adjusted=False)
    assert [row.adj_close for row in adjusted] == [100.0] * 4


def test_large_dividend_that_the_close_shows_and_small_ones_are_applied() -> None:
    assert _plausible(_rows([100.0, 72.0]), dividends={_DAYS[1]: 30.0}).dividend_at == {1: 30.0}
    assert _plausible(_rows([100.0, 101.0]), dividends={_DAYS[1]: 5.0}).dividend_at == {1: 5.0}


def test_split_that_is_declared_again_on_another_day_is_applied_once() -> None:
    rows = _rows([200.0] * 4 + [100.0] * 2)
    splits = {_DAYS[3]: 2.0, _DAYS[4]: 2.0}
    assert _plausible(rows, splits=splits).ignored == (f"split 2 of {_DAYS[3]}",)
    found = adjusted_rows(rows, splits=splits, dividends={}, is_split_adjusted=False)
    assert [row.adj_close for row in found] == [100.0] * 6


def test_absurd_split_needs_a_close_that_moved_and_an_ordinary_one_does_not() -> None:
    assert _plausible(_rows([100.0, 100.0]), splits={_DAYS[1]: 1e6}).ignored == (
        f"split 1e+06 of {_DAYS[1]}",
    )
    assert _plausible(_rows([1e5, 1e2]), splits={_DAYS[1]: 1e3}).ignored == ()
    assert _plausible(_rows([100.0, 100.0]), splits={_DAYS[1]: 2.0}).ignored == ()
    # Closes that are divided already do not move with a split.
    assert _plausible(_rows([1.0, 1.0]), splits={_DAYS[1]: 1e3}, is_split_adjusted=True).ignored == ()


def test_nothing_of_twenty_years_of_iwm_is_implausible() -> None:
    with shared_data("iwm_daily_lean_raw_20000526_20210331.csv").open() as file:
        rows = [
            Row(session=each["date"], close=float(each["close"]), adj_close=float(each["adj_close"]))
            for each in csv.DictReader(file)
        ]
    found = _plausible(rows)
    assert (found.rows, found.unadjusted) == (tuple(rows), ())


@pytest.mark.parametrize("ratio", [99.0, 1 / 99.0])
def test_split_on_each_of_hundreds_of_days_breaks_nothing(ratio: float) -> None:
    days = [f"{2000 + index // 28:04d}-01-{index % 28 + 1:02d}" for index in range(600)]
    rows = [Row(session=day, close=100.0, adj_close=100.0) for day in days]
    splits = dict.fromkeys(days[1:], ratio)
    found = adjusted_rows(rows, splits=splits, dividends={}, is_split_adjusted=False)
    assert [row.close for row in found] == [100.0] * 600
    assert found[-1].adj_close == 100.0
