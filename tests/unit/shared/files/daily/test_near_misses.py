"""Files that are almost readable: each ends with one line that names the remedy."""

import zipfile
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.files.daily.reader import DailyLeg, read_daily
from shared.files.file_note import FileNote, NoteKind
from shared.files.reading_options import DateOrder, DecimalMark, ReadingOptions
from shared.files.timeline import Recording, read_timeline
from tests.support.builders_market import calendar, pair

OHLC = "Date,Open,High,Low,Close,Volume\n"
INVESTING = '"Date","Price","Open","High","Low","Vol.","Change %"\n'


def read(path: Path, text: str | bytes, reading: ReadingOptions | None = None) -> DailyLeg:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_daily(path, instrument="IWM.TEST", calendar=calendar(), reading=reading or ReadingOptions())


def error_of(path: Path, text: str | bytes, reading: ReadingOptions | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path, text, reading)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!DOCTYPE html>\n<html><head><title>Sign in</title>", "is a web page, not CSV: "),
        ("\n <HTML lang=en>", "is a web page, not CSV: "),
        ('<?xml version="1.0"?><Error/>', "is XML, not CSV"),
        ('{"Error Message": "Invalid API call."}', "is JSON, not CSV"),
        ('[{"date": "2019-06-03", "close": 150.0}]', "is JSON, not CSV"),
        ("[]", "is JSON, not CSV"),
        (
            '{"Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls"}',
            "is a provider's note that its limit of requests is reached; wait, download it again",
        ),
        ("Exceeded the daily hits limit", "is a provider's note that its limit"),
        ("Edge: Too Many Requests", "is a provider's note that its limit"),
        ("No data", "says that its provider has no data; check the symbol and the dates"),
        ("Brak danych", "says that its provider has no data"),
        ("%PDF-1.7\n", "is a PDF"),
    ],
)
def test_content_that_is_no_table_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert error_of(tmp_path / "iwm.csv", text).startswith(said)


def test_workbook_named_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "iwm.csv"
    with zipfile.ZipFile(path, "w") as workbook:
        workbook.writestr("[Content_Types].xml", "<Types/>")
        workbook.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")

    assert ";" in error_of(path, path.read_bytes())


