"""Daily closes in a DataFrame, as the bars that a file with the same rows gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from convex.dataframes.frames import bad_frame, find_column, spelling
from convex.dataframes.prices import not_a_price, prices, unusable
from convex.dataframes.sessions import DATES, sessions_of
from shared.domain.bars import Bar
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.files.file_note import FileNote, NoteKind

_CLOSE: Final = ("close", "price", "last")
_ADJUSTED: Final = ("adjclose", "adjustedclose")
_DROP: Final = "leave such rows out, with .dropna() or skip_bad_rows=True"


def bars_of(
    name: str,
    table: pd.DataFrame,
    *,
    instrument: str,
    calendar: SessionCalendar,
    skips_bad_rows: bool,
    on_note: Callable[[FileNote], None],
) -> tuple[Bar, ...]:
    """Return the bars of a table, ascending by session; dates without a session are left out.

    Parameters
    ----------
    name
        The argument's, for errors.
    table
        With a close and, optionally, an adjusted close, which is scaled so that the newest row has the same
        in both columns.
    skips_bad_rows
        Whether rows without a usable price are left out and counted instead of refused.
    on_note
        Called with what was left out.

    Raises
    ------
    InputError
        With row, field and remedy.
    """
    sessions = sessions_of(name, table)
    column, adjusted_column = _columns(name, table)
    close = prices(name, column, "close")
    adjusted = close if adjusted_column is None else prices(name, adjusted_column, "adj_close")
    is_bad = unusable(close) | unusable(adjusted)
    if is_bad.any():
        if not skips_bad_rows:
            row = int(is_bad.argmax())
            field, values = ("close", close) if unusable(close)[row] else ("adj_close", adjusted)
            raise bad_frame(
                name, not_a_price(float(values[row]), remedy=_DROP), row=row, label=sessions[row], field=field
            )
        on_note(_skipped(name, int(is_bad.sum())))
    rows = sorted(map(int, np.flatnonzero(~is_bad)), key=sessions.__getitem__)
    if not rows:
        raise bad_frame(name, "has no row with a price; give at least one session")
    scale = float(close[rows[-1]]) / float(adjusted[rows[-1]])
    scaled = adjusted * scale
    for row in rows:
        if unusable(scaled[row : row + 1])[0]:
            problem = f"is {scaled[row]:g} after scaling the newest row's to its close; correct the column"
            raise bad_frame(name, problem, row=row, label=sessions[row], field="adj_close")
    return tuple(
        Bar(
            instrument=instrument,
            session=sessions[row],
            close=float(close[row]),
            adj_close=float(scaled[row]),
            known_at_ns=bar_final_at_ns(sessions[row]),
            source="replay",
        )
        for row in rows
        if calendar.is_session(sessions[row])
    )


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
