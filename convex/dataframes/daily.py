"""Daily closes in a DataFrame, as the bars that a file with the same rows gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convex.dataframes.frames import bad_frame, find_column, spelling
from convex.dataframes.prices import not_a_price, prices, unusable
from convex.dataframes.sessions import DATES, sessions_of
from shared.domain.sessions import SessionCalendar
from shared.errors import ConfigError, InputError
from shared.files.daily.daily_file import DailyFile, Row
from shared.files.daily.date_column import order_problems
from shared.files.daily.formats import PLAIN, DailyFormat, daily_format
from shared.files.daily.problems import Problem, settle
from shared.files.daily.reader import DailyLeg, leg_of
from shared.files.file_note import FileNote, NoteKind
from shared.files.reading_options import ReadingOptions

_CLOSE: Final = ("close", "price", "last")
_ADJUSTED: Final = ("adjclose", "adjustedclose")
_DROP: Final = "leave such rows out, with .dropna() or skip_bad_rows=True"


def daily_leg_of(
    name: str,
    table: pd.DataFrame,
    *,
    names: tuple[str, ...],
    instrument: str,
    calendar: SessionCalendar,
    reading: ReadingOptions,
    on_note: Callable[[FileNote], None],
) -> DailyLeg:
    """Return what a table holds as if it were a daily file; dates without a session are left out.

    Parameters
    ----------
    name
        The argument's, for errors.
    table
        With a close and, optionally, an adjusted close, which is scaled so that the newest row has the same
        in both columns.
    names
        The instruments that the table itself names.
    reading
        Says whether single rows without a usable price are left out and counted instead of refused, and how
        dates without a zone or of an unknown order are read.
    on_note
        Called with what was left out.

    Raises
    ------
    InputError
        With row, field and remedy.
    """
    sessions = sessions_of(name, table, reading)
    column, adjusted_column = _columns(name, table)
    close = prices(name, column, "close")
    adjusted = close if adjusted_column is None else prices(name, adjusted_column, "adj_close")
    is_bad = unusable(close) | unusable(adjusted)
    rows = sorted(map(int, np.flatnonzero(~is_bad)), key=sessions.__getitem__)
    if is_bad.any():
        if not reading.skip_bad_rows:
            row = int(is_bad.argmax())
            field, values = ("close", close) if unusable(close)[row] else ("adj_close", adjusted)
            raise bad_frame(
                name, not_a_price(float(values[row]), remedy=_DROP), row=row, label=sessions[row], field=field
            )
        if rows:
            require_single(name, is_bad, text="has no usable price")
        on_note(_skipped(name, int(is_bad.sum())))
    if not rows:
        raise bad_frame(name, "has no row with a price; give at least one session")
    scale = float(close[rows[-1]]) / float(adjusted[rows[-1]])
    scaled = adjusted * scale
    for row in rows:
        if unusable(scaled[row : row + 1])[0]:
            problem = f"is {scaled[row]:g} after scaling the newest row's to its close; correct the column"
            raise bad_frame(name, problem, row=row, label=sessions[row], field="adj_close")
    path = Path(name)
    held = tuple(Row(path, row, sessions[row], float(close[row]), float(adjusted[row])) for row in rows)
    _, disordered = order_problems(
        [row.session for row in held], [row.row for row in held], [row.close for row in held], field="date"
    )
    if disordered:
        raise bad_frame(name, disordered[0].text, field="date")
    format_ = _format(table, names)
    file = DailyFile(
        path=path,
        format=format_,
        rows=held,
        has_adjusted=adjusted_column is not None,
        names=names,
        notes=(),
    )
    if adjusted_column is None and format_.assumes:
        on_note(FileNote(path=path, kind=NoteKind.FORMAT, text=format_.assumes))
    try:
        return leg_of([file], instrument=instrument, calendar=calendar, on_note=on_note)
    except ConfigError as error:
        raise InputError(str(error)) from error


def require_single(name: str, is_bad: NDArray[np.bool_], *, text: str) -> None:
    """Refuse a table of which more rows are bad than single ones, as for a file.

    Raises
    ------
    InputError
        If there are more.
    """
    problems = [
        Problem(line=int(row), reason="bad_price", field=None, text=text) for row in np.flatnonzero(is_bad)
    ]
    try:
        settle(Path(name), problems, rows=len(is_bad), is_skipping=True)
    except ConfigError as error:
        raise InputError(str(error).replace("--skip-bad-rows", "skip_bad_rows")) from error


def _format(table: pd.DataFrame, names: tuple[str, ...]) -> DailyFormat:
    """Return the format of the file that yfinance writes of a table, or the plain one."""
    columns = {spelling(each) for each in table.columns}
    of_yfinance = {"dividends", "stocksplits"} <= columns or (
        bool(names) and {"open", "high", "low", "close", "volume"} <= columns
    )
    found = daily_format("yfinance") if of_yfinance else None
    return found if found is not None else PLAIN


def _columns(name: str, table: pd.DataFrame) -> "tuple[pd.Series[Any], pd.Series[Any] | None]":
    """Return the closes, and the adjusted ones or None; a column that stands alone is the closes."""
    close, adjusted = find_column(name, table, _CLOSE), find_column(name, table, _ADJUSTED)
    if close is not None:
        return close, adjusted
    rest = [at for at, column in enumerate(table.columns) if spelling(column) not in DATES]
    if len(rest) == 1:
        return table.iloc[:, rest[0]], None
    known = ", ".join(str(each) for each in table.columns)[:200]
    raise bad_frame(name, f"has no column close, only {known}; rename the one with the closes to close")


def _skipped(name: str, count: int) -> FileNote:
    rows = "1 row was" if count == 1 else f"{count:,} rows were"
    return FileNote(
        path=Path(name),
        kind=NoteKind.SKIPPED,
        text=f"{rows} left out: no usable price",
        skipped=(("bad_price", count),),
    )
