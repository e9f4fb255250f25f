"""The rows of a block of a tick file one by one: which is bad, and why."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from shared.errors import ConfigError
from shared.files.csv_fields import price
from shared.files.input_file import bad_file
from shared.files.ticks.arrow_columns import instants_of
from shared.files.ticks.instant_layouts import ClockChange
from shared.files.ticks.recognition import TickColumns

# So many bad rows may always be skipped, and beyond them one in a hundred: more is another format, or a
# damaged file, and what is left of it would pass for a history.
ALWAYS_SKIPPED: Final = 100
SKIPPED_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Quote:
    """One row that can be used."""

    ts_ns: int
    bid: float
    ask: float


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used.

    Parameters
    ----------
    reason
        As in the table of `services.ingestor.core.tick_validation` where a live tick can have the fault too;
        else ``unreadable``.
    error
        The line for people.
    """

    reason: str
    error: ConfigError


@dataclass(slots=True)
class SkippedRows:
    """Counts the bad rows of one file that were left out.

    Raises
    ------
    ConfigError
        From `add`, once they are more than single bad rows.
    """

    rows: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)

    def add(self, bad: BadRow) -> None:
        """Count a row among the ``rows`` read so far."""
        self.by_reason[bad.reason] = self.by_reason.get(bad.reason, 0) + 1
        skipped = sum(self.by_reason.values())
        if skipped > ALWAYS_SKIPPED + SKIPPED_SHARE * self.rows:
            raise ConfigError(
                f"{bad.error}; {skipped:,} of the first {self.rows:,} rows are bad, and --skip-bad-rows "
                f"leaves out {ALWAYS_SKIPPED} and {SKIPPED_SHARE:.0%} at most: correct the file"
            )


@dataclass(slots=True)
class Before:
    """What the rows above say about the next one: the newest instant, and prices that may be left out."""

    ts_ns: int = -(1 << 62)
    bid: str = ""
    ask: str = ""
    symbol: str = ""


def rows_of(
    path: Path, lines: list[str], columns: TickColumns, first_row: int, before: Before
) -> Iterator[Quote | BadRow]:
    """Yield what each line holds; blank lines are left out.

    Parameters
    ----------
    before
        The rows above; is updated with each quote.
    """
    read = [
        (row, _cells(path, line, columns, row)) for row, line in enumerate(lines, first_row) if line.strip()
    ]
    texts = [" ".join(cells[at] for at in columns.time) for _, cells in read if not isinstance(cells, BadRow)]
    instants = iter(_instants(texts, columns))
    for row, cells in read:
        found = (
            cells if isinstance(cells, BadRow) else _quote(path, cells, columns, row, before, next(instants))
        )
        if found is not None:
            yield found


def usable_instants(path: Path, lines: list[str], columns: TickColumns) -> list[int | None]:
    """Return the instant of each line, or None where it or the prices cannot be used.

    Prices that may be left out are not looked at.
    """
    cells = [_cells(path, line, columns, 0) for line in lines]
    texts = [" ".join(each[at] for at in columns.time) for each in cells if not isinstance(each, BadRow)]
    instants = iter(_instants(texts, columns))
    return [
        None if isinstance(each, BadRow) else _usable(path, each, columns, next(instants)) for each in cells
    ]


def _usable(path: Path, cells: list[str], columns: TickColumns, instant: int | ValueError) -> int | None:
    if isinstance(instant, ValueError):
        return None
    if columns.format.is_carried:
        return instant
    try:
        bid, ask = (price(path, cells[at], 0, "") for at in (columns.bid, columns.ask))
    except ConfigError:
        return None
    return instant if bid <= ask else None


