"""Tick files as vendors write them are read to the quotes of the plain file; near misses are one line."""

import gzip
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shared.domain.instants import parse_rfc3339
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.file_note import FileNote
from shared.files.reading_options import DateOrder, ReadingOptions
from shared.files.ticks.reader import has_tick_header, read_tick_csv

# Made up; in milliseconds, which every vendor writes.
PLAIN = """\
ts_utc,bid,ask
2014-05-01T22:59:59.660Z,1284.5,1285.25
2014-05-01T23:00:00.000Z,1284.5,1285.3
2014-05-01T23:00:00.000Z,1284.497,1285.3
2014-05-02T00:00:01.007Z,1283.125,1283.5
"""
FORMATS = {
    "plain with a quoted header and a blank tail": (
        '"TS_UTC","Bid","Ask"\r\n"2014-05-01T22:59:59.660Z",1284.5,1285.25\r\n'
        "2014-05-01T23:00:00.000Z,1284.5,1285.3\r\n2014-05-01T23:00:00.000Z,1284.497,1285.3\r\n"
        "2014-05-02T00:00:01.007Z,1283.125,1283.5\r\n\r\n\r\n"
    ),
    "Dukascopy, GMT": (
        "Gmt time,Ask,Bid,AskVolume,BidVolume\r\n01.05.2014 22:59:59.660,1285.25,1284.5,0.0002,0.0001\r\n"
        "01.05.2014 23:00:00.000,1285.3,1284.5,1.5,1.5\r\n01.05.2014 23:00:00.000,1285.3,1284.497,1.5,1.5\r\n"
        "02.05.2014 00:00:01.007,1283.5,1283.125,0.9,1.8\r\n"
    ),
    "Dukascopy JForex, Eastern European time": (
        "Time (EET),Ask,Bid,AskVolume,BidVolume \n2014.05.02 01:59:59.660,1285.25,1284.5,0.00001,0.00002\n"
        "2014.05.02 02:00:00.000,1285.3,1284.5,1,1\n2014.05.02 02:00:00.000,1285.3,1284.497,1,1\n"
        "2014.05.02 03:00:01.007,1283.5,1283.125,1,1\n"
    ),
    "Dukascopy, local time with its offset": (
        "Local time,Ask,Bid,AskVolume,BidVolume\n02.05.2014 01:59:59.660 GMT+0300,1285.25,1284.5,1,1\n"
        "02.05.2014 02:00:00.000 GMT+0300,1285.3,1284.5,1,1\n"
        "01.05.2014 18:00:00.000 GMT-0500,1285.3,1284.497,1,1\n"
        "02.05.2014 03:00:01.007 GMT+0300,1283.5,1283.125,1,1\n"
    ),
    "Dukascopy by duka": (
        "time,ask,bid,ask_volume,bid_volume\n2014-05-01 22:59:59.660,1285.25,1284.5,0.75,0.75\n"
        "2014-05-01 23:00:00,1285.3,1284.5,0.75,1.50\n2014-05-01 23:00:00,1285.3,1284.497,0.75,1.50\n"
        "2014-05-02 00:00:01.007,1283.5,1283.125,0.75,0.75\n"
    ),
    "Dukascopy by dukascopy-node": (
        "timestamp,askPrice,bidPrice,askVolume,bidVolume\n1398985199660,1285.25,1284.5,1,1\n"
        "1398985200000,1285.3,1284.5,1,1\n1398985200000,1285.3,1284.497,1,1\n1398988801007,1283.5,1283.125,1,1\n"
    ),
    "HistData ASCII": (
        "20140501 175959660,1284.500000,1285.250000,0\n20140501 180000000,1284.500000,1285.300000,0\n"
        "20140501 180000000,1284.497000,1285.300000,0\n20140501 190001007,1283.125000,1283.500000,0\n"
    ),
    "TrueFX": (
        "XAU/USD,20140501 22:59:59.660,1284.5,1285.25\nXAU/USD,20140501 23:00:00.000,1284.5,1285.3\n"
        "XAU/USD,20140501 23:00:00.000,1284.497,1285.3\nXAU/USD,20140502 00:00:01.007,1283.125,1283.5\n"
    ),
    "seconds with decimals": (
        "timestamp,bid,ask\n1398985199.660,1284.5,1285.25\n1398985200,1284.5,1285.3\n"
        "1398985200.0,1284.497,1285.3\n1398988801.007,1283.125,1283.5\n"
    ),
    "microseconds": (
        "time,bid,ask\n1398985199660000,1284.5,1285.25\n1398985200000000,1284.5,1285.3\n"
        "1398985200000000,1284.497,1285.3\n1398988801007000,1283.125,1283.5\n"
    ),
    "nanoseconds": (
        "ts;bid;ask\n1398985199660000000;1284.5;1285.25\n1398985200000000000;1284.5;1285.3\n"
        "1398985200000000000;1284.497;1285.3\n1398988801007000000;1283.125;1283.5\n"
    ),
    "pandas, with an index": (
        ",timestamp,bid,ask\n0,2014-05-01 22:59:59.660000+00:00,1284.5,1285.25\n"
        "1,2014-05-01 23:00:00+00:00,1284.5,1285.3\n2,2014-05-02 01:00:00+02:00,1284.497,1285.3\n"
        "3,2014-05-02 00:00:01.007000+00:00,1283.125,1283.5\n"
    ),
}
# Whose clock it is, only the person knows.
IN_ATHENS = {
    "MetaTrader 5, unchanged prices left empty": (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n"
        "2014.05.02\t01:59:59.660\t1284.5\t1285.25\t\t\t6\r\n2014.05.02\t02:00:00.000\t\t1285.3\t\t\t4\r\n"
        "2014.05.02\t02:00:00.000\t1284.497\t\t\t\t2\r\n2014.05.02\t03:00:01.007\t1283.125\t1283.5\t\t\t6\r\n"
    ),
    "MetaTrader 5, one side first": (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n2014.05.02\t01:59:59.000\t\t1285.25\n"
        "2014.05.02\t01:59:59.660\t1284.5\n2014.05.02\t02:00:00.000\t\t1285.3\n"
        "2014.05.02\t02:00:00.000\t1284.497\n2014.05.02\t03:00:01.007\t1283.125\t1283.5\n"
    ),
    "Dukascopy, local time without its offset": (
        "Local time,Ask,Bid,AskVolume,BidVolume\n02.05.2014 01:59:59.660,1285.25,1284.5,1,1\n"
        "02.05.2014 02:00:00.000,1285.3,1284.5,1,1\n02.05.2014 02:00:00.000,1285.3,1284.497,1,1\n"
        "02.05.2014 03:00:01.007,1283.5,1283.125,1,1\n"
    ),
    "an export with Time,Ask,Bid": (
        "Time,Ask,Bid,Volume\n2014.05.02 01:59:59.660,1285.25,1284.5,1\n2014.05.02 02:00:00,1285.3,1284.5,1\n"
        "2014.05.02 02:00:00,1285.3,1284.497,1\n2014.05.02 03:00:01.007,1283.5,1283.125,1\n"
    ),
}
ATHENS = ReadingOptions(timezone="Europe/Athens")


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, reading: ReadingOptions | None = None) -> QuoteBatch:
    (batch,) = read_tick_csv(path, instrument="XAU/USD.TEST", reading=reading)
    return batch


