"""A tick file, however it is written, reads back as what was written or is refused; never otherwise."""

import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.domain.instants import parse_rfc3339
from shared.errors import ConfigError
from shared.files.file_note import FileNote
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.reader import has_tick_header, read_tick_csv

_IN_TMP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
_MS = 1_000_000
_ATHENS = ZoneInfo("Europe/Athens")
_BEGIN, _END = datetime(1999, 1, 2, tzinfo=UTC), datetime(2035, 12, 30, tzinfo=UTC)

Row = tuple[int, float, float]

_rows = st.lists(
    st.tuples(
        st.integers(int(_BEGIN.timestamp()) * 1_000, int(_END.timestamp()) * 1_000),
        st.integers(1, 9_999_999).map(lambda ticks: ticks / 1_000),
        st.integers(0, 5_000).map(lambda ticks: ticks / 1_000),
    ),
    min_size=1,
    max_size=30,
).map(lambda rows: [(ms, bid, round(bid + gap, 3)) for ms, bid, gap in sorted(rows)])


def _at(ms: int, zone: ZoneInfo | timezone = UTC) -> datetime:
    return datetime.fromtimestamp(ms // 1_000, zone) + timedelta(milliseconds=ms % 1_000)


def _dotted(when: datetime) -> str:
    return f"{when:%d.%m.%Y %H:%M:%S}.{when.microsecond // 1_000:03}"


def _plain(ms: int, bid: float, ask: float) -> str:
    return f"{_at(ms).isoformat().replace('+00:00', 'Z')},{bid!r},{ask!r}"


def _new_york(ms: int, bid: float, ask: float) -> str:
    return f"{_at(ms, ZoneInfo('America/New_York')).isoformat(sep=' ')},{bid},{ask}"


def _dukascopy(ms: int, bid: float, ask: float) -> str:
    return f"{_dotted(_at(ms))},{ask},{bid},1.5,0.75"


def _histdata(ms: int, bid: float, ask: float) -> str:
    when = _at(ms, timezone(timedelta(hours=-5)))
    return f"{when:%Y%m%d %H%M%S}{when.microsecond // 1_000:03},{bid:.6f},{ask:.6f},0"


def _truefx(ms: int, bid: float, ask: float) -> str:
    when = _at(ms)
    return f"XAU/USD,{when:%Y%m%d %H:%M:%S}.{when.microsecond // 1_000:03},{bid:.3f},{ask:.3f}"


def _metatrader(ms: int, bid: float, ask: float) -> str:
    when = _at(ms, _ATHENS)
    return f"{when:%Y.%m.%d\t%H:%M:%S}.{when.microsecond // 1_000:03}\t{bid}\t{ask}\t\t\t6"


_VENDORS: dict[str, tuple[str, Callable[[int, float, float], str]]] = {
    "plain": ("ts_utc,bid,ask\n", _plain),
    "offsets": ("time,bid,ask\n", _new_york),
    "dukascopy": ("Gmt time,Ask,Bid,AskVolume,BidVolume\n", _dukascopy),
    "histdata": ("", _histdata),
    "truefx": ("", _truefx),
    "metatrader5": ("<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n", _metatrader),
    "milliseconds": ("timestamp,bid,ask\n", lambda ms, bid, ask: f"{ms},{bid},{ask}"),
    "seconds": (
        "timestamp,bid,ask\n",
        lambda ms, bid, ask: f"{ms // 1_000}.{ms % 1_000:03},{bid},{ask}",
    ),
    "nanoseconds": ("timestamp,bid,ask\n", lambda ms, bid, ask: f"{ms * _MS},{bid},{ask}"),
}
_PACKINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda plain: plain,
    gzip.compress,
    lzma.compress,
    lambda plain: plain.decode().encode("utf-16"),
    lambda plain: plain.replace(b"\n", b"\r\n"),
    lambda plain: plain.rstrip(b"\n"),
)


def _read(
    path: Path, content: bytes, *, zone: str | None = None, skip_bad_rows: bool = False
) -> tuple[list[Row], dict[str, int]] | None:
    """Return the quotes and what was skipped; None if the file is refused in one line."""
    path.write_bytes(content)
    reading = ReadingOptions(timezone=zone, skip_bad_rows=skip_bad_rows)
    notes: list[FileNote] = []
    refused = ""
    try:
        has_tick_header(path, reading)
        batches = list(read_tick_csv(path, instrument="X", reading=reading, on_note=notes.append))
    except ConfigError as error:
        refused = str(error)
    assert "\n" not in refused
    if refused:
        return None
    rows = [
        row
        for batch in batches
        for row in zip(batch.ts_event_ns.tolist(), batch.bid.tolist(), batch.ask.tolist(), strict=True)
    ]
    return rows, {reason: count for note in notes for reason, count in note.skipped}