def test_utf16_is_read(tmp_path: Path) -> None:
    header = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    text = f"{header}\r\n2019.06.03\t1\t2\t3\t1325.4\t1\t1\t1\r\n"

    leg = read(tmp_path / "gold.csv", text.encode("utf-16"))

    assert [bar.close for bar in leg.bars] == [1325.4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Date,Open,High,Low,Volume\n2019-06-03,1,2,3,4\n",
            (
                "row 1: close: column is missing; the header must be date,close[,adj_close], was "
                "'date,open,high,low,volume', or a vendor's (docs/backtest.md lists them)"
            ),
        ),
        (
            "date,return\n2019-06-03,0.01\n",
            "row 1: close: column is missing; the header must be date,close[,adj_close], was 'date,return'",
        ),
        ("DATE,VOLUME\n2019-06-03,1200\n", "row 1: close: column is missing"),
        ("2019-06-03,150.25\n", "row 1: date: column is missing"),
        (
            INVESTING.replace('"Change %"', '"Close"') + '"06/03/2019","1","2","3","4","5","6"\n',
            (
                "row 1: close: both Price and Close could be the close; say --format investing for the one, "
                "--format stooq for the other"
            ),
        ),
        (
            "Price,Close,Close\nTicker,IWM,GLD\nDate,,\n2019-06-03,150,120\n",
            "holds several instruments (IWM, GLD); give a file with one",
        ),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<CLOSE>\nIWM.US,D,20190603,000000,1,2\nGLD.US,D,20190603,000000,1,2\n",
            "holds several instruments (IWM.US, GLD.US); give a file with one",
        ),
        (
            "Symbol,Date,Close\nIWM,2019-06-03,150\nGLD,2019-06-03,120\n",
            "holds several instruments (IWM, GLD); give a file with one",
        ),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<CLOSE>\nIWM.US,60,20190603,100000,1,2\n",
            "row 2: holds bars of period '60', not D; give daily bars",
        ),
        ("20190603 170000;1726.72;1;2;1726.5;0\n", "holds bars of one minute, as HistData writes them;"),
        (
            "2019.06.03,00:00,1,2,3,4,5\n2019.06.03,01:00,1,2,3,4,5\n",
            (
                "row 2: is 1 hour from the row above: the file holds bars of less than a day; give daily "
                "bars, one row a session"
            ),
        ),
        (
            "time,open,high,low,close\n1559568600,1,2,3,4\n1559568660,1,2,3,4\n",
            "row 3: is 1 minute from the row above: the file holds bars of less than a day",
        ),
        (
            (
                "Price,Close\nTicker,IWM\nDatetime,\n"
                "2019-06-03 13:30:00+00:00,150\n2019-06-03 13:35:00+00:00,151\n"
            ),
            "row 5: is 5 minutes from the row above",
        ),
        (
            "date,close\n"
            + "".join(
                f"{day}\n"
                for day in [
                    "2019-01-07,1",
                    "2019-01-14,1",
                    "2019-01-21,1",
                    "2019-01-28,1",
                    "2019-02-04,1",
                    "2019-02-11,1",
                    "2019-02-18,1",
                    "2019-02-25,1",
                    "2019-03-04,1",
                    "2019-03-11,1",
                ]
            ),
            "row 3: date: rows are at least 7 days apart, so bars of a week or more; give daily bars",
        ),
        (
            OHLC + "06/13/2019,1,2,3,4,5\n14/06/2019,1,2,3,4,5\n",
            (
                "row 3: Date: '14/06/2019' has the day first, row 2 ('06/13/2019') has the month first; give "
                "a file with one order"
            ),
        ),
        (
            OHLC + "06/03/2019,1,2,3,4,5\n06/04/2019,1,2,3,4,5\n",
            (
                "row 2: Date: '06/03/2019' may have the day or the month first, and no row shows which; say "
                "--date-order dmy or --date-order mdy"
            ),
        ),
        (
            OHLC + "2019-06-03,1,2,3,4,5\n06/04/2019,1,2,3,4,5\n2019-06-05,1,2,3,4,5\n",
            "row 3: Date: is not written as in most rows (YYYY-MM-DD), was '06/04/2019'",
        ),
        (
            "date,close\n03/06/2019,5\n",
            (
                "row 2: date: must be YYYY-MM-DD, was '03/06/2019'; say --date-order dmy or mdy to have such "
                "dates read"
            ),
        ),
        (
            OHLC + "2019-06-03 16:00:00,1,2,3,4,5\n",
            (
                "row 2: Date: '2019-06-03 16:00:00' has a time without a zone; say the zone, such as "
                "--timezone America/New_York"
            ),
        ),
        (OHLC + "2019-06-03T25:00:00Z,1,2,3,4,5\n", "row 2: Date: must be a date (such as YYYY-MM-DD), was"),
        (
            OHLC + '2019-06-03,1,2,3,"1,474",5\n',
            (
                "row 2: Close: the comma of '1,474' may be the decimal one or separate thousands, and no row "
                "shows which; say --decimal comma or --decimal point"
            ),
        ),
        (
            OHLC + '2019-06-03,1,2,3,"1,474.5",5\n2019-06-04,1,2,3,"1.474,5",5\n2019-06-05,1,2,3,1474.5,5\n',
            "row 3: Close: must be a positive number, was '1.474,5'",
        ),
        (
            "date,close\n2019-06-03,1474,34\n",
            "row 2: has 3 cells, the header has 2; a number with a comma must be",
        ),
        ("date,close\n2019-06-03,1.2%\n", "row 2: close: must be a price, was the percentage '1.2%'"),
        (
            "date,close\n" + "".join(f"2019-06-{day:02},{0.01 * (-1) ** day}\n" for day in range(3, 15)),
            "row 2: close: many numbers are negative, so these are returns or changes; name the column",
        ),
        (OHLC + "2019-06-03,1,2,3,-4,5\n", "row 2: Close: must be a positive number, was '-4'"),
        (OHLC + "2019-06-03,1,2,3,0.00,5\n", "row 2: Close: must be a positive number, was '0.00'"),
        (OHLC + "2019-06-03,1,2,3,NaN,5\n", "row 2: Close: must be a positive number, was 'NaN'"),
        (OHLC + "2019-06-03,1,2,3,inf,5\n", "row 2: Close: must be a positive number, was 'inf'"),
        (OHLC + "2019-06-03,1,2,3,null,5\n", "row 2: Close: must be a positive number, was 'null'"),
        (OHLC, "has no rows below its header; give a file with at least one session"),
        (
            "Date,Open,High,Low,Close,Adj Close,Volume\n2019-06-03,null,null,null,null,null,null\n",
            "has no row with a price; give a file with at least one session",
        ),
        (
            "date,close\n2019-06-03,5\n2019-06-03,6\n",
            "row 3: date: 2019-06-03 appears twice, with 5 and 6; keep the right row",
        ),
        (
            "date,close\n2019-06-05,5\n2019-06-04,5\n2019-06-03,5\n2019-06-06,6\n",
            (
                "row 5: date: 2019-06-06 comes below 2019-06-03 in a file with the newest row first; sort "
                "the file by date"
            ),
        ),
        ('date,close\n2019-06-03,"5\n', "row 2: close: must be a positive number, was '5"),
        ("date,close\n2019-06-03,5\x00\n", ""),
    ],
)
def test_near_miss_ends_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert error_of(tmp_path / "iwm.csv", text).startswith(said)