def read_with_notes(
    path: Path, reading: ReadingOptions | None = None
) -> tuple[list[QuoteBatch], list[FileNote]]:
    notes: list[FileNote] = []
    batches = list(read_tick_csv(path, instrument="XAU/USD.TEST", reading=reading, on_note=notes.append))
    return batches, notes


def error_of(path: Path, reading: ReadingOptions | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        list(read_tick_csv(path, instrument="XAU/USD.TEST", reading=reading))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def require_equal(ours: QuoteBatch, plain: QuoteBatch) -> None:
    assert ours.ts_event_ns.tolist() == plain.ts_event_ns.tolist()
    assert ours.bid.tolist() == plain.bid.tolist()
    assert ours.ask.tolist() == plain.ask.tolist()


@pytest.fixture
def plain(tmp_path: Path) -> QuoteBatch:
    return read(write(tmp_path / "plain.csv", PLAIN))


@pytest.mark.parametrize("name", FORMATS)
def test_file_of_a_vendor_is_read_to_the_quotes_of_the_plain_file(
    tmp_path: Path, plain: QuoteBatch, name: str
) -> None:
    path = write(tmp_path / "vendor.csv", FORMATS[name])

    assert has_tick_header(path)
    require_equal(read(path), plain)


@pytest.mark.parametrize("name", IN_ATHENS)
def test_file_without_a_zone_is_read_with_the_zone_that_is_given(
    tmp_path: Path, plain: QuoteBatch, name: str
) -> None:
    path = write(tmp_path / "vendor.csv", IN_ATHENS[name])

    assert has_tick_header(path)
    require_equal(read(path, ATHENS), plain)
    said = error_of(path)
    assert said.startswith("row 2: ")
    assert said.endswith("say whose clock it is with --timezone, such as --timezone Europe/Athens")


@pytest.mark.parametrize(
    "kind", ["gz", "xz", "zip", "utf-16", "no line feed at the end", "line feeds of old"]
)
def test_file_of_a_vendor_is_read_however_it_is_packed(tmp_path: Path, plain: QuoteBatch, kind: str) -> None:
    text = FORMATS["Dukascopy, GMT"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("XAUUSD_Ticks_01.05.2014-02.05.2014.csv", text)
    content = {
        "gz": gzip.compress(text.encode()),
        "xz": lzma.compress(text.encode()),
        "zip": buffer.getvalue(),
        "utf-16": text.encode("utf-16"),
        "no line feed at the end": text.strip().encode(),
        "line feeds of old": text.replace("\r\n", "\r").encode(),
    }[kind]

    require_equal(read(write(tmp_path / "vendor.csv", content)), plain)


def test_zone_in_the_header_is_stronger_than_the_option_and_the_zone_of_the_vendor_is_not(
    tmp_path: Path, plain: QuoteBatch
) -> None:
    stated = write(tmp_path / "duka.csv", FORMATS["Dukascopy, GMT"])
    assumed = write(tmp_path / "hist.csv", FORMATS["HistData ASCII"])

    require_equal(read(stated, ATHENS), plain)
    assert (read(assumed, ATHENS).ts_event_ns == plain.ts_event_ns - 8 * 3_600 * 10**9).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Dukascopy, GMT", "read as Dukascopy ticks (dukascopy-ticks), times in UTC"),
        (
            "HistData ASCII",
            "read as HistData ASCII ticks (histdata-ticks), times in EST all year (UTC-5)",
        ),
        ("microseconds", "read as quotes with a header (quotes), times in microseconds since 1970"),
        ("pandas, with an index", "read as quotes with a header (quotes), times with the offset of each row"),
    ],
)
def test_note_says_how_the_file_is_read(tmp_path: Path, name: str, said: str) -> None:
    path = write(tmp_path / "vendor.csv", FORMATS[name])

    _, (note,) = read_with_notes(path)

    assert (note.path, note.text) == (path, said)


