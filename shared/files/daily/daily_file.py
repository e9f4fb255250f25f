"""One daily file: its rows in ascending order, and what was noticed about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Final

from shared.files.daily.date_column import ORDER_WORDS, order_problems, read_dates
from shared.files.daily.formats import PLAIN, DailyFormat, daily_format
from shared.files.daily.price_column import file_decimal_mark, read_prices
from shared.files.daily.problems import LeftOut, Problem, settle
from shared.files.daily.recognition import Layout, recognise, several_tickers
from shared.files.daily.table import Columns, read_columns, read_text
from shared.files.file_note import FileNote, NoteKind
from shared.files.input_file import bad_file
from shared.files.reading_options import DateOrder, ReadingOptions

_DAILY_PERIODS: Final = frozenset({"d", "d1", "1d", "daily", "1440"})


@dataclass(frozen=True, slots=True)
class Row:
    """A session's prices.

    Parameters
    ----------
    row
        The line in the file.
    """

    path: Path
    row: int
    session: str
    close: float
    adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFile:
    """What a daily file holds.

    Parameters
    ----------
    rows
        Ascending by session.
    has_adjusted
        It has a column of adjusted closes.
    names
        The instruments that the file itself names.
    """

    path: Path
    format: DailyFormat
    rows: tuple[Row, ...]
    has_adjusted: bool
    names: tuple[str, ...]
    notes: tuple[FileNote, ...]


def read_daily_file(path: Path, reading: ReadingOptions) -> DailyFile:
    """Read a daily file.

    Raises
    ------
    ConfigError
        With file, row and field.
    """
    text = read_text(path)
    layout = recognise(text, reading.format)
    wanted = layout.format
    prices = [layout.close] if layout.adjusted is None else [layout.close, layout.adjusted]
    extra = [each for each in (layout.time, layout.ticker, layout.period) if each is not None]
    columns = read_columns(
        text,
        delimiter=layout.delimiter,
        skip=layout.skip,
        width=len(layout.names),
        positions=(layout.date, *prices, *extra),
    )
    count = len(columns.lines) + len(columns.bad)
    if not count:
        raise bad_file(path, "has no rows below its header; give a file with at least one session")
    rest = iter(columns.cells[1 + len(prices) :])
    times = next(rest) if layout.time is not None else None
    tickers = next(rest) if layout.ticker is not None else []
    periods = next(rest) if layout.period is not None else []
    names = _one_ticker(path, tickers) or layout.tickers
    _require_daily(path, periods, columns.lines)
    last = columns.lines[-1] if columns.lines else 0
    problems = [
        _bad_cells(line, cells, layout, is_below=line > last and cells == 1) for line, cells in columns.bad
    ]
    texts = _with_times(columns.cells[0], times)
    field = _field(layout, layout.date, "date")
    sessions, order, bad_dates = read_dates(
        path, texts, columns.lines, field=field, wanted=wanted, reading=reading
    )
    closes, adjusted, bad_prices = _prices(path, columns, layout, reading)
    problems += bad_dates + bad_prices
    left_out = settle(path, problems, rows=count, is_skipping=reading.skip_bad_rows)
    skipped = left_out.lines if left_out is not None else frozenset()
    has_price = [close > 0 and adj > 0 for close, adj in zip(closes, adjusted, strict=True)]
    used = [
        session is not None and is_priced and line not in skipped
        for session, is_priced, line in zip(sessions, has_price, columns.lines, strict=True)
    ]
    rows = [
        Row(path, line, session, close, adj)
        for line, session, close, adj in compress(
            zip(columns.lines, sessions, closes, adjusted, strict=True), used
        )
        if session is not None
    ]
    if not rows:
        raise bad_file(path, "has no row with a price; give a file with at least one session")
    is_newest_first, disordered = order_problems(
        [row.session for row in rows], [row.row for row in rows], [row.close for row in rows], field=field
    )
    settle(path, disordered, rows=count, is_skipping=False)
    if is_newest_first:
        rows.reverse()
    without_price = sum(
        not is_priced and line not in skipped
        for is_priced, line in zip(has_price, columns.lines, strict=True)
    )
    return DailyFile(
        path=path,
        format=wanted,
        rows=tuple(rows),
        has_adjusted=layout.adjusted is not None,
        names=names,
        notes=(
            *_format_note(path, layout, reading, order, is_newest_first=is_newest_first),
            *_skip_notes(path, left_out, without_price, count),
        ),
    )


def _field(layout: Layout, position: int, name: str) -> str:
    """Return the name of a column for an error: the file's own, unless the file is plain."""
    return name if layout.format is PLAIN else layout.names[position] or name


