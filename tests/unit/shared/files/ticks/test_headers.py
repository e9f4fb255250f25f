"""What comes before the header of a tick file, decimal commas, and files that only look like ticks."""

from pathlib import Path

import pytest

from shared.calendars import xnys_calendar
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.reading_options import DecimalMark, ReadingOptions
from shared.files.ticks.reader import has_tick_header, read_tick_csv
from shared.files.timeline import Recording, read_timeline
from tests.support.builders_market import pair, utc

NOON = utc("2014-05-02 12:00")
ROWS = "2014-05-02T12:00:00Z,1,2\n2014-05-02T12:00:01Z,3,4\n"
DAYS = ["2017-01-03", "2017-01-04", "2017-01-05", "2017-01-06"]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def read(path: Path, reading: ReadingOptions | None = None) -> QuoteBatch:
    assert has_tick_header(path, reading)
    (batch,) = read_tick_csv(path, instrument="X", reading=reading)
    return batch


def error_of(path: Path, reading: ReadingOptions | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path, reading)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "before", ["sep=,\n", '"sep=,"\r\n', "# from a terminal\n", "\n", "\r\n\r\n", "\ufeff#a\n#b\n\nsep=,\n"]
)
def test_lines_before_the_header_are_passed_over(tmp_path: Path, before: str) -> None:
    batch = read(write(tmp_path / "ticks.csv", f"{before}ts_utc,bid,ask\n{ROWS}"))

    assert batch.ts_event_ns.tolist() == [NOON, NOON + 10**9]
    assert batch.bid.tolist() == [1.0, 3.0]


def test_rows_are_counted_from_the_first_line_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", f"sep=,\n# a\n\nts_utc,bid,ask\n{ROWS}2014-05-02T12:00:02Z,5,4\n")

    assert error_of(path) == "row 7: bid: 5.0 is above the ask 4.0"


def test_lines_before_rows_without_a_header_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", "# HistData\n20140502 070000000,1283.5,1284.0,0\n")

    assert read(path).ts_event_ns.tolist() == [NOON]


@pytest.mark.parametrize("decimal", [None, DecimalMark.COMMA])
@pytest.mark.parametrize("skip", [False, True])
def test_prices_with_a_decimal_comma_are_read(
    tmp_path: Path, decimal: DecimalMark | None, *, skip: bool
) -> None:
    rows = "2014-05-02T12:00:00Z;1283,5;1284\n2014-05-02T12:00:01Z;1283,125;1284,25\n"
    path = write(tmp_path / "ticks.csv", f"sep=;\nts_utc;bid;ask\n{rows}")

    batch = read(path, ReadingOptions(decimal=decimal, skip_bad_rows=skip))

    assert batch.bid.tolist() == [1283.5, 1283.125]
    assert batch.ask.tolist() == [1284.0, 1284.25]


def test_unchanged_prices_with_a_decimal_comma_are_carried(tmp_path: Path) -> None:
    rows = "2014.05.02\t12:00:00.000\t1,5\t2,5\t\n2014.05.02\t12:00:01.000\t\t2,75\t\n"
    path = write(tmp_path / "mt5.csv", f"<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\n{rows}")

    batch = read(path, ReadingOptions(timezone="UTC"))

    assert (batch.bid.tolist(), batch.ask.tolist()) == ([1.5, 1.5], [2.5, 2.75])


def test_decimal_comma_that_could_be_thousands_needs_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", "ts_utc;bid;ask\n2014-05-02T12:00:00Z;1,284;1,285\n")

    assert error_of(path) == (
        "bid: 1,284 can be a decimal comma or thousands; set --decimal comma or --decimal point"
    )
    assert read(path, ReadingOptions(decimal=DecimalMark.COMMA)).bid.tolist() == [1.284]
    assert error_of(path, ReadingOptions(decimal=DecimalMark.POINT)).startswith("row 2: bid: must be")


def test_a_point_among_decimal_commas_is_named(tmp_path: Path) -> None:
    rows = "2014-05-02T12:00:00Z;1283,5;1284,5\n" * 300 + "2014-05-02T12:00:00Z;1283.5;1284,5\n"

    said = error_of(write(tmp_path / "ticks.csv", f"ts_utc;bid;ask\n{rows}"))

    assert said == "row 302: bid: must have a decimal comma as the rows above, was '1283.5'"


@pytest.mark.parametrize("skip", [False, True])
def test_a_file_with_its_newest_row_first_is_refused_as_such(tmp_path: Path, *, skip: bool) -> None:
    rows = "".join(f"2014-05-02T12:00:{59 - second:02}Z,1,2\n" for second in range(60))

    said = error_of(
        write(tmp_path / "ticks.csv", f"ts_utc,bid,ask\n{rows}"), ReadingOptions(skip_bad_rows=skip)
    )

    assert said == (
        "ts_utc: has its newest row first; sort its rows by time, the oldest first, below the header"
    )


DAILY_WITH_QUOTES = [
    "Date,Open,High,Low,Close,Bid,Ask\n" + "".join(f"{day},9,9,9,9,8,10\n" for day in DAYS),
    "date,close,bid,ask\n" + "".join(f"{day},9,8,10\n" for day in DAYS),
    "Date;Bid;Ask;Close\n" + "".join(f"{day};8;10;9\n" for day in DAYS),
    "date,close,bid,ask\n" + "".join(f"{day} 00:00:00,9,8,10\n" for day in DAYS),
]


@pytest.mark.parametrize("text", DAILY_WITH_QUOTES)
@pytest.mark.parametrize("name", [None, "plain"])
def test_a_daily_file_that_also_has_bid_and_ask_is_daily(tmp_path: Path, text: str, name: str | None) -> None:
    lead = write(tmp_path / "gold.csv", text)
    other = write(tmp_path / "iwm.csv", "date,close\n" + "".join(f"{day},7\n" for day in DAYS))
    recording = Recording(lead_files=(lead,), other_files=(other,), reading=ReadingOptions(format=name))

    items = list(read_timeline(recording, pair=pair(), calendar=xnys_calendar()))

    assert not any(isinstance(item, QuoteBatch) for item in items)
    assert len(items) == 2 * len(DAYS)


def test_the_name_of_a_daily_format_decides_where_rows_have_a_time_of_day(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.csv", "date,close,bid,ask\n2017-01-03 17:00:00,9,8,10\n")

    assert has_tick_header(path, ReadingOptions(timezone="UTC"))
    assert not has_tick_header(path, ReadingOptions(format="plain"))
    assert has_tick_header(path, ReadingOptions(format="nasdaq", timezone="UTC"))


def test_ticks_with_a_close_besides_are_ticks(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", "time,bid,ask,close\n2014-05-02T12:00:00.5Z,1,2,1.5\n")

    assert read(path).bid.tolist() == [1.0]