def test_named_format_that_no_file_has_is_refused(tmp_path: Path) -> None:
    paths = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path in paths:
        path.write_text("date,close\n2019-06-03,5\n")
    recording = Recording(lead_files=paths[:1], other_files=paths[1:], reading=ReadingOptions(format="yahoo"))

    with pytest.raises(ConfigError) as caught:
        next(read_timeline(recording, pair=pair(), calendar=calendar()))

    assert str(caught.value) == (
        f"--format yahoo: no file has its columns ({paths[0]} is plain, {paths[1]} is plain); leave the "
        "option out"
    )


def test_named_format_is_that_of_the_files_that_can_have_it(tmp_path: Path) -> None:
    """The legs come from two vendors, and only one of them needs to be named."""
    paths = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    paths[0].write_text("date,close\n2019-06-03,5\n")
    paths[1].write_text(OHLC + "06/03/2019,1,2,3,4,5\n")
    notes: list[FileNote] = []
    recording = Recording(lead_files=paths[:1], other_files=paths[1:], reading=ReadingOptions(format="wsj"))

    items = list(read_timeline(recording, pair=pair(), calendar=calendar(), on_note=notes.append))

    assert len(items) == 2
    assert [note.text for note in notes if note.kind is NoteKind.FORMAT] == [
        "read as --format plain (date,close[,adj_close]); its header is not that of --format wsj",
        "read as --format wsj (WSJ and MarketWatch); dates with the month first",
    ]


@pytest.mark.parametrize("order", [DateOrder.DMY, DateOrder.MDY])
def test_order_that_the_rows_show_needs_no_option_and_heeds_none(tmp_path: Path, order: DateOrder) -> None:
    """One leg may need the option, and the other may have the other order."""
    text = OHLC + "06/03/2019,1,2,3,4,5\n06/14/2019,1,2,3,4,5\n"

    leg = read(tmp_path / "iwm.csv", text, ReadingOptions(date_order=order))

    assert [bar.session for bar in leg.bars] == ["2019-06-03", "2019-06-14"]
    assert leg.files[0].notes[0].text.endswith("; dates with the month first")


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        ("date;close\n2019-06-03;150.25\n", [150.25]),
        ("date\tclose\n2019-06-03\t150.25\n", [150.25]),
        ("date|close\n2019-06-03|150.25\n", [150.25]),
        ('"date","close"\n"2019-06-03","150.25"\n', [150.25]),
        ("\ufeff# made by hand\n\n#another line\nDATE,Close\n2019-06-03,150.25\n# the end\n", [150.25]),
        ("date,close,\n2019-06-03,150.25,\n2019-06-04,151,\n", [150.25, 151.0]),
        ("date,close\n2019-06-03,150.25,\n2019-06-04,151,,\n,,\n\n \n", [150.25, 151.0]),
        ("date,close,x\n2019-06-03,150.25,\n,,\n2019-06-04,151,\n", [150.25, 151.0]),
        ("sep=;\ndate;close\n2019-06-03;1.150,25\n", [1150.25]),
        ("date,close\r2019-06-03,150.25\r2019-06-04,151\r", [150.25, 151.0]),
        ("date,close\n2019-06-04,151\n2019-06-03,150.25\n", [150.25, 151.0]),
        ("date,close\n2019/06/03,150.25\n2019/06/04,151\n", [150.25, 151.0]),
        ('date,close\n"Jun 3, 2019",150.25\n', [150.25]),
        ("date,close\n3-Jun-2019,150.25\n04-Jun-2019,151\n", [150.25, 151.0]),
        ("date,close\n2019-06-03, $150.25\n", [150.25]),
        ("date;close\n2019-06-03;1 150,25\n2019-06-04;1'151,5\n", [1150.25, 1151.5]),
        ("date,close\n2019-06-03 00:00:00-04:00,150.25\n", [150.25]),
        ("date,close\n\n\n2019-06-03,150.25", [150.25]),
        (",Close\n2019-06-03,150.25\n", [150.25]),
        (",Date,Close\n0,2019-06-03,150.25\n", [150.25]),
        ("Date,Close\n2019-06-03T12:00:00 AM,150.25\n", [150.25]),
        ("Date,Close\n2019-06-03 4:00:00 PM -0400,150.25\n", [150.25]),
    ],
)
def test_harmless_differences_are_read(tmp_path: Path, text: str, closes: list[float]) -> None:
    assert [bar.close for bar in read(tmp_path / "iwm.csv", text).bars] == closes


