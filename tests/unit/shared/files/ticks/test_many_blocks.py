"""Tick files of several blocks: rows are counted, and bad ones named, across them."""

from pathlib import Path

import numpy as np
import pytest

from shared.errors import ConfigError
from shared.files.file_note import FileNote
from shared.files.reading_options import ReadingOptions
from shared.files.ticks import line_blocks
from shared.files.ticks.reader import read_tick_csv
from tests.support.builders_market import utc

NOON = utc("2014-05-02 12:00")
ROWS = [f"2014-05-02T12:{row // 60 % 60:02}:{row % 60:02}Z,{1 + row / 1_000},9\n" for row in range(3_600)]
ATHENS = ReadingOptions(timezone="Europe/Athens")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 10_000)


def write(path: Path, rows: list[str], header: str = "ts_utc,bid,ask\n") -> Path:
    path.write_text(header + "".join(rows))
    return path


def test_rows_of_all_blocks_are_read(tmp_path: Path) -> None:
    (batch,) = read_tick_csv(write(tmp_path / "ticks.csv", ROWS), instrument="X")

    assert batch.ts_event_ns.tolist() == [NOON + row * 10**9 for row in range(3_600)]
    assert batch.bid.tolist() == [1 + row / 1_000 for row in range(3_600)]


@pytest.mark.parametrize("bad", [0, 1, 199, 350, 1_777, 3_599])
@pytest.mark.parametrize("blank", [None, 0, 100, 3_000])
def test_bad_row_is_named_wherever_it_is(tmp_path: Path, bad: int, blank: int | None) -> None:
    rows = ROWS.copy()
    rows[bad] = rows[bad].replace(",9", ",0.5")
    line = bad + 2
    if blank is not None:
        rows.insert(blank, "\n\n")
        line += 2 if blank <= bad else 0

    with pytest.raises(ConfigError) as caught:
        list(read_tick_csv(write(tmp_path / "ticks.csv", rows), instrument="X"))

    assert f"ticks.csv: row {line}: bid: " in str(caught.value)


def test_order_is_checked_across_blocks(tmp_path: Path) -> None:
    rows = [*ROWS[300:], *ROWS[:300]]

    with pytest.raises(ConfigError, match=r"row 3302: ts_utc: 2014-05-02T12:00:00Z is before the row above"):
        list(read_tick_csv(write(tmp_path / "ticks.csv", rows), instrument="X"))


def test_skipped_rows_are_counted_across_blocks(tmp_path: Path) -> None:
    rows, notes = ROWS.copy(), list[FileNote]()
    for bad in range(5, 3_600, 120):
        rows[bad] = rows[bad].replace(",9", ",x" if bad % 240 == 5 else ",0.5")
    path = write(tmp_path / "ticks.csv", rows)

    (batch,) = read_tick_csv(
        path, instrument="X", reading=ReadingOptions(skip_bad_rows=True), on_note=notes.append
    )

    assert len(batch.bid) == 3_570
    assert [note.skipped for note in notes] == [(("crossed", 15), ("unreadable", 15))]


def test_unchanged_prices_are_carried_into_the_next_block(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    changes = chance.random((3_600, 2)) < 0.1
    changes[0] = True
    bid, ask, rows, expected = "", "", [], []
    for row in range(3_600):
        if changes[row, 0]:
            bid = f"{1_283 + row / 1_000:.3f}"
        if changes[row, 1]:
            ask = f"{1_290 + row / 1_000:.3f}"
        shown = (bid if changes[row, 0] else "", ask if changes[row, 1] else "")
        rows.append(f"2014.05.02\t15:{row // 60:02}:{row % 60:02}.000\t{shown[0]}\t{shown[1]}\t\t\t6\n")
        expected.append((float(bid), float(ask)))
    header = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"

    (batch,) = read_tick_csv(write(tmp_path / "mt5.csv", rows, header), instrument="X", reading=ATHENS)

    assert batch.ts_event_ns.tolist() == [NOON + row * 10**9 for row in range(3_600)]
    assert list(zip(batch.bid.tolist(), batch.ask.tolist(), strict=True)) == expected


def test_two_instruments_in_different_blocks_are_refused(tmp_path: Path) -> None:
    rows = [f"XAU/USD,20140502 12:00:{row % 60:02}.000,1283.5,1284.0\n" for row in range(60)] * 1
    rows += [f"XAU/USD,20140502 12:01:{row % 60:02}.000,1283.5,1284.0\n" for row in range(60)] * 1
    rows += ["XAU/USD,20140502 12:02:00.000,1283.5,1284.0\n"] * 600
    rows += ["EUR/USD,20140502 12:02:00.000,1.3866,1.3867\n"]

    with pytest.raises(ConfigError, match=r"row 721: is of 'EUR/USD', the rows above are of 'XAU/USD'"):
        list(read_tick_csv(write(tmp_path / "truefx.csv", rows, header=""), instrument="X"))


def test_text_of_other_columns_may_be_anything(tmp_path: Path) -> None:
    rows = [row.replace("\n", ",Zürich €\n") for row in ROWS]
    path = write(tmp_path / "ticks.csv", rows, header="ts_utc,bid,ask,note\n")

    (batch,) = read_tick_csv(path, instrument="X")

    assert len(batch.bid) == 3_600
