"""``--skip-bad-rows`` leaves single bad quotes out and counts them; it hides nothing else."""

from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.files.daily.reader import DailyLeg, read_daily
from shared.files.file_note import NoteKind
from shared.files.reading_options import ReadingOptions
from tests.support.builders_market import calendar
from tests.support.daily_vendors import VENDORS, Day, plain

LABELS = calendar().labels
ROWS = [f"{session},{100 + index}" for index, session in enumerate(LABELS)]


def read(path: Path, rows: list[str], *, is_skipping: bool = True) -> DailyLeg:
    path.write_text("\n".join(["date,close", *rows]))
    return read_daily(
        path,
        instrument="IWM.TEST",
        calendar=calendar(),
        reading=ReadingOptions(skip_bad_rows=is_skipping),
    )


def damaged(bad: dict[int, str]) -> list[str]:
    return [bad.get(index, row) for index, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{LABELS[7]},x", "bad_price"),
        (f"{LABELS[7]},-1", "bad_price"),
        (f"{LABELS[7]},0", "bad_price"),
        (f"{LABELS[7]},nan", "bad_price"),
        (f"{LABELS[7]},1e13", "bad_price"),
        (f"{LABELS[7]},", "bad_price"),
        ("2019-02-30,107", "bad_date"),
        ("11.01.2019,107", "bad_date"),
        (",107", "bad_date"),
        (f"{LABELS[7]}", "bad_cells"),
        (f"{LABELS[7]},1,107", "bad_cells"),
    ],
)
def test_bad_row_costs_its_session_and_is_counted(tmp_path: Path, row: str, reason: str) -> None:
    leg = read(tmp_path / "iwm.csv", damaged({7: row}))

    assert [bar.session for bar in leg.bars] == [each for each in LABELS if each != LABELS[7]]
    (note,) = leg.files[0].notes
    assert (note.kind, note.skipped) == (NoteKind.SKIPPED, ((reason, 1),))
    assert note.text.startswith(f"bad rows left out: 1 of {len(LABELS)} ({reason} 1); the first is row 9: ")
    with pytest.raises(ConfigError, match="row 9: "):
        read(tmp_path / "iwm.csv", damaged({7: row}), is_skipping=False)


def test_row_that_is_bad_twice_counts_once(tmp_path: Path) -> None:
    leg = read(tmp_path / "iwm.csv", damaged({7: "x,y", 9: f"{LABELS[9]},y"}))

    assert leg.files[0].notes[0].skipped == (("bad_date", 1), ("bad_price", 1))


def test_more_than_one_row_in_a_hundred_is_refused(tmp_path: Path) -> None:
    short = {index: f"{LABELS[index]},x" for index in (5, 50, 100)}
    assert len(read(tmp_path / "iwm.csv", damaged(short)).bars) == len(LABELS) - 3

    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "iwm.csv", damaged(short | {150: f"{LABELS[150]},x"}))

    assert str(caught.value) == (
        f"{tmp_path / 'iwm.csv'}: has 4 bad rows of {len(LABELS)}, more than --skip-bad-rows leaves out "
        "(1 %); the first is row 7: close: must be a positive number, was 'x'"
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (damaged({7: ROWS[6]}), f"row 9: date: {LABELS[6]} appears twice; keep one row"),
        (damaged({7: f"{LABELS[6]},9"}), f"row 9: date: {LABELS[6]} appears twice, with 106 and 9; keep the"),
        (
            damaged({7: ROWS[50]}),
            f"row 10: date: {LABELS[8]} comes after {LABELS[50]}; sort the file by date",
        ),
        (["2019-01-03,x"], "has no row with a price"),
    ],
)
def test_what_is_wrong_with_the_file_is_never_left_out(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "iwm.csv", rows)

    assert str(caught.value).startswith(f"{tmp_path / 'iwm.csv'}: {said}")


def test_returns_instead_of_prices_are_named(tmp_path: Path) -> None:
    rows = [f"{session},{0.01 if index % 2 else -0.01}" for index, session in enumerate(LABELS)]

    with pytest.raises(ConfigError, match="row 2: close: many numbers are negative, so these are returns"):
        read(tmp_path / "iwm.csv", rows)


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_bad_quote_in_the_file_of_any_vendor_costs_one_session(tmp_path: Path, name: str) -> None:
    days = [Day(session, 987.25 + index, 987.25 + index) for index, session in enumerate(LABELS)]
    whole, marked = (
        VENDORS[name].render(days),
        VENDORS[name].render([*days[:20], Day(LABELS[20], 777_777.77, 777_777.77), *days[21:]]),
    )
    for price in ("777,777.77", "777.777,77", "777777.77", "777777,77"):
        marked = marked.replace(price, "?")
    assert marked != whole
    path = tmp_path / "iwm.csv"
    path.write_text(marked)

    leg = read_daily(
        path, instrument="IWM.TEST", calendar=calendar(), reading=ReadingOptions(skip_bad_rows=True)
    )

    expected = read(tmp_path / "plain.csv", plain([*days[:20], *days[21:]]).splitlines()[1:])
    assert [(bar.session, bar.close) for bar in leg.bars] == [
        (bar.session, bar.close) for bar in expected.bars
    ]
