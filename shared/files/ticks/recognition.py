"""Which format a tick file has, from its first lines; what is ambiguous is refused with the option to set."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.files.csv_fields import position
from shared.files.input_file import bad_file
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.daily_with_quotes import is_daily
from shared.files.ticks.decimal_comma import has_decimal_comma
from shared.files.ticks.epoch_numbers import is_number, unit_of
from shared.files.ticks.formats import BAR_ENDINGS, NOT_QUOTES, PLAIN, TICK_FORMATS, TickFormat
from shared.files.ticks.instant_layouts import Layout

_DELIMITERS: Final = (",", "\t", ";", "|")
# A daily file may have a bid besides its close.
_CLOSE_ENDINGS: Final = ("close", "price", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class TickColumns:
    """Where a tick file's values are, and how they are written.

    Parameters
    ----------
    header_rows
        0 or 1.
    time
        Positions: one, or those of date and time.
    names
        Of time, bid and ask, for errors.
    layout, unit
        How instants are written: one of the two is None.
    zone
        IANA name, or None where each instant says its own.
    symbol
        Position of the instrument's name, where rows have one.
    decimal
        The decimal mark of prices.
    """

    format: TickFormat
    delimiter: str
    header_rows: int
    width: int
    time: tuple[int, ...]
    bid: int
    ask: int
    names: tuple[str, str, str]
    layout: Layout | None
    unit: str | None
    zone: str | None
    symbol: int | None = None
    decimal: str = "."


def find_tick_format(lines: Sequence[str], reading: ReadingOptions) -> tuple[TickFormat, str] | None:
    """Return format and delimiter of a file with these first lines, or None where they are not of ticks."""
    if not lines:
        return None
    for each in _candidates(reading):
        if each.head is not None:
            if each.head.fullmatch(lines[0].strip()):
                return each, ","
            continue
        for delimiter in _DELIMITERS:
            header = _names(lines[0], delimiter)
            if not _has_columns(header, each):
                continue
            if each is not PLAIN and is_daily(header, _times(lines[1:], header, delimiter, each), reading):
                return None
            return each, delimiter
    return None


def tick_columns(
    path: Path, lines: Sequence[str], found: tuple[TickFormat, str], reading: ReadingOptions
) -> TickColumns:
    """Return how to read a file of a format.

    Raises
    ------
    ConfigError
        If a column is missing or appears twice, or the file does not say a zone, a unit, or which number of a
        date is the day.
    """
    tick_format, delimiter = found
    if tick_format.head is not None:
        groups = tick_format.head.groupindex
        at = {name: index - 1 for name, index in groups.items()}
        width, header_rows = len(groups), 0
        times: tuple[int, ...] = (at["time"],)
        names = ("time", "bid", "ask")
        bid, ask, symbol = at["bid"], at["ask"], at.get("symbol")
    else:
        header = _names(lines[0], delimiter)
        wanted = "have ts_utc,bid,ask"
        names = (
            _name(header, tick_format.time),
            _name(header, tick_format.bid),
            _name(header, tick_format.ask),
        )
        time_names = tick_format.time if tick_format.is_split else names[:1]
        _require_no_bars(path, header, names)
        times = tuple(position(path, header, name, wanted=wanted) for name in time_names)
        bid, ask = (position(path, header, name, wanted=wanted) for name in names[1:])
        width, header_rows, symbol = len(header), 1, None
    rows = [_cells(line, delimiter) for line in lines[header_rows:] if line.strip()]
    texts = [" ".join(row[at] for at in times) for row in rows if len(row) > max(times)]
    price_texts = [row[at].strip() for row in rows for at in (bid, ask) if len(row) > at]
    layout, unit = _layout_of(path, texts, tick_format, names[0], reading)
    return TickColumns(
        format=tick_format,
        delimiter=delimiter,
        header_rows=header_rows,
        width=width,
        time=times,
        bid=bid,
        ask=ask,
        names=names,
        layout=layout,
        unit=unit,
        zone=_zone_of(path, layout, tick_format, names[0], reading),
        symbol=symbol,
        decimal="," if has_decimal_comma(path, price_texts, names[1], reading) else ".",
    )


def require_not_misleading(path: Path, lines: Sequence[str]) -> None:
    """Refuse a file that looks like ticks, where it is clear what it is instead.

    Raises
    ------
    ConfigError
        With what it is and what to give.
    """
    if not lines:
        return
    for pattern, problem in NOT_QUOTES:
        if pattern.fullmatch(lines[0].strip()):
            raise bad_file(path, problem, row=1)
    for delimiter in _DELIMITERS:
        names = _names(lines[0], delimiter)
        if any(name.endswith(_CLOSE_ENDINGS) for name in names):
            continue
        for has, lacks in (("bid", "ask"), ("ask", "bid")):
            if has in names and lacks not in names:
                problem = f"column is missing; a quote has bid and ask, this file has only the {has}"
                raise bad_file(path, problem, row=1, field=lacks)


def described(columns: TickColumns) -> str:
    """Return one sentence on how a file is read.

    Examples
    --------
    >>> found = find_tick_format(["Gmt time,Ask,Bid"], ReadingOptions())
    >>> lines = ["Gmt time,Ask,Bid", "02.05.2014 12:30:00.123,1284.0,1283.5"]
    >>> described(tick_columns(Path("xau.csv"), lines, found, ReadingOptions()))
    'read as Dukascopy ticks (dukascopy-ticks), times in UTC'
    """
    if columns.unit is not None:
        zone = f"in {columns.unit} since 1970"
    elif columns.zone is None:
        zone = "with the offset of each row"
    elif columns.zone == columns.format.zone:
        zone = f"in {columns.format.zone_note}"
    else:
        zone = f"in {columns.zone}"
    return f"read as {columns.format.title} ({columns.format.name}), times {zone}"


def _candidates(reading: ReadingOptions) -> list[TickFormat]:
    # A format that is asked for comes first; a file that it cannot be is recognised as without it.
    return sorted(TICK_FORMATS, key=lambda each: each.name != reading.format)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip().lower() for name in _cells(line, delimiter)]


def _has_columns(header: list[str], tick_format: TickFormat) -> bool:
    if tick_format is PLAIN:
        # The name is ours: a missing price is then a mistake, not another format.
        return PLAIN.time[0] in header
    has_time = (
        set(tick_format.time) <= set(header)
        if tick_format.is_split
        else not set(tick_format.time).isdisjoint(header)
    )
    has_prices = all(not set(names).isdisjoint(header) for names in (tick_format.bid, tick_format.ask))
    return has_time and has_prices and set(tick_format.more) <= set(header)


def _times(lines: Sequence[str], header: list[str], delimiter: str, tick_format: TickFormat) -> list[str]:
    at = [header.index(name) for name in tick_format.time if name in header]
    positions = at if tick_format.is_split else at[:1]
    rows = [_cells(line, delimiter) for line in lines if line.strip()]
    return [" ".join(row[each] for each in positions) for row in rows if len(row) > max(positions)]


def _name(header: list[str], known: tuple[str, ...]) -> str:
    return next((name for name in known if name in header), known[0])


def _require_no_bars(path: Path, header: list[str], names: tuple[str, str, str]) -> None:
    has_bars = any(name.endswith(BAR_ENDINGS) for name in header)
    if has_bars and not set(names[1:]) <= set(header):
        raise bad_file(
            path,
            f"holds bars ({','.join(header)[:80]}), not quotes; give ticks with bid and ask, or a daily file "
            "with date and close",
            row=1,
        )


def _layout_of(
    path: Path, texts: list[str], tick_format: TickFormat, field: str, reading: ReadingOptions
) -> tuple[Layout | None, str | None]:
    first = texts[0] if texts else ""
    if tick_format.is_epoch and is_number(first):
        unit = unit_of(first)
        if unit is None:
            raise bad_file(
                path,
                f"{first[:40]} is no instant from 1999 to 2035 in seconds, milliseconds, microseconds or "
                "nanoseconds since 1970; write it like 2014-05-02T12:30:00Z",
                row=2,
                field=field,
            )
        return None, unit
    fitting = [layout for layout in tick_format.layouts if layout.fits(first)]
    if len(fitting) < 2:
        return (fitting or tick_format.layouts)[0], None
    if reading.date_order is None:
        possible = [each for each in fitting if all(_is_date(each, text) for text in texts)]
    else:
        possible = [each for each in fitting if each.order_of_date() == reading.date_order.value]
    if len(possible) != 1:
        raise bad_file(
            path,
            f"which number is the day is not clear in {first[:40]!r}; set --date-order dmy or mdy",
            row=2,
            field=field,
        )
    return possible[0], None


def _is_date(layout: Layout, text: str) -> bool:
    match = layout.minute.match(text)
    return match is not None and int(match["month"]) <= 12


def _zone_of(
    path: Path, layout: Layout | None, tick_format: TickFormat, field: str, reading: ReadingOptions
) -> str | None:
    if layout is None or layout.has_zone:
        return None
    zone = tick_format.zone
    if reading.timezone is not None and not tick_format.is_zone_in_header:
        zone = reading.timezone
    if zone is None:
        raise bad_file(
            path,
            f"{tick_format.title} have times without a zone; say whose clock it is with --timezone, such as "
            "--timezone Europe/Athens",
            row=2,
            field=field,
        )
    return zone