def test_plain_file_needs_no_note(tmp_path: Path) -> None:
    assert read_with_notes(write(tmp_path / "plain.csv", PLAIN))[1] == []


@pytest.mark.parametrize(("order", "day"), [(DateOrder.DMY, "2014-05-04"), (DateOrder.MDY, "2014-04-05")])
def test_date_of_two_readings_needs_the_option(tmp_path: Path, order: DateOrder, day: str) -> None:
    path = write(tmp_path / "slashes.csv", "DateTime,Bid,Ask\n04/05/2014 12:00:00,1284.5,1285.25\n")

    batch = read(path, ReadingOptions(timezone="UTC", date_order=order))

    assert batch.ts_event_ns.tolist() == [parse_rfc3339(f"{day}T12:00:00Z")]
    assert error_of(path, ReadingOptions(timezone="UTC")) == (
        "row 2: datetime: which number is the day is not clear in '04/05/2014 12:00:00'; set --date-order "
        "dmy or mdy"
    )
    assert "--date-order dmy or mdy" in error_of(
        path, ReadingOptions(timezone="UTC", date_order=DateOrder.YMD)
    )


def test_rows_that_have_a_thirteenth_show_the_order_of_the_date(tmp_path: Path) -> None:
    rows = "04/05/2014 12:00:00,1,2\n04/13/2014 12:00:00,1,2\n"
    batch = read(write(tmp_path / "slashes.csv", f"DateTime,Bid,Ask\n{rows}"), ReadingOptions(timezone="UTC"))

    assert batch.ts_event_ns.tolist() == [
        parse_rfc3339("2014-04-05T12:00:00Z"),
        parse_rfc3339("2014-04-13T12:00:00Z"),
    ]


