"""Which rows are bars."""

import csv

import pytest

from services.ingestor.core.daily_rows import Row, select_rows, usual_volume
from tests.support.data import shared_data

_SESSIONS = ["2025-11-25", "2025-11-26", "2025-11-28"]


def _is_session(day: str) -> bool:
    return day != "2025-11-27"


def _row(session: str, close: float = 206.0, volume: float | None = 30e6) -> Row:
    return Row(session=session, close=close, adj_close=close, volume=volume)


def test_later_of_two_rows_of_a_session_is_taken_and_counted_if_it_differs() -> None:
    first, second = _row("2025-11-25", 206.18), _row("2025-11-25", 206.19)
    selected = select_rows([first, second], sessions=_SESSIONS, is_session=_is_session)
    assert (selected.rows, selected.dropped) == ((second,), {"duplicate": 1})
    same = select_rows([first, first], sessions=_SESSIONS, is_session=_is_session)
    assert (same.rows, same.dropped) == ((first,), {})


def test_rows_of_no_session_are_counted_and_others_that_nobody_asked_for_are_cut() -> None:
    rows = [_row("2025-11-24"), _row("2025-11-26"), _row("2025-11-27"), _row("2025-12-01")]
    selected = select_rows(rows, sessions=_SESSIONS, is_session=_is_session)
    assert [row.session for row in selected.rows] == ["2025-11-26"]
    assert selected.dropped == {"extra_session": 1}
    between = select_rows(rows, sessions=["2025-11-25", "2025-11-28"], is_session=_is_session)
    assert (between.rows, between.dropped) == ((), {"extra_session": 1})


def test_row_without_volume_at_the_close_before_it_is_a_day_without_trading() -> None:
    rows = [_row("2025-11-25"), _row("2025-11-26", volume=0.0), _row("2025-11-28", 207.0, volume=0.0)]
    selected = select_rows(rows, sessions=_SESSIONS, is_session=_is_session, usual_volume=30e6)
    assert [row.session for row in selected.rows] == ["2025-11-25", "2025-11-28"]
    assert selected.dropped == {"no_trade": 1}


@pytest.mark.parametrize(
    ("volume", "usual", "is_dropped"),
    [
        (0.9e6, 30e6, True),
        (3.1e6, 30e6, False),
        (None, 30e6, False),
        (0.9e6, None, False),
        (10.0, 90_000.0, False),
    ],
)
def test_volume_of_one_exchange_is_refused_for_a_liquid_symbol(
    volume: float | None, usual: float | None, is_dropped: bool
) -> None:
    rows = [_row("2025-11-25", volume=volume)]
    selected = select_rows(rows, sessions=_SESSIONS, is_session=_is_session, usual_volume=usual)
    assert selected.dropped == ({"partial_volume": 1} if is_dropped else {})


def test_usual_volume_needs_ten_sessions() -> None:
    assert usual_volume([None, 0.0, *[1e6] * 9]) is None
    assert usual_volume([9e9] * 10 + [1e6] * 60) == 1e6


def test_no_session_of_iwm_in_twenty_years_has_the_volume_of_one_exchange() -> None:
    with shared_data("iwm_daily_lean_raw_20000526_20210331.csv").open() as file:
        volumes: list[float | None] = [float(row["volume"]) for row in csv.DictReader(file)]
    labels = [f"{number:05d}" for number in range(len(volumes))]
    for index in range(60, len(volumes)):
        row = Row(session=labels[index], close=float(index), volume=volumes[index])
        found = select_rows(
            [row],
            sessions=[labels[index]],
            is_session=lambda _: True,
            usual_volume=usual_volume(volumes[:index]),
        )
        assert found.rows == (row,)
