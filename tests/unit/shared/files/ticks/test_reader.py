"""Tick files: what is read, and what is said about a file that cannot be."""

import gzip
from pathlib import Path

import pytest

from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.ticks.reader import has_tick_header, read_tick_csv
from tests.support.builders_market import MINUTE, utc

HEADER = "ts_utc,bid,ask\n"
NOON = utc("2014-05-02 12:00")


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path) -> list[QuoteBatch]:
    return list(read_tick_csv(path, instrument="XAU/USD.TEST"))


def error_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value)


def test_rows_are_quotes_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = "2014-05-02T12:00:00.000001Z,1283.5,1284.0\n2014-05-02T12:00:00.000001Z,1283.6,1284.0\n"
    (batch,) = read(write(tmp_path / "ticks.csv", HEADER + rows))

    assert (batch.instrument, batch.feed) == ("XAU/USD.TEST", "replay")
    assert batch.ts_event_ns.tolist() == [NOON + 1_000, NOON + 1_000]
    assert batch.ts_received_ns.tolist() == batch.ts_event_ns.tolist()
    assert batch.bid.tolist() == [1283.5, 1283.6]
    assert batch.ask.tolist() == [1284.0, 1284.0]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2014-05-02T12:00:00Z", 0),
        ("2014-05-02T12:00:00.5Z", 500_000_000),
        ("2014-05-02T12:00:00.123456789Z", 123_456_789),
        ("2014-05-02T14:00:00+02:00", 0),
        ("2014-05-02T07:00:00.000000001-05:00", 1),
        ("2014-05-02 12:00:00Z", 0),
    ],
)
def test_instants_with_a_zone_are_read_to_the_nanosecond(tmp_path: Path, text: str, ns: int) -> None:
    (batch,) = read(write(tmp_path / "ticks.csv", f"{HEADER}{text},1,2\n"))

    assert batch.ts_event_ns.tolist() == [NOON + ns]


def test_columns_may_be_in_any_order_with_others_between(tmp_path: Path) -> None:
    text = "Ask,volume,TS_UTC,bid\r\n1284.0,7,2014-05-02T12:00:00Z,1283.5\r\n"
    (batch,) = read(write(tmp_path / "ticks.csv", text))

    assert (batch.bid.tolist(), batch.ask.tolist()) == ([1283.5], [1284.0])


def test_large_file_comes_in_batches_of_twenty_thousand(tmp_path: Path) -> None:
    rows = "".join(f"2014-05-02T12:{i // 60 % 60:02}:{i % 60:02}Z,1,2\n" for i in range(3_600))
    many = "".join(rows.replace("T12", f"T{hour:02}") for hour in range(10, 17))
    batches = read(write(tmp_path / "ticks.csv.gz", gzip.compress((HEADER + many).encode())))

    assert [len(batch.bid) for batch in batches] == [20_000, 5_200]
    assert batches[1].ts_event_ns[0] - batches[0].ts_event_ns[-1] == MINUTE // 60


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "has no rows below its header; give a file with at least one tick"),
        ("2014-05-02T12:00:00Z,1\n", "row 2: has 2 cells, needs ts_utc, bid and ask"),
        (
            "2014-05-02T12:00:00,1,2\n",
            "row 2: ts_utc: must be like 2014-05-02T12:30:00.000001Z, was '2014-05-02T12:00:00'",
        ),
        ("2014-05-02,1,2\n", "row 2: ts_utc: must be like"),
        ("2014-05-02Z,1,2\n", "row 2: ts_utc: must be like"),
        ("2014-05-02T12:00Z,1,2\n", "row 2: ts_utc: must be like"),
        ("1399033800,1,2\n", "row 2: ts_utc: must be like"),
        ("NaT,1,2\n", "row 2: ts_utc: must be like"),
        (",1,2\n", "row 2: ts_utc: must be like"),
        ("2014-05-02T12:00:00.0000000001Z,1,2\n", "row 2: ts_utc: must be like"),
        ("2014-05-02T12:00:00+01:00Z,1,2\n", "row 2: ts_utc: must be like"),
        ("2914-05-02T12:00:00Z,1,2\n", "row 2: ts_utc: must be like"),
        ("1014-05-02T12:00:00Z,1,2\n", "row 2: ts_utc: must be like"),
        ("2014-02-30T12:00:00Z,1,2\n", "row 2: ts_utc: must be like"),
        ("2014-05-02T12:00:00Z,x,2\n", "row 2: bid: must be a positive number, was 'x'"),
        ("2014-05-02T12:00:00Z,1,-2\n", "row 2: ask: must be a positive number, was '-2'"),
        ("2014-05-02T12:00:00Z,0,2\n", "row 2: bid: must be a positive number, was '0'"),
        ("2014-05-02T12:00:00Z,nan,2\n", "row 2: bid: must be a positive number, was 'nan'"),
        ("2014-05-02T12:00:00Z,1,inf\n", "row 2: ask: must be a positive number, was 'inf'"),
        ("2014-05-02T12:00:00Z,1_300,2000\n", "row 2: bid: must be a positive number, was '1_300'"),
        ("2014-05-02T12:00:00Z,１３００,2000\n", "row 2: bid: must be a positive number, was '１３００'"),
        ("2014-05-02T12:00:00Z,1,1e308\n", "row 2: ask: must lie between 1e-09 and 1e+12, was '1e308'"),
        ("2014-05-02T12:00:00Z,1e-300,1\n", "row 2: bid: must lie between 1e-09 and 1e+12, was '1e-300'"),
        ("2014-05-02T12:00:00Z,1,300,1\n", "row 2: has 4 cells, the header has 3"),
        ("2014-05-02T12:00:00Z,3,2\n", "row 2: bid: 3.0 is above the ask 2.0"),
        (
            "2014-05-02T12:00:01Z,1,2\n2014-05-02T12:00:00Z,1,2\n",
            "row 3: ts_utc: 2014-05-02T12:00:00Z is before the row above; sort the file",
        ),
        (
            "2014-05-02T12:00:01+00:00,1,2\n2014-05-02T12:00:02.0000000001Z,1,2\n",
            "row 3: ts_utc: must be like",
        ),
    ],
)
def test_bad_row_is_reported_with_row_and_field(tmp_path: Path, rows: str, said: str) -> None:
    path = write(tmp_path / "ticks.csv", HEADER + rows)

    assert error_of(path).startswith(f"{path}: {said}")