DUKASCOPY = "Gmt time,Ask,Bid,AskVolume,BidVolume\n"
MT5 = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DUKASCOPY, "has no rows below its header; give a file with at least one tick"),
        (
            f"{DUKASCOPY}01.05.2014 22:59:59.660,1284.5,1285.25,1,1\n",
            "row 2: bid: 1285.25 is above the ask 1284.5",
        ),
        (
            f"{DUKASCOPY}01.05.2014 22:59:59.660,1285.25,1284.5,1,1\n2014-05-01 23:00:00.000,1285,1284,1,1\n",
            "row 3: gmt time: must be like 02.05.2014 12:30:00.123, was '2014-05-01 23:00:00.000'",
        ),
        (
            f"{DUKASCOPY}31.02.2014 22:59:59.660,1285.25,1284.5,1,1\n",
            "row 2: gmt time: must be like 02.05.2014 12:30:00.123, was '31.02.2014 22:59:59.660'",
        ),
        (
            f"{DUKASCOPY}01.05.2014 22:59:60.000,1285.25,1284.5,1,1\n",
            "row 2: gmt time: must be like 02.05.2014 12:30:00.123, was '01.05.2014 22:59:60.000'",
        ),
        (f"{DUKASCOPY}01.05.2014 22:59:59.660,1285.25\n", "row 2: has 2 cells, needs gmt time, bid and ask"),
        (
            f'{DUKASCOPY}01.05.2014 22:59:59.660,"1,285","1,284",1,1\n',
            "bid: 1,284 can be a decimal comma or thousands; set --decimal comma or --decimal point",
        ),
        (
            f"{DUKASCOPY}02.05.2014 22:59:59.660,2,1,1,1\n01.05.2014 22:59:59.660,2,1,1,1\n",
            "row 3: gmt time: 01.05.2014 22:59:59.660 is before the row above; sort the file",
        ),
        (
            "20140501 175959660,1284.5,1285.25,0\n20140501 175959661,1284.5,1285.25,0,7\n",
            "row 2: has 5 cells, the first row has 4",
        ),
        (
            "XAU/USD,20140501 22:59:59.660,1284.5,1285.25\nXAG/USD,20140501 23:00:00.000,19.1,19.2\n",
            "row 2: is of 'XAG/USD', the rows above are of 'XAU/USD'; keep one instrument",
        ),
        (
            "timestamp,bid,ask\n20140501,1,2\n",
            "row 2: timestamp: 20140501 is no instant from 1999 to 2035 in",
        ),
        ("timestamp,bid,ask\n13989851996,1,2\n", "row 2: timestamp: 13989851996 is no instant from 1999"),
        (
            "timestamp,bid,ask\n1398985199,1,2\n1398985200000,1,2\n",
            "row 3: timestamp: must be like seconds since 1970, as the rows above, was '1398985200000'",
        ),
        (
            "timestamp,bid,ask\n1398985199,1,2\n0x53627B30,1,2\n",
            "row 3: timestamp: must be like seconds since 1970",
        ),
        (
            "20140501 175959;1284.5;0\n",
            "row 1: holds one side of the market (HistData, NinjaTrader ticks); give HistData's Generic",
        ),
        ("74123,1284.5,1285.25\n", "row 1: has no date (LEAN's ticks have milliseconds of a day); write the"),
        ("1398985199660,1284.5,1285.25\n", "row 1: has no header, so which price is the bid is not known"),
        (
            "ts_utc,bid_open,bid_high,bid_low,bid_close\n2014-05-01T22:59:00Z,1,2,1,2\n",
            "row 1: holds bars (ts_utc,bid_open,bid_high,bid_low,bid_close), not quotes; give ticks with bid",
        ),
        (
            "time;bid\n2014-05-01T22:59:00Z;1\n",
            "row 1: ask: column is missing; a quote has bid and ask, this file has only the bid",
        ),
        (
            "Gmt time,Ask,AskVolume\n01.05.2014 22:59:59.660,1285.25,1\n",
            "row 1: bid: column is missing; a quote has bid and ask, this file has only the ask",
        ),
        (
            "ts_utc,open,high,low,close\n2014-05-01T22:59:00Z,1,2,1,2\n",
            "row 1: holds bars (ts_utc,open,high,low,close), not quotes; give ticks with bid and ask, or a",
        ),
    ],
)
def test_near_miss_is_one_line_with_row_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "vendor.csv", text)

    assert error_of(path).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"{MT5}2014.10.26\t03:30:00.000\t1\t2\t\t\t6\n",
            "row 2: <date>: 2014.10.26 03:30:00.000 exists twice in Europe/Athens: the clocks were set back",
        ),
        (
            f"{MT5}2014.03.30\t03:30:00.000\t1\t2\t\t\t6\n",
            "row 2: <date>: 2014.03.30 03:30:00.000 does not exist in Europe/Athens: the clocks were set",
        ),
        (f"{MT5}2014.05.02\t12:00:00.000\t1\t\t\t\t6\n", "has no quote: no row has a bid and an ask"),
        (f"{MT5}2014.05.02\t12:00:00.000\t0\t2\t\t\t6\n", "row 2: <bid>: must be a positive number, was '0'"),
    ],
)
def test_near_miss_with_a_zone_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert error_of(write(tmp_path / "mt5.csv", text), ATHENS).startswith(said)


