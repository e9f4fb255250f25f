"""Quotes in memory whose single rows have a wrong instant are read as the file with the same rows."""

from pathlib import Path

import pandas as pd
import pytest

from convex.dataframes.quotes import quotes_of
from shared.errors import InputError
from shared.files.file_note import FileNote
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.reader import read_tick_csv
from tests.unit.convex.dataframes.made_up_legs import made_up_quotes, write_quotes


def _read(table: pd.DataFrame) -> tuple[list[int], dict[str, int]]:
    notes: list[FileNote] = []
    batches = quotes_of(
        "gold", table, instrument="X", timezone=None, skips_bad_rows=True, on_note=notes.append
    )
    instants = [ns for batch in batches for ns in batch.ts_event_ns.tolist()]
    return instants, dict(pair for note in notes for pair in note.skipped)


def _with_instants(table: pd.DataFrame, wrong: dict[int, str | None]) -> pd.DataFrame:
    index = table.index.to_list()
    for row, text in wrong.items():
        index[row] = pd.NaT if text is None else pd.Timestamp(text)
    return table.set_axis(pd.DatetimeIndex(index))


@pytest.mark.parametrize("row", [0, 1, 700, -2, -1])
@pytest.mark.parametrize("text", ["2029-03-04T12:00:00Z", "2003-03-04T12:00:00Z"])
def test_a_far_instant_is_left_out_as_in_a_file(tmp_path: Path, row: int, text: str) -> None:
    table = made_up_quotes()
    wrong = _with_instants(table, {row: text})

    instants, skipped = _read(wrong)

    good = table.drop(table.index[row])
    assert instants == pd.DatetimeIndex(good.index).as_unit("ns").asi8.tolist()
    assert skipped == {"out_of_order": 1}
    batches = read_tick_csv(
        write_quotes(tmp_path / "gold.csv", wrong),
        instrument="X",
        reading=ReadingOptions(skip_bad_rows=True),
    )
    assert [ns for batch in batches for ns in batch.ts_event_ns.tolist()] == instants


def test_a_missing_instant_and_one_outside_of_the_calendar_are_left_out() -> None:
    table = made_up_quotes()

    instants, skipped = _read(_with_instants(table, {5: None, 9: "1970-01-01T00:00:00Z"}))

    assert len(instants) == len(table) - 2
    assert skipped == {"unreadable": 2}


def test_quotes_in_no_order_are_refused_though_single_rows_are_left_out() -> None:
    table = made_up_quotes()
    half = len(table) // 2

    with pytest.raises(InputError, match=r"is before the row above; sort the rows with \.sort_index"):
        _read(pd.concat([table.iloc[half:], table.iloc[:half]]))


def test_more_than_single_quotes_without_a_price_are_refused_as_in_a_file() -> None:
    table = made_up_quotes()
    most = 100 + len(table) // 100
    few, many = table.copy(), table.copy()
    few.iloc[:most, 0] = -1.0
    many.iloc[: most + 1, 0] = -1.0

    assert _read(few)[1] == {"bad_price": most}
    with pytest.raises(InputError, match=r"row 0: bid: must be "):
        _read(many)