def _prices(
    path: Path, columns: Columns, layout: Layout, reading: ReadingOptions
) -> tuple[list[float], list[float], list[Problem]]:
    closes = columns.cells[1]
    missing = layout.format.missing
    field = _field(layout, layout.close, "close")
    default = reading.decimal.mark if reading.decimal is not None else layout.format.decimal
    has_adjusted = layout.adjusted is not None
    mark = file_decimal_mark(
        path,
        [closes, columns.cells[2]] if has_adjusted else [closes],
        columns.lines,
        field=field,
        default=default,
        delimiter=layout.delimiter,
    )
    values, problems = read_prices(closes, columns.lines, field=field, mark=mark, missing=missing)
    if layout.adjusted is None:
        return values, values, problems
    adjusted, more = read_prices(
        columns.cells[2],
        columns.lines,
        field=_field(layout, layout.adjusted, "adj_close"),
        mark=mark,
        missing=missing,
    )
    return values, adjusted, problems + more


def _with_times(dates: Sequence[str], times: Sequence[str] | None) -> Sequence[str]:
    if times is None:
        return dates
    return [f"{day.strip()} {_clock(time.strip())}".strip() for day, time in zip(dates, times, strict=True)]


def _clock(text: str) -> str:
    """Return a time of day with colons.

    Examples
    --------
    >>> _clock("000000"), _clock("00:00")
    ('00:00:00', '00:00')
    """
    if text.isascii() and text.isdigit() and len(text) in (4, 6):
        return ":".join(text[at : at + 2] for at in range(0, len(text), 2))
    return text


def _one_ticker(path: Path, tickers: Sequence[str]) -> tuple[str, ...]:
    known = tuple(dict.fromkeys(each.strip() for each in tickers if each.strip()))
    if len(known) > 1:
        raise bad_file(path, several_tickers(known))
    return known


def _require_daily(path: Path, periods: Sequence[str], lines: Sequence[int]) -> None:
    for period, line in zip(periods, lines, strict=False):
        if period.strip().lower() not in _DAILY_PERIODS:
            raise bad_file(
                path, f"holds bars of period {period.strip()[:20]!r}, not D; give daily bars", row=line
            )


def _bad_cells(line: int, cells: int, layout: Layout, *, is_below: bool) -> Problem:
    text = f"has {cells} cells, the header has {len(layout.names)}"
    if cells > len(layout.names) and layout.delimiter == ",":
        text += "; a number with a comma must be in quotes"
    if is_below:
        text += "; if it is a note below the table, remove it"
    return Problem(line=line, reason="bad_cells", field=None, text=text)


def _format_note(
    path: Path, layout: Layout, reading: ReadingOptions, order: DateOrder | None, *, is_newest_first: bool
) -> Iterator[FileNote]:
    """Yield how a file was read, unless there is nothing to say: a plain one in its plain form."""
    parts = []
    if is_newest_first:
        parts.append("the newest row first")
    if order is not None:
        parts.append(f"dates with {ORDER_WORDS[order]}")
    if daily_format(reading.format or "") not in (None, layout.format):
        parts.append(f"its header is not that of --format {reading.format}")
    if layout.adjusted is None and layout.format.assumes:
        parts.append(layout.format.assumes)
    if parts or layout.format is not PLAIN:
        text = "; ".join([f"read as --format {layout.format.name} ({layout.format.vendor})", *parts])
        yield FileNote(path=path, kind=NoteKind.FORMAT, text=text)


def _skip_notes(path: Path, left_out: LeftOut | None, without_price: int, count: int) -> Iterator[FileNote]:
    if without_price:
        yield FileNote(
            path=path,
            kind=NoteKind.SKIPPED,
            text=f"rows without a price left out: {without_price:,} of {count:,}",
            skipped=(("no_price", without_price),),
        )
    if left_out is not None:
        reasons = ", ".join(f"{reason} {number}" for reason, number in left_out.reasons)
        yield FileNote(
            path=path,
            kind=NoteKind.SKIPPED,
            text=(
                f"bad rows left out: {len(left_out.lines):,} of {count:,} ({reasons}); the first is "
                f"{left_out.first}"
            ),
            skipped=left_out.reasons,
        )