def _cells(path: Path, line: str, columns: TickColumns, row: int) -> list[str] | BadRow:
    needed = max(columns.time) if columns.format.is_carried else max(*columns.time, columns.bid, columns.ask)
    try:
        cells = next(csv.reader([line], delimiter=columns.delimiter), [])
    except csv.Error as error:
        return BadRow("unreadable", bad_file(path, f"is not CSV: {error}", row=row))
    if len(cells) <= needed:
        names = f"{columns.names[0]}, {columns.names[1]} and {columns.names[2]}"
        return BadRow("unreadable", bad_file(path, f"has {len(cells)} cells, needs {names}", row=row))
    if len(cells) > columns.width:
        whose = "the header" if columns.header_rows else "the first row"
        problem = f"has {len(cells)} cells, {whose} has {columns.width}"
        return BadRow("unreadable", bad_file(path, problem, row=row))
    # An empty cell at the end is often left out.
    cells += [""] * (columns.width - len(cells))
    if columns.decimal != ".":
        for at, name in zip((columns.bid, columns.ask), columns.names[1:], strict=True):
            if "." in cells[at]:
                problem = f"must have a decimal comma as the rows above, was {cells[at][:40]!r}"
                return BadRow("unreadable", bad_file(path, problem, row=row, field=name))
            cells[at] = cells[at].replace(columns.decimal, ".")
    return cells


def _instants(texts: list[str], columns: TickColumns) -> list[int] | list[int | ValueError]:
    """Return the instant of each text, or what is wrong with it."""
    if not texts:
        return []
    try:
        return _at_once(texts, columns)
    except ValueError:
        return [_alone(text, columns) for text in texts]


def _alone(text: str, columns: TickColumns) -> int | ValueError:
    try:
        return _at_once([text], columns)[0]
    except ValueError as error:
        return error


def _at_once(texts: list[str], columns: TickColumns) -> list[int]:
    # From buffers: pyarrow.array would import pandas.
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))
    return [int(ns) for ns in instants_of(pa.StringArray.from_buffers(len(texts), *buffers), columns)]


def _quote(
    path: Path,
    cells: list[str],
    columns: TickColumns,
    row: int,
    before: Before,
    instant: int | ValueError,
) -> Quote | BadRow | None:
    if columns.symbol is not None:
        symbol = cells[columns.symbol].strip()
        if before.symbol and symbol != before.symbol:
            problem = f"is of {symbol[:20]!r}, the rows above are of {before.symbol!r}; keep one instrument"
            return BadRow("unreadable", bad_file(path, problem, row=row))
        before.symbol = symbol
    text = " ".join(cells[at] for at in columns.time)
    problem = _problem_of(text, instant, columns)
    if isinstance(instant, ValueError) or problem:
        return BadRow("unreadable", bad_file(path, problem, row=row, field=columns.names[0]))
    if instant < before.ts_ns:
        problem = f"{text} is before the row above; sort the file"
        return BadRow("out_of_order", bad_file(path, problem, row=row, field=columns.names[0]))
    bid_text, ask_text = cells[columns.bid], cells[columns.ask]
    if columns.format.is_carried:
        bid_text, ask_text = bid_text.strip() or before.bid, ask_text.strip() or before.ask
        if not bid_text or not ask_text:
            # Until both sides are known there is no quote.
            before.bid, before.ask, before.ts_ns = bid_text, ask_text, instant
            return None
    for name, price_text in zip(columns.names[1:], (bid_text, ask_text), strict=True):
        try:
            price(path, price_text, row, name)
        except ConfigError as error:
            return BadRow(_reason_of(price_text), error)
    bid, ask = float(bid_text), float(ask_text)
    if bid > ask:
        problem = f"{bid} is above the ask {ask}"
        return BadRow("crossed", bad_file(path, problem, row=row, field=columns.names[1]))
    before.ts_ns, before.bid, before.ask = instant, bid_text, ask_text
    return Quote(instant, bid, ask)


def _problem_of(text: str, instant: int | ValueError, columns: TickColumns) -> str:
    if isinstance(instant, ClockChange):
        return f"{text[:40]} {instant}; leave the hour out, or give instants with an offset"
    if isinstance(instant, ValueError):
        return f"must be like {_example(columns)}, was {text[:40]!r}"
    return ""


def _example(columns: TickColumns) -> str:
    if columns.layout is None:
        return f"{columns.unit} since 1970, as the rows above"
    if columns.layout.template.endswith(".fz"):
        return "2014-05-02T12:30:00.000001Z"
    return columns.layout.example


def _reason_of(price_text: str) -> str:
    try:
        value = float(price_text)
    except ValueError:
        return "unreadable"
    return "outside_range" if 0 < value < float("inf") else "not_positive"
