"""Each vendor's file is read to the bars of the plain file, to the last bit."""

import gzip
from pathlib import Path

import pytest

from shared.domain.bars import Bar
from shared.errors import ConfigError
from shared.files.daily.formats import DAILY_FORMATS
from shared.files.daily.reader import DailyLeg, read_daily
from shared.files.reading_options import DateOrder, ReadingOptions
from shared.files.ticks.reader import has_tick_header
from tests.support.builders_market import calendar
from tests.support.daily_vendors import VENDORS, Day, plain, plain_adjusted


def _days() -> list[Day]:
    # Above and below 1,000, over both changes of the clock, and with prices whose last digit is 0.
    days = []
    for index, session in enumerate(calendar().labels):
        close = round(980.0 + (index * 37 % 101) * 0.7 - index * 0.05, 2)
        days.append(Day(session, close, round(close * (0.9 + index * 1e-4), 2)))
    return days


DAYS = _days()


def read(path: Path, text: str | bytes, reading: ReadingOptions | None = None) -> DailyLeg:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_daily(path, instrument="IWM.TEST", calendar=calendar(), reading=reading or ReadingOptions())


def expected(tmp_path: Path, *, adjusted: bool, days: list[Day] = DAYS) -> tuple[Bar, ...]:
    return read(tmp_path / "plain.csv", (plain_adjusted if adjusted else plain)(days)).bars


@pytest.mark.parametrize("name", VENDORS)
def test_file_of_a_vendor_has_the_bars_of_the_plain_file(tmp_path: Path, name: str) -> None:
    vendor = VENDORS[name]

    leg = read(tmp_path / "iwm.csv", vendor.render(DAYS))

    assert leg.files[0].format.name == vendor.format
    assert leg.bars == expected(tmp_path, adjusted=vendor.has_adjusted)
    assert len(leg.bars) == len(calendar().labels)


@pytest.mark.parametrize("name", VENDORS)
def test_file_of_a_vendor_may_be_named_packed_in_windows_lines_and_the_other_way_round(
    tmp_path: Path, name: str
) -> None:
    vendor = VENDORS[name]
    text = vendor.render(DAYS[::-1]).replace("\r\n", "\n").replace("\n", "\r\n")

    leg = read(tmp_path / "iwm.csv.gz", gzip.compress(text.encode()), ReadingOptions(format=vendor.format))

    assert leg.bars == expected(tmp_path, adjusted=vendor.has_adjusted)


def test_each_format_of_the_table_is_written_by_a_vendor_of_the_tests() -> None:
    known = {each.name for each in DAILY_FORMATS if not each.refusal and each.name != "wsj"}

    assert {vendor.format for vendor in VENDORS.values()} == known


def test_names_of_formats_are_unique_words() -> None:
    names = [each.name for each in DAILY_FORMATS]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)


FIRST_DAYS = [day for day in DAYS if int(day.session[8:]) <= 12 and day.session < "2019-02"]


@pytest.mark.parametrize("name", ["investing", "investing, day first", "marketwatch", "wsj"])
def test_order_of_day_and_month_that_no_row_shows_is_asked_for(tmp_path: Path, name: str) -> None:
    text = VENDORS[name].render(FIRST_DAYS)
    order = DateOrder.DMY if name == "investing, day first" else DateOrder.MDY

    with pytest.raises(ConfigError, match=r"say --date-order dmy or --date-order mdy$"):
        read(tmp_path / "iwm.csv", text)

    leg = read(tmp_path / "iwm.csv", text, ReadingOptions(date_order=order))
    assert leg.bars == expected(tmp_path, adjusted=False, days=FIRST_DAYS)


@pytest.mark.parametrize(("name", "format_"), [("nasdaq", "nasdaq"), ("wsj", "wsj"), ("marketwatch", "wsj")])
def test_order_of_day_and_month_is_that_of_the_vendor(tmp_path: Path, name: str, format_: str) -> None:
    leg = read(tmp_path / "iwm.csv", VENDORS[name].render(FIRST_DAYS), ReadingOptions(format=format_))

    assert leg.bars == expected(tmp_path, adjusted=False, days=FIRST_DAYS)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        # Midnight of a computer in Tokyo, and midnight GMT seen there.
        ("00:00:00.000 GMT+0900", None),
        ("09:00:00.000 GMT+0900", None),
        ("00:00:00.000 GMT+0200", None),
        ("00:00:00.000 UTC", None),
        ("00:00:00", None),
        ("16:00:00", "America/New_York"),
        ("09:30:00", "America/New_York"),
        ("4:00 PM", "America/New_York"),
        ("14:30:00", "UTC"),
    ],
)
def test_time_of_day_means_the_session_that_it_lies_in(tmp_path: Path, name: str, zone: str | None) -> None:
    text = "time,open,high,low,close\n" + "".join(f"{day.session} {name},1,2,3,{day.close}\n" for day in DAYS)

    leg = read(tmp_path / "iwm.csv", text, ReadingOptions(timezone=zone))

    assert [bar.session for bar in leg.bars] == list(calendar().labels)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_evening_in_utc_is_the_next_session_of_spot_gold(tmp_path: Path, zone: str | None) -> None:
    mark = "" if zone else "Z"
    text = f"time,open,high,low,close\n2019-06-02T22:00:00{mark},1,2,3,1300.5\n"

    leg = read(tmp_path / "gold.csv", text, ReadingOptions(timezone=zone))

    assert [bar.session for bar in leg.bars] == ["2019-06-03"]


def test_side_fields_that_cannot_be_right_cost_no_close(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2019-06-03,x,-1,1e99,150.25,150.25,\n"

    assert [bar.close for bar in read(tmp_path / "iwm.csv", text).bars] == [150.25]


def test_note_says_how_a_file_was_read_and_what_is_assumed(tmp_path: Path) -> None:
    leg = read(tmp_path / "iwm.csv", VENDORS["yfinance"].render(DAYS[::-1]))

    (note,) = leg.files[0].notes
    assert note.text == (
        "read as --format yfinance (yfinance Ticker.history().to_csv()); the newest row first; no adj_close, "
        "so Close is taken as adjusted, as yfinance writes it by default"
    )


def test_plain_file_needs_no_note(tmp_path: Path) -> None:
    assert read(tmp_path / "iwm.csv", plain(DAYS)).files[0].notes == ()


def test_rows_without_a_price_are_counted(tmp_path: Path) -> None:
    leg = read(tmp_path / "iwm.csv", VENDORS["yahoo"].render(DAYS))

    note = leg.files[0].notes[-1]
    assert note.text == f"rows without a price left out: 1 of {len(DAYS) + 1}"
    assert note.skipped == (("no_price", 1),)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (VENDORS["yfinance, three header rows"].render(DAYS), ("IWM",)),
        (VENDORS["stooq, bulk"].render(DAYS), ("IWM.US",)),
        (VENDORS["fred, old"].render(DAYS), ("GOLDAMGBD228NLBM",)),
        (plain(DAYS), ()),
    ],
)
def test_file_names_its_instrument(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    assert read(tmp_path / "iwm.csv", text).files[0].names == names


@pytest.mark.parametrize("name", VENDORS)
def test_file_of_a_vendor_is_not_taken_for_ticks(tmp_path: Path, name: str) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(VENDORS[name].render(DAYS))

    assert not has_tick_header(path)
