"""Quotes from a CSV file: header ``ts_utc,bid,ask``, ascending, plain or gzip."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import numpy as np
from numpy.typing import NDArray

from shared.domain.instants import parse_rfc3339
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.csv_fields import LEAST, MOST, position, price
from shared.files.input_file import bad_file, open_text

_NAMES: Final = ("ts_utc", "bid", "ask")
# Enough rows for numpy to be faster, few enough to stay below a few MB.
_CHUNK_ROWS: Final = 20_000
# The years that the calendar of sessions covers.
_FIRST_YEAR: Final = "1999"
_END_YEAR: Final = "2036"
# The characters of a decimal number: numpy would also read 1_300, and digits of any script.
_DECIMALS: Final = re.compile(r"[0-9.eE+\- \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    ts: int
    bid: int
    ask: int
    width: int


def has_tick_header(path: Path) -> bool:
    """Return whether a CSV file holds ticks rather than daily rows.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    with open_text(path) as lines:
        return "ts_utc" in lines.readline().strip().lower().split(",")


def read_tick_csv(path: Path, *, instrument: str) -> Iterator[QuoteBatch]:
    """Yield the file's quotes in batches of at most 20,000, in the file's order.

    ``ts_received_ns`` is the event time: a file does not say when a quote was received.

    Raises
    ------
    ConfigError
        With file, row and field: a column that is missing or appears twice, a row longer than the
        header, an instant without a zone, a price that is not a plain positive number, a bid above its ask,
        an instant before the one above it.
    """
    with open_text(path) as lines:
        columns = _columns(path, lines)
        first_row, previous_ns = 2, -(1 << 62)
        while chunk := list(islice(lines, _CHUNK_ROWS)):
            batch = _batch(chunk, columns, instrument)
            if batch is None or batch.ts_event_ns[0] < previous_ns:
                raise _explain(path, chunk, columns, first_row, previous_ns)
            yield batch
            previous_ns = int(batch.ts_event_ns[-1])
            first_row += len(chunk)
        if first_row == 2:
            raise bad_file(path, "has no rows below its header; give a file with at least one tick")


def _columns(path: Path, lines: TextIO) -> _Columns:
    header = [name.strip().lower() for name in lines.readline().split(",")]
    ts, bid, ask = (position(path, header, name, wanted="have ts_utc,bid,ask") for name in _NAMES)
    return _Columns(ts=ts, bid=bid, ask=ask, width=len(header))


def _batch(chunk: list[str], columns: _Columns, instrument: str) -> QuoteBatch | None:
    """Return the chunk as a batch, or None if any row of it is bad."""
    try:
        rows = [line.rstrip("\r\n").split(",") for line in chunk]
        events = _instants([row[columns.ts] for row in rows])
        bid = _prices([row[columns.bid] for row in rows])
        ask = _prices([row[columns.ask] for row in rows])
    except (ValueError, IndexError):
        return None
    if max(map(len, rows)) > columns.width:
        return None
    is_plausible = (bid >= LEAST).all() and (bid <= ask).all() and (ask <= MOST).all()
    if not is_plausible or (np.diff(events) < 0).any():
        return None
    return QuoteBatch(
        instrument=instrument, feed="replay", ts_event_ns=events, ts_received_ns=events, bid=bid, ask=ask
    )


def _prices(texts: list[str]) -> NDArray[np.float64]:
    if not _DECIMALS.fullmatch("".join(texts)):
        raise ValueError("a price is a decimal number")
    return np.array(texts, dtype=np.float64)


def _instants(texts: list[str]) -> NDArray[np.int64]:
    # numpy wraps years that 64 bits of nanoseconds cannot hold, and reads a date alone as midnight. Texts
    # compare as their years do.
    if min(texts) < _FIRST_YEAR or max(texts) >= _END_YEAR:
        raise ValueError("an instant needs a year of the calendar")
    if _are_plain_utc(texts):
        return np.array([text[:-1] for text in texts], dtype="datetime64[ns]").astype(np.int64)
    return np.array([parse_rfc3339(text) for text in texts], dtype=np.int64)


def _are_plain_utc(texts: list[str]) -> bool:
    """Return whether numpy may read the texts: it is fast, but ignores offsets and a tenth decimal."""
    joined = "".join(texts)
    return max(map(len, texts)) <= len("2014-05-02T12:30:00.000000001Z") and all(
        joined.count(mark) == times * len(texts) for mark, times in (("-", 2), (":", 2), ("T", 1), ("Z", 1))
    )


def _explain(
    path: Path, chunk: list[str], columns: _Columns, first_row: int, previous_ns: int
) -> ConfigError:
    """Return what is wrong with the first bad row of a chunk."""
    needed = max(columns.ts, columns.bid, columns.ask)
    for row, line in enumerate(chunk, first_row):
        cells = line.rstrip("\r\n").split(",")
        if len(cells) <= needed:
            return bad_file(path, f"has {len(cells)} cells, needs ts_utc, bid and ask", row=row)
        if len(cells) > columns.width:
            return bad_file(path, f"has {len(cells)} cells, the header has {columns.width}", row=row)
        try:
            ts_ns = int(_instants([cells[columns.ts]])[0])
        except ValueError:
            return bad_file(
                path,
                f"must be like 2014-05-02T12:30:00.000001Z, was {cells[columns.ts][:40]!r}",
                row=row,
                field="ts_utc",
            )
        if ts_ns < previous_ns:
            return bad_file(
                path, f"{cells[columns.ts]} is before the row above; sort the file", row=row, field="ts_utc"
            )
        previous_ns = ts_ns
        bid, ask = price(path, cells[columns.bid], row, "bid"), price(path, cells[columns.ask], row, "ask")
        if bid > ask:
            return bad_file(path, f"{bid} is above the ask {ask}", row=row, field="bid")
    return bad_file(path, "cannot be read as ts_utc,bid,ask", row=first_row)
