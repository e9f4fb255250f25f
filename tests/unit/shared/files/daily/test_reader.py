"""Daily files: what is read, and what is said about a file that cannot be."""

import gzip
from pathlib import Path

import pytest

from shared.domain.bars import Bar
from shared.errors import ConfigError
from shared.files.daily.reader import read_daily
from tests.support.builders_market import calendar, ny


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(*paths: Path) -> tuple[Bar, ...]:
    return read_daily(*paths, instrument="IWM.TEST", calendar=calendar()).bars


def error_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value)


def test_row_is_a_bar_that_is_known_at_a_quarter_past_eight(tmp_path: Path) -> None:
    (bar,) = read(write(tmp_path / "iwm.csv", "date,close\n2019-06-03,150.25\n"))

    assert bar == Bar(
        instrument="IWM.TEST",
        session="2019-06-03",
        close=150.25,
        adj_close=150.25,
        known_at_ns=ny("2019-06-03 20:15"),
        source="replay",
    )


def test_header_may_be_in_any_order_and_case_with_other_columns(tmp_path: Path) -> None:
    text = "\ufeffVolume, Close ,DATE\n7,150.25,2019-06-03\n"

    assert [bar.close for bar in read(write(tmp_path / "iwm.csv", text))] == [150.25]


def test_adjusted_closes_are_scaled_so_that_the_last_equals_its_close(tmp_path: Path) -> None:
    text = "date,close,adj_close\n2019-06-03,100.0,45.0\n2019-06-04,110.0,55.0\n"

    assert [bar.adj_close for bar in read(write(tmp_path / "iwm.csv", text))] == [90.0, 110.0]


@pytest.mark.parametrize(
    "name",
    ["adj_close", "Adj Close", "adjclose", "AdjClose", "Adjusted Close", "adjusted_close", "ADJ  CLOSE"],
)
def test_adjusted_closes_are_known_by_the_names_of_vendors(tmp_path: Path, name: str) -> None:
    """Would have caught: ``Adj Close`` was one of the columns to ignore."""
    text = f"Date,Open,Close,{name},Volume\n2019-06-03,1,100.0,45.0,7\n2019-06-04,1,110.0,55.0,7\n"

    assert [bar.adj_close for bar in read(write(tmp_path / "iwm.csv", text))] == [90.0, 110.0]


@pytest.mark.parametrize("is_adjusted_first", [True, False])
def test_files_of_which_only_one_is_adjusted_are_both_named(tmp_path: Path, is_adjusted_first: bool) -> None:
    adjusted = write(tmp_path / "a.csv", "date,close,adj_close\n2019-06-03,100,90\n")
    plain = write(tmp_path / "b.csv", "date,close\n2019-06-04,101\n")

    with pytest.raises(ConfigError) as caught:
        read(*((adjusted, plain) if is_adjusted_first else (plain, adjusted)))

    assert str(caught.value) == f"{plain}: has no adj_close, {adjusted} has; give files of one kind"


def test_files_that_disagree_about_an_adjusted_close_are_both_named(tmp_path: Path) -> None:
    header = "date,close,adj_close\n"
    first = write(tmp_path / "a.csv", f"{header}2019-06-03,100,90\n2019-06-04,101,101\n")
    second = write(tmp_path / "b.csv", f"{header}2019-06-04,101,100.5\n2019-06-05,102,102\n")

    with pytest.raises(ConfigError) as caught:
        read(first, second)

    assert str(caught.value) == f"{second}: 2019-06-04 has adj_close 100.5, {first} has 101.0; keep one"


def test_adjusted_closes_of_a_file_cut_in_two_are_those_of_the_whole(tmp_path: Path) -> None:
    """Would have caught: each file was scaled by its own end, and the ratio jumped where they meet."""
    header = "date,close,adj_close\n"
    rows = ["2019-06-03,100.0,45.1\n", "2019-06-04,110.0,52.3\n", "2019-06-05,111.0,55.5\n"]
    whole = read(write(tmp_path / "whole.csv", header + "".join(rows)))
    first = write(tmp_path / "first.csv", header + "".join(rows[:2]))
    second = write(tmp_path / "second.csv", header + "".join(rows[1:]))

    assert read(first, second) == whole
    assert read(second, first) == whole


def test_dates_without_a_session_are_left_out(tmp_path: Path) -> None:
    text = "date,close\n2019-07-03,1\n2019-07-04,2\n2019-07-05,3\n2019-07-06,4\n"

    assert [bar.session for bar in read(write(tmp_path / "gold.csv", text))] == ["2019-07-03", "2019-07-05"]


def test_blank_lines_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    text = "date,close\r\n2019-06-03,150.25\r\n\r\n2019-06-04,151\r\n"

    assert len(read(write(tmp_path / "iwm.csv", text))) == 2


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"date,close\n2019-06-03,150.25\n")

    assert len(read(write(tmp_path / "iwm.csv.gz", packed))) == 1