def _is_doubtful(ms: int) -> bool:
    """Return whether Athens' clocks showed this time twice: such a row is refused."""
    local = _at(ms, _ATHENS).replace(fold=0)
    return local.utcoffset() != local.replace(fold=1).utcoffset()


@_IN_TMP
@given(rows=_rows, vendor=st.sampled_from(sorted(_VENDORS)), packing=st.sampled_from(_PACKINGS))
def test_file_of_a_vendor_reads_back(
    tmp_path: Path, rows: list[tuple[int, float, float]], vendor: str, packing: Callable[[bytes], bytes]
) -> None:
    header, line = _VENDORS[vendor]
    text = header + "".join(f"{line(*row)}\n" for row in rows)

    zone = "Europe/Athens" if vendor == "metatrader5" else None
    found = _read(tmp_path / "ticks.csv", packing(text.encode()), zone=zone)

    if vendor == "metatrader5" and any(_is_doubtful(ms) for ms, _, _ in rows):
        assert found is None
    else:
        assert found == ([(ms * _MS, bid, ask) for ms, bid, ask in rows], {})


@_IN_TMP
@given(
    rows=_rows,
    vendor=st.sampled_from(sorted(_VENDORS)),
    at=st.floats(0, 1),
    junk=st.sampled_from([b"", b"\x00", b",", b"\n", b"\r", b'"', b"x", b"-", b"\xff", b"99", b"\t", b" "]),
    is_skipped=st.booleans(),
)
def test_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path,
    *,
    rows: list[tuple[int, float, float]],
    vendor: str,
    at: float,
    junk: bytes,
    is_skipped: bool,
) -> None:
    header, line = _VENDORS[vendor]
    content = (header + "".join(f"{line(*row)}\n" for row in rows)).encode()
    place = int(at * len(content))

    found = _read(
        tmp_path / "ticks.csv",
        content[:place] + junk + content[place + 1 :],
        zone="Europe/Athens",
        skip_bad_rows=is_skipped,
    )

    if found is not None:
        quotes, _ = found
        assert len(quotes) <= len(rows) + 1
        assert quotes == sorted(quotes, key=lambda quote: quote[0])
        assert all(LEAST_PRICE <= bid <= ask <= MOST_PRICE for _, bid, ask in quotes)


_FAULTS: dict[str, Callable[[str, float], tuple[str, str, str]]] = {
    "crossed": lambda ts, bid: (ts, repr(bid + 1), repr(bid)),
    "not_positive": lambda ts, bid: (ts, "-1", repr(bid)),
    "outside_range": lambda ts, bid: (ts, repr(bid), "1e15"),
    "unreadable": lambda ts, bid: (ts, repr(bid), "n/a"),
    "out_of_order": lambda _ts, bid: ("1999-01-01T00:00:00Z", repr(bid), repr(bid)),
}


@_IN_TMP
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3_000), st.sampled_from([*_FAULTS, "", "", ""])), min_size=2, max_size=90
    ),
    repeats=st.sampled_from([1, 1, 30]),
)
@example(rows=[(0, "crossed"), (1, "")], repeats=1)
def test_rows_that_are_skipped_are_those_that_a_plain_loop_would_skip(
    tmp_path: Path, rows: list[tuple[int, str]], repeats: int
) -> None:
    lines, expected, counted = [], [], dict[str, int]()
    newest, second = 0, 0
    faults = {fault: sum(1 for _, each in rows if each == fault) for fault in _FAULTS}
    # Good rows in between keep below the bound whatever was drawn.
    for gap, fault in [*[(0, "")] * (repeats * 300), *rows]:
        second += gap
        ts = (datetime(2014, 5, 1, tzinfo=UTC) + timedelta(seconds=second)).isoformat()
        if fault:
            text, bid, ask = _FAULTS[fault](ts, 10.5)
            reason = "out_of_order" if fault != "unreadable" and parse_rfc3339(text) < newest else fault
            counted[reason] = counted.get(reason, 0) + 1
        else:
            text, bid, ask = ts, "10.5", "10.75"
            newest = parse_rfc3339(ts)
            expected.append((newest, 10.5, 10.75))
        lines.append(f"{text},{bid},{ask}\n")
    assert sum(faults.values()) == sum(counted.values())

    found = _read(tmp_path / "ticks.csv", ("ts_utc,bid,ask\n" + "".join(lines)).encode(), skip_bad_rows=True)

    assert found == (expected, counted)