def test_row_is_counted_across_batches(tmp_path: Path) -> None:
    rows = "2014-05-02T12:00:00Z,1,2\n" * 20_000
    path = write(tmp_path / "ticks.csv", f"{HEADER}{rows}2014-05-02T11:59:59Z,1,2\n")

    assert error_of(path).startswith(
        f"{path}: row 20002: ts_utc: 2014-05-02T11:59:59Z is before the row above"
    )


@pytest.mark.parametrize("name", ["ts_utc", "bid", "ask"])
def test_missing_column_is_reported(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "ticks.csv", HEADER.replace(name, "other"))

    assert error_of(path).startswith(f"{path}: row 1: {name}: column is missing; the header must have")


@pytest.mark.parametrize("name", ["ts_utc", "bid", "ask"])
def test_column_that_stands_there_twice_is_reported(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "ticks.csv", f"ts_utc,bid,ask,{name.upper()}\n2014-05-02T12:00:00Z,1,2,3\n")

    assert error_of(path) == f"{path}: row 1: {name}: column appears twice; keep one"


def test_prices_are_decimal_numbers_with_or_without_an_exponent(tmp_path: Path) -> None:
    (batch,) = read(write(tmp_path / "ticks.csv", f"{HEADER}2014-05-02T12:00:00Z, 1.3e+3,+1300.5 \n"))

    assert (batch.bid.tolist(), batch.ask.tolist()) == ([1300.0], [1300.5])


def test_text_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", HEADER.encode() + b"2014-05-02T12:00:00Z,\xff,2\n")

    assert error_of(path).startswith(f"{path}: must be UTF-8 text: ")


def test_truncated_gzip_is_reported(tmp_path: Path) -> None:
    rows = "".join(f"2014-05-02T12:00:{second:02}Z,1.{second},2\n" for second in range(60))
    path = write(tmp_path / "ticks.csv.gz", gzip.compress((HEADER + rows).encode())[:-20])

    assert error_of(path).startswith(f"{path}: cannot be read: Compressed file ended")


def test_header_tells_ticks_from_daily_rows(tmp_path: Path) -> None:
    assert has_tick_header(write(tmp_path / "a.csv", "\ufeffTS_UTC,bid,ask\n"))
    assert not has_tick_header(write(tmp_path / "b.csv", "date,close\n"))
    assert not has_tick_header(write(tmp_path / "d.csv", "date,close,bid\n"))
    assert not has_tick_header(write(tmp_path / "c.csv", ""))
    with pytest.raises(ConfigError, match="cannot be read"):
        has_tick_header(tmp_path / "no.csv")