def test_no_file_has_no_bars() -> None:
    assert read() == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1: date: column is missing; the header must be date,close[,adj_close], was ''"),
        (
            "day,close\n",
            "row 1: date: column is missing; the header must be date,close[,adj_close], was 'day,close'",
        ),
        ("date,price\n", "row 1: close: column is missing"),
        ("date,close\n", "has no rows below its header; give a file with at least one session"),
        ("date,close\n2019-06-03,abc\n", "row 2: close: must be a positive number, was 'abc'"),
        ("date,close\n2019-06-03,\n", "row 2: close: must be a positive number, was ''"),
        ("date,close\n2019-06-03,0\n", "row 2: close: must be a positive number, was '0'"),
        ("date,close\n2019-06-03,-1.5\n", "row 2: close: must be a positive number, was '-1.5'"),
        ("date,close\n2019-06-03,nan\n", "row 2: close: must be a positive number, was 'nan'"),
        ("date,close\n2019-06-03,inf\n", "row 2: close: must be a positive number, was 'inf'"),
        ("date,close,adj_close\n2019-06-03,5,x\n", "row 2: adj_close: must be a positive number, was 'x'"),
        ("date,close\n2019-06-03,1_0\n", "row 2: close: must be a positive number, was '1_0'"),
        ("date,close\n2019-06-03,１０\n", "row 2: close: must be a positive number, was '１０'"),
        ("date,close\n2019-06-03,0x10\n", "row 2: close: must be a positive number, was '0x10'"),
        ("date,close\n2019-06-03,1e13\n", "row 2: close: must lie between 1e-09 and 1e+12, was '1e13'"),
        ("date,close\n2019-06-03,1e-320\n", "row 2: close: must lie between 1e-09 and 1e+12"),
        ("date,close\n2019-06-03,1,474.34\n", "row 2: has 3 cells, the header has 2"),
        ("date,close,close\n2019-06-03,1,2\n", "row 1: close: column appears twice; keep one"),
        ("date,Date,close\n2019-06-03,1,2\n", "row 1: date: column appears twice; keep one"),
        (
            "date,close,Adj Close,adj_close\n2019-06-03,1,2,3\n",
            "row 1: adj_close: column appears twice; keep one",
        ),
        ("date,close,adj_close\n2019-06-03,100,\n", "row 2: adj_close: must be a positive number, was ''"),
        (
            "date,close,adj_close\n2019-06-03,1e-9,1e12\n2019-06-04,1e12,1e-9\n",
            "row 2: adj_close: is 1e+33 after scaling the last row's to its close; correct the column",
        ),
        ("date,close\n2019-06-03\n", "row 2: has 1 cells, the header has 2"),
        ("date,close\n03.06.2019,5\n", "row 2: date: must be YYYY-MM-DD, was '03.06.2019'"),
        ("date,close\n2019-02-29,5\n", "row 2: date: must be YYYY-MM-DD, was '2019-02-29'"),
        ("date,close\n20190603,5\n", "row 2: date: must be YYYY-MM-DD, was '20190603'"),
        ("date,close\n2019-W23-1,5\n", "row 2: date: must be YYYY-MM-DD, was '2019-W23-1'"),
        (
            "date,close\n2019-06-03,5\n2019-06-03,5\n",
            "row 3: date: 2019-06-03 appears twice; keep one row",
        ),
        (
            "date,close\n2019-06-03,5\n2019-06-05,5\n2019-06-04,5\n",
            "row 4: date: 2019-06-04 comes after 2019-06-05; sort the file by date",
        ),
    ],
)
def test_bad_file_is_reported_with_row_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "iwm.csv", text)

    assert error_of(path).startswith(f"{path}: {said}")


def test_missing_file_is_reported(tmp_path: Path) -> None:
    assert (
        error_of(tmp_path / "no.csv") == f"{tmp_path / 'no.csv'}: cannot be read: No such file or directory"
    )


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in error_of(tmp_path)


def test_text_that_is_not_utf8_is_reported_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "iwm.csv", b"date,close\n2019-06-03,\xff5\n")

    assert error_of(path).startswith(f"{path}: must be UTF-8 text: invalid start byte at byte ")


def test_truncated_gzip_is_reported(tmp_path: Path) -> None:
    rows = "".join(f"2019-06-{day:02},{day}.123\n" for day in range(1, 28))
    path = write(tmp_path / "iwm.csv.gz", gzip.compress(f"date,close\n{rows}".encode())[:-20])

    assert error_of(path).startswith(f"{path}: cannot be read: Compressed file ended")


def test_damaged_gzip_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "iwm.csv.gz", b"\x1f\x8b\x08\x00garbage-garbage-garbage")

    assert error_of(path).startswith(f"{path}: cannot be read: ")


def test_cell_that_never_ends_is_reported(tmp_path: Path) -> None:
    """Would have caught: an open quote ended the program with a traceback."""
    path = write(tmp_path / "iwm.csv", 'date,close\n2019-06-03,"' + "5" * 200_000 + "\n")

    assert error_of(path).startswith(f"{path}: is not CSV: ")


def test_two_files_that_disagree_are_both_named(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "date,close\n2019-06-03,150\n2019-06-04,151\n")
    second = write(tmp_path / "b.csv", "date,close\n2019-06-04,152\n2019-06-05,153\n")

    with pytest.raises(ConfigError) as caught:
        read(first, second)

    assert str(caught.value) == f"{second}: 2019-06-04 has close 152.0, {first} has 151.0; keep one"