def test_hours_around_a_change_of_the_clocks_are_read_on_both_sides(tmp_path: Path) -> None:
    rows = "2014.10.26\t02:59:59.999\t1\t2\t\t\t6\n2014.10.26\t04:00:00.000\t1\t2\t\t\t6\n"
    batch = read(write(tmp_path / "mt5.csv", MT5 + rows), ATHENS)

    assert batch.ts_event_ns.tolist() == [
        parse_rfc3339("2014-10-25T23:59:59.999Z"),
        parse_rfc3339("2014-10-26T02:00:00Z"),
    ]


BAD_ROWS = {
    "crossed": "2014-05-02T12:00:00.500Z,3,2",
    "not_positive": "2014-05-02T12:00:00.500Z,0,2",
    "outside_range": "2014-05-02T12:00:00.500Z,1,1e13",
    "out_of_order": "2014-05-02T11:00:00.500Z,1,2",
    "unreadable": "2014-05-02T12:00:00.500Z,x,2",
}
GOOD = [f"2014-05-02T12:{second // 60:02}:{second % 60:02}Z,1,2" for second in range(3_000)]


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_single_bad_rows_are_left_out_and_counted_by_reason(tmp_path: Path, reason: str) -> None:
    rows = [GOOD[0], BAD_ROWS[reason], *GOOD[1:], BAD_ROWS["crossed"].replace("12:00:00", "13:00:00")]
    path = write(tmp_path / "ticks.csv", "\n".join(["ts_utc,bid,ask", *rows]))

    (batch,), (note,) = read_with_notes(path, ReadingOptions(skip_bad_rows=True))

    assert len(batch.bid) == len(GOOD)
    expected = {reason: 1, "crossed": 1} if reason != "crossed" else {"crossed": 2}
    assert dict(note.skipped) == expected
    assert note.text.startswith("bad rows left out: ")
    assert error_of(path).startswith("row 3: ")


def test_skipping_has_a_bound_of_a_hundred_and_one_in_a_hundred(tmp_path: Path) -> None:
    reading = ReadingOptions(skip_bad_rows=True)
    few = write(tmp_path / "few.csv", "\n".join(["ts_utc,bid,ask", *[BAD_ROWS["crossed"]] * 131, *GOOD, ""]))
    many = write(
        tmp_path / "many.csv", "\n".join(["ts_utc,bid,ask", *[BAD_ROWS["crossed"]] * 132, *GOOD[32:], ""])
    )

    assert len(read(few, reading).bid) == len(GOOD)
    assert error_of(many, reading) == (
        "row 133: bid: 3.0 is above the ask 2.0; 132 of the first 3,100 rows are bad, and --skip-bad-rows "
        "leaves out 100 and 1% at most: correct the file"
    )


def test_an_instant_far_ahead_is_the_bad_row_and_not_those_that_follow(tmp_path: Path) -> None:
    rows = [*GOOD[:2], "2030-05-02T12:00:00Z,1,2", *GOOD[2:]]
    path = write(tmp_path / "ticks.csv", "\n".join(["ts_utc,bid,ask", *rows]))

    batch = read(path, ReadingOptions(skip_bad_rows=True))

    assert len(batch.bid) == len(GOOD)
    assert batch.ts_event_ns[-1] < parse_rfc3339("2030-01-01T00:00:00Z")


def test_a_file_in_no_order_is_refused_even_where_single_rows_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "ticks.csv", "\n".join(["ts_utc,bid,ask", *GOOD[1_000:], *GOOD[:1_000]]))

    said = error_of(path, ReadingOptions(skip_bad_rows=True))

    assert "is not in the order of time of the rows around it" in said
    assert said.endswith("correct the file")


def test_prices_are_those_of_python_to_the_last_bit(tmp_path: Path) -> None:
    chance = np.random.default_rng(20140501)
    bids = [
        *(repr(float(value)) for value in chance.uniform(1e-9, 1e5, 5_000)),
        *(f"{value:.25f}" for value in chance.uniform(1, 2, 2_000)),
        *(f"{value:.17e}" for value in 10 ** chance.uniform(-8, 11, 2_000)),
        "9007199254740993", "1e-9", "123456789.123456789123456789", "8.41e9", ".5", "5.",
    ]  # fmt: skip
    bids = [bid for bid in bids if float(bid) <= 1e12]
    rows = "".join(f"2014-05-02T12:00:00Z,{bid},1e12\n" for bid in bids)

    batch = read(write(tmp_path / "ticks.csv", f"ts_utc,bid,ask\n{rows}"))

    assert batch.bid.tolist() == [float(bid) for bid in bids]
