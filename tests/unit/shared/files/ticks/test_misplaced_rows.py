"""A row with a wrong instant is left out by itself, wherever it stands in a file; the good rows stay."""

from pathlib import Path

import numpy as np
import pytest

from shared.files.file_note import FileNote
from shared.files.reading_options import ReadingOptions
from shared.files.ticks import line_blocks
from shared.files.ticks.order import in_order, stray_at_begin, stray_at_end
from shared.files.ticks.reader import read_tick_csv
from tests.support.builders_market import utc

NOON = utc("2014-05-02 12:00")
GOOD = [f"2014-05-02T12:{row // 60:02}:{row % 60:02}Z,{1 + row / 1_000},9" for row in range(3_000)]
FUTURE = "2029-05-02T12:00:00Z,1,9"
PAST = "2004-05-02T12:00:00Z,1,9"
DAY = 86_400 * 10**9


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 10_000)


def read(path: Path, rows: list[str], header: str = "ts_utc,bid,ask") -> tuple[list[int], dict[str, int]]:
    path.write_text("\n".join([header, *rows]) + "\n")
    notes: list[FileNote] = []
    reading = ReadingOptions(skip_bad_rows=True, timezone="UTC")
    batches = list(read_tick_csv(path, instrument="X", reading=reading, on_note=notes.append))
    instants = [ns for batch in batches for ns in batch.ts_event_ns.tolist()]
    return instants, {reason: count for note in notes for reason, count in note.skipped}


# A block has about 312 rows: the places are inside of blocks, at their borders and at the file's ends.
@pytest.mark.parametrize("at", [0, 1, 155, *range(308, 318), 1_500, 2_997, 2_998, 2_999, 3_000])
@pytest.mark.parametrize("bad", [[FUTURE], [PAST], [FUTURE] * 5, [PAST] * 5, [FUTURE, PAST, FUTURE]])
def test_far_instants_are_left_out_and_all_good_rows_stay(tmp_path: Path, at: int, bad: list[str]) -> None:
    instants, skipped = read(tmp_path / "ticks.csv", [*GOOD[:at], *bad, *GOOD[at:]])

    assert instants == [NOON + row * 10**9 for row in range(3_000)]
    assert skipped == {"out_of_order": len(bad)}


def test_instants_an_hour_wrong_are_left_out_in_the_middle(tmp_path: Path) -> None:
    rows = GOOD.copy()
    rows[1_000] = rows[1_000].replace("T12", "T13")
    rows[2_000] = rows[2_000].replace("T12", "T11")

    instants, skipped = read(tmp_path / "ticks.csv", rows)

    assert instants == [NOON + row * 10**9 for row in range(3_000) if row not in (1_000, 2_000)]
    assert skipped == {"out_of_order": 2}


def test_a_row_without_a_usable_price_does_not_push_out_a_good_one(tmp_path: Path) -> None:
    rows = GOOD.copy()
    rows.insert(1_000, "2014-05-02T12:16:40.5Z,9,1")

    instants, skipped = read(tmp_path / "ticks.csv", rows)

    assert instants == [NOON + row * 10**9 for row in range(3_000)]
    assert skipped == {"crossed": 1}


def test_prices_of_a_misplaced_row_are_not_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "mt5.csv"
    rows = [f"2014.05.02\t12:{row // 60:02}:{row % 60:02}.000\t\t9\t\t\t6" for row in range(1_000)]
    rows[0] = rows[0].replace("\t\t9", "\t5\t9", 1)
    rows.insert(500, "2029.05.02\t12:00:00.000\t7\t8\t\t\t6")
    path.write_text("\n".join(["<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>", *rows]))

    reading = ReadingOptions(skip_bad_rows=True, timezone="UTC")
    (batch,) = read_tick_csv(path, instrument="X", reading=reading)

    assert batch.ts_event_ns.tolist() == [NOON + row * 10**9 for row in range(1_000)]
    assert set(batch.bid.tolist()) == {5.0}


def test_a_file_that_goes_on_after_a_long_gap_is_kept(tmp_path: Path) -> None:
    later = [row.replace("2014-05", "2014-09") for row in GOOD[:500]]

    instants, skipped = read(tmp_path / "ticks.csv", [*GOOD, *later])

    assert len(instants) == 3_500
    assert not skipped


def test_few_rows_far_apart_are_no_stray_rows(tmp_path: Path) -> None:
    rows = [f"{year}-05-02T12:00:00Z,1,9" for year in range(2008, 2018)]

    instants, skipped = read(tmp_path / "ticks.csv", rows)

    assert len(instants) == 10
    assert not skipped


def test_rows_stay_so_that_most_are_kept() -> None:
    assert in_order(np.array([1, 2, 5, 6, 7, 3, 8])).tolist() == [True] * 5 + [False, True]
    assert in_order(np.array([5, 4])).tolist() == [True, False]
    assert in_order(np.array([3, 3, 3])).all()
    assert in_order(np.array([], dtype=np.int64)).tolist() == []


def test_rows_in_no_order_at_all_are_compared_with_those_above() -> None:
    backwards = np.arange(20_000)[::-1]

    assert in_order(backwards).tolist() == [True] + [False] * 19_999


@pytest.mark.parametrize(("rows", "stray"), [(19, 0), (20, 2), (100, 2)])
def test_rows_at_an_end_are_stray_where_ten_times_as_many_are_far_from_them(rows: int, stray: int) -> None:
    events = np.array([*range(rows), 31 * DAY + rows, 62 * DAY + 2 * rows])

    assert stray_at_end(events) == stray
    assert stray_at_begin(-events[::-1]) == stray
    assert stray_at_end(np.arange(rows) * 30 * DAY) == 0