@pytest.mark.parametrize(("mark", "close"), [(DecimalMark.COMMA, 1.474), (DecimalMark.POINT, 1474.0)])
def test_person_may_say_what_a_comma_means(tmp_path: Path, mark: DecimalMark, close: float) -> None:
    text = OHLC + '2019-06-03,1,2,3,"1,474",5\n'

    leg = read(tmp_path / "iwm.csv", text, ReadingOptions(decimal=mark))

    assert [bar.close for bar in leg.bars] == [close]


def test_year_of_two_digits_may_be_first(tmp_path: Path) -> None:
    reading = ReadingOptions(date_order=DateOrder.YMD)

    leg = read(tmp_path / "iwm.csv", "date,close\n19/06/03,150.25\n", reading)

    assert [bar.session for bar in leg.bars] == ["2019-06-03"]


def test_rows_after_the_calendar_are_reported(tmp_path: Path) -> None:
    notes: list[FileNote] = []
    path = tmp_path / "iwm.csv"
    path.write_text("date,close\n2019-06-03,150.25\n2091-06-04,151\n")

    read_daily(path, instrument="IWM.TEST", calendar=calendar(), on_note=notes.append)

    assert [str(note) for note in notes] == [
        f"{path}: rows after 2019-12-31, the end of the calendar, are left out: 1; are the years right?"
    ]


def test_file_that_is_too_large_for_daily_prices_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.files.daily.table._MOST_CHARACTERS", 100)

    assert error_of(tmp_path / "iwm.csv", "date,close\n" + "2019-06-03,5\n" * 10).startswith(
        "is larger than 64 MB, so it holds no daily prices"
    )


@pytest.mark.parametrize("text", ["", "\n  \n", "# nothing\n"])
def test_empty_file_is_named_as_such(tmp_path: Path, text: str) -> None:
    assert error_of(tmp_path / "iwm.csv", text).endswith("; the file is empty")


@pytest.mark.parametrize("day", ["2019-07-04", "2019-06-08"])
def test_file_without_a_session_is_refused(tmp_path: Path, day: str) -> None:
    error = error_of(tmp_path / "iwm.csv", f"date,close\n{day},5\n")

    assert error.startswith("row 2: has no date on which New York was open, the first is ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date;close\n2019-06-03;1.304\n2019-06-04;1.306\n", "row 2: close: the point of '1.304' may be the"),
        ("Date;Open;High;Low;Close\n2019-06-03;1;1;1;1.304\n", "row 2: Close: the point of '1.304' may be"),
        (
            OHLC + "19-06-03,1,1,1,5,0\n19-06-04,1,1,1,6,0\n",
            "row 2: Date: '19-06-03' has a year of two digits",
        ),
        ("date,close\n19-06-03,5\n", "row 2: date: must be YYYY-MM-DD, was '19-06-03'; say --date-order ymd"),
        (
            "date,close\n2019-06-03,5\n2019-06-04,6\nSource: somebody\n",
            "row 4: has 1 cells, the header has 2; if it is a note below the table, remove it",
        ),
    ],
)
def test_what_has_two_meanings_or_no_place_names_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    assert error_of(tmp_path / "iwm.csv", text).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "Date,Time,Open,High,Low,Close\n2019.06.03,00:00,1,1,1,5\n2019.06.04,00:00,1,1,1,6\n",
        "Date\tOpen\tHigh\tLow\tClose*\tAdj Close**\n"
        + "".join(f"Jun {day}, 2019\t1\t1\t1\t{close}\t{close}\n" for day, close in ((3, 5), (4, 6))),
        "date,close\n2019-06-03,5\n2019-06-04,6\n\x1a",
        "date,close\r\n2019-06-03,5\r\n2019-06-04,6\r\n\x00\x00",
        "date;close\n2019-06-03;5.000\n2019-06-04;6.0\n",
    ],
)
def test_odd_ends_and_headers_of_programs_are_read(tmp_path: Path, text: str) -> None:
    leg = read(tmp_path / "iwm.csv", text)

    assert [(bar.session, bar.close) for bar in leg.bars] == [("2019-06-03", 5.0), ("2019-06-04", 6.0)]


@pytest.mark.parametrize(("mark", "close"), [(DecimalMark.COMMA, 1_304.0), (DecimalMark.POINT, 1.304)])
def test_person_may_say_what_a_point_means(tmp_path: Path, mark: DecimalMark, close: float) -> None:
    text = "date;close\n2019-06-03;1.304\n"

    leg = read(tmp_path / "iwm.csv", text, ReadingOptions(decimal=mark))

    assert [bar.close for bar in leg.bars] == [close]
