"""A tick file, however it is written, reads back as what was written or is refused; never otherwise."""

import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.domain.instants import parse_rfc3339
from shared.errors import ConfigError
from shared.files.file_note import FileNote
from shared.files.reading_options import ReadingOptions
from shared.files.ticks import line_blocks
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


_WRONG: dict[str, Callable[[str], str]] = {
    "future": lambda _ts: "2031-01-01T00:00:00Z,10.5,10.75",
    "a later future": lambda _ts: "2034-02-01T00:00:00Z,10.5,10.75",
    "past": lambda _ts: "2001-01-01T00:00:00Z,10.5,10.75",
    "crossed": lambda ts: f"{ts},10.75,10.5",
    "crossed in the future": lambda _ts: "2031-01-01T00:00:00Z,10.75,10.5",
    "unreadable": lambda ts: f"{ts},n/a,10.75",
    "short": lambda ts: ts,
    "no instant": lambda _ts: "soon,10.5,10.75",
}


@_IN_TMP
@given(
    seed=st.integers(0, 1 << 32),
    longest_gap=st.sampled_from([0, 1, 90_000]),
    wrong=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(sorted(_WRONG))), min_size=1, max_size=10),
    block_bytes=st.sampled_from([5_000, 1 << 21]),
)
@example(seed=1, longest_gap=1, wrong=[(1.0, "future")] * 10, block_bytes=5_000)
@example(seed=1, longest_gap=1, wrong=[(0.0, "past")] * 10, block_bytes=5_000)
@example(seed=1, longest_gap=1, wrong=[(0.994, "future")] * 10, block_bytes=5_000)
def test_bad_rows_that_are_put_into_a_good_file_are_those_that_are_left_out(
    tmp_path: Path, seed: int, longest_gap: int, wrong: list[tuple[float, str]], block_bytes: int
) -> None:
    gaps = np.random.default_rng(seed).integers(0, longest_gap, 300, endpoint=True)
    seconds = gaps.cumsum().tolist()
    instants = [datetime(2014, 5, 1, tzinfo=UTC) + timedelta(seconds=each) for each in seconds]
    lines = [f"{each.isoformat()},10.5,10.75" for each in instants]
    for place, fault in wrong:
        at = round(place * len(lines))
        near = lines[max(at - 1, 0)].split(",")[0]
        lines.insert(at, _WRONG[fault](near if near[:2] == "20" else instants[0].isoformat()))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(line_blocks, "_BLOCK_BYTES", block_bytes)
        content = "ts_utc,bid,ask\n" + "".join(f"{line}\n" for line in lines)
        found = _read(tmp_path / "ticks.csv", content.encode(), skip_bad_rows=True)

    assert found is not None
    quotes, skipped = found
    assert [ns for ns, _, _ in quotes] == [round(each.timestamp()) * 10**9 for each in instants]
    assert sum(skipped.values()) == len(wrong)
