"""The session of each row of a DataFrame of daily closes, however its dates are written."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from convex.dataframes.frames import bad_frame, find_column

DATES: Final = ("date", "datetime", "timestamp", "time", "day", "session")
# Midnight says no more than the date, in whichever zone.
_DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?")
_NEW_YORK: Final = "America/New_York"


def sessions_of(name: str, table: pd.DataFrame) -> list[str]:
    """Return the date of each row as ``YYYY-MM-DD``.

    The index has the dates, or a column ``date`` where the index is numbers. A date with a zone keeps the
    date that it shows. Rows come ascending or, as some vendors give them, all descending.

    Raises
    ------
    InputError
        With row and remedy: no dates, a time of day that may mean another session, dates that repeat or go
        back.
    """
    labels = _labels(name, table)
    if isinstance(labels, pd.DatetimeIndex):
        sessions = _of_instants(name, labels)
    else:
        sessions = [_of_one(name, row, each) for row, each in enumerate(labels)]
    _require_order(name, sessions)
    return sessions


def _labels(name: str, table: pd.DataFrame) -> "pd.DatetimeIndex | Sequence[Any]":
    """Return the dates as instants, or one by one where they are texts or objects."""
    index: pd.Index[Any] = table.index
    if pd.api.types.is_numeric_dtype(index.dtype):
        column = find_column(name, table, DATES)
        if column is None:
            raise bad_frame(name, "has numbers and no dates as index; set them with .set_index('date')")
        index = pd.Index(column)
    if isinstance(index, pd.PeriodIndex):
        if index.freqstr not in ("D", "B"):
            raise bad_frame(name, f"has periods of {index.freqstr}; give daily closes")
        return index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return index
    if pd.api.types.is_numeric_dtype(index.dtype):
        raise bad_frame(name, "date: has numbers; convert them with pandas.to_datetime and its unit")
    return list(index)


def _of_instants(name: str, index: pd.DatetimeIndex) -> list[str]:
    missing = index.isna()
    if missing.any():
        raise _missing(name, int(missing.argmax()))
    shown = index.tz_localize(None)
    days = shown.normalize()
    timed = shown != days
    if timed.any() and index.tz is None:
        row = int(timed.argmax())
        raise bad_frame(
            name,
            f"has a time of day, {shown[row]}; give dates, for instance with df.index = df.index.normalize()",
            row=row,
        )
    if timed.any():
        # Not midnight in its own zone: then it must be the same day where the session was.
        differs = index.tz_convert(_NEW_YORK).tz_localize(None).normalize() != days
        if differs.any():
            row = int(differs.argmax())
            raise bad_frame(
                name,
                f"{index[row]} is another day in New York; give the dates of its sessions without a zone",
                row=row,
            )
    return list(days.strftime("%Y-%m-%d"))


def _of_one(name: str, row: int, label: object) -> str:
    if isinstance(label, str):
        found = _DATE.fullmatch(label.strip())
        try:
            if found is not None:
                return date.fromisoformat(found[1]).isoformat()
        except ValueError:
            pass
    elif label is None or label is pd.NaT or label is pd.NA or label != label:
        raise _missing(name, row)
    elif isinstance(label, datetime):
        return _of_instants(name, pd.DatetimeIndex([label]))[0]
    elif isinstance(label, date):
        return label.isoformat()
    problem = f"must be a date like 2020-06-01, was {str(label)[:40]!r}; convert it with pandas.to_datetime"
    raise bad_frame(name, problem, row=row, field="date")


def _missing(name: str, row: int) -> Exception:
    return bad_frame(name, "is missing; leave the row out, with df[df.index.notna()]", row=row, field="date")


def _require_order(name: str, sessions: list[str]) -> None:
    is_descending = len(sessions) > 1 and sessions[0] > sessions[-1]
    for row in range(1, len(sessions)):
        before, here = sessions[row - 1], sessions[row]
        if here == before:
            raise bad_frame(
                name,
                f"{here} appears twice; keep one row, with df[~df.index.duplicated(keep='last')]",
                row=row,
                field="date",
            )
        if (here < before) != is_descending:
            raise bad_frame(
                name,
                f"{here} comes after {before}; sort the rows with .sort_index()",
                row=row,
                field="date",
            )
