"""The rows of a block of a tick file one by one: which is bad, and why."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from shared.errors import ConfigError
from shared.files.csv_fields import price
from shared.files.input_file import bad_file
from shared.files.ticks.epoch_numbers import parse_epoch
from shared.files.ticks.instant_layouts import ClockChange, parse_instants
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
    needed = max(columns.time) if columns.format.is_carried else max(*columns.time, columns.bid, columns.ask)
    for row, line in enumerate(lines, first_row):
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line], delimiter=columns.delimiter))
        except csv.Error as error:
            yield BadRow("unreadable", bad_file(path, f"is not CSV: {error}", row=row))
            continue
        if columns.format.is_carried:
            # An empty cell at the end is often left out.
            cells += [""] * (columns.width - len(cells))
        if len(cells) <= needed:
            names = f"{columns.names[0]}, {columns.names[1]} and {columns.names[2]}"
            yield BadRow("unreadable", bad_file(path, f"has {len(cells)} cells, needs {names}", row=row))
        elif len(cells) > columns.width:
            whose = "the header" if columns.header_rows else "the first row"
            problem = f"has {len(cells)} cells, {whose} has {columns.width}"
            yield BadRow("unreadable", bad_file(path, problem, row=row))
        else:
            found = _quote(path, cells, columns, row, before)
            if found is not None:
                yield found


def _quote(
    path: Path, cells: list[str], columns: TickColumns, row: int, before: Before
) -> Quote | BadRow | None:
    if columns.symbol is not None:
        symbol = cells[columns.symbol].strip()
        if before.symbol and symbol != before.symbol:
            problem = f"is of {symbol[:20]!r}, the rows above are of {before.symbol!r}; keep one instrument"
            return BadRow("unreadable", bad_file(path, problem, row=row))
        before.symbol = symbol
    ts_ns = _instant(path, " ".join(cells[at] for at in columns.time), columns, row, before)
    if isinstance(ts_ns, BadRow):
        return ts_ns
    bid_text, ask_text = cells[columns.bid], cells[columns.ask]
    if columns.format.is_carried:
        bid_text, ask_text = bid_text.strip() or before.bid, ask_text.strip() or before.ask
        if not bid_text or not ask_text:
            # Until both sides are known there is no quote.
            before.bid, before.ask, before.ts_ns = bid_text, ask_text, ts_ns
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
    before.ts_ns, before.bid, before.ask = ts_ns, bid_text, ask_text
    return Quote(ts_ns, bid, ask)


def _instant(path: Path, text: str, columns: TickColumns, row: int, before: Before) -> int | BadRow:
    name = columns.names[0]
    try:
        ts_ns = instant_of(text, columns)
    except ClockChange as change:
        problem = f"{text[:40]} {change}; leave the hour out, or give instants with an offset"
        return BadRow("unreadable", bad_file(path, problem, row=row, field=name))
    except ValueError:
        problem = f"must be like {_example(columns)}, was {text[:40]!r}"
        return BadRow("unreadable", bad_file(path, problem, row=row, field=name))
    if ts_ns < before.ts_ns:
        problem = f"{text} is before the row above; sort the file"
        return BadRow("out_of_order", bad_file(path, problem, row=row, field=name))
    return ts_ns


def instant_of(text: str, columns: TickColumns) -> int:
    """Return the instant of one row.

    Raises
    ------
    ValueError
        If the text is none.
    """
    texts = pa.array([text], type=pa.string())
    if columns.unit is not None:
        return int(parse_epoch(texts, columns.unit)[0])
    assert columns.layout is not None  # noqa: S101 - instants are numbers or have a layout
    return int(parse_instants(texts, columns.layout, columns.zone)[0])


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
