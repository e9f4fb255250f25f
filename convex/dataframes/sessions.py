"""The session of each row of a DataFrame of daily closes, as a file with the same rows has it."""

import warnings
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from convex.dataframes.frames import bad_frame, find_column
from shared.errors import ConfigError, InputError
from shared.files.daily.date_column import read_dates
from shared.files.daily.dates import Shape, Stamp, read_stamp
from shared.files.daily.formats import PLAIN
from shared.files.daily.stamp_meaning import needs_zone, session_of, stamp_meaning, undecided
from shared.files.reading_options import DateOrder, ReadingOptions

DATES: Final = ("date", "datetime", "timestamp", "time", "day", "session")


def sessions_of(name: str, table: pd.DataFrame, reading: ReadingOptions) -> list[str]:
    """Return the date of each row as ``YYYY-MM-DD``.

    The index has the dates, or a column ``date`` where the index is numbers. Midnight, in whichever zone, is
    its date; what another time means is decided as for a file. Rows come ascending or, as some vendors give
    them, all descending.

    Raises
    ------
    InputError
        With row and remedy: no dates, a time that may mean two sessions, dates that repeat or go back.
    """
    with warnings.catch_warnings():
        # pandas warns of the future of periods of business days, which need no change here.
        warnings.simplefilter("ignore", FutureWarning)
        labels = _labels(name, table)
    if isinstance(labels, pd.DatetimeIndex):
        sessions = _of_instants(name, labels, reading)
    elif reading.date_order is not None and all(isinstance(each, str) for each in labels):
        sessions = _of_texts(name, labels, reading)
    else:
        stamps = [_stamp(name, row, each) for row, each in enumerate(labels)]
        sessions = _of_stamps(name, stamps, list(map(str, labels)), reading)
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
        return list(index.strftime("%Y-%m-%d"))
    if isinstance(index, pd.DatetimeIndex):
        return index
    if pd.api.types.is_numeric_dtype(index.dtype):
        raise bad_frame(name, "date: has numbers; convert them with pandas.to_datetime and its unit")
    return list(index)


def _of_instants(name: str, index: pd.DatetimeIndex, reading: ReadingOptions) -> list[str]:
    missing = index.isna()
    if missing.any():
        raise _missing(name, int(missing.argmax()))
    shown = index.tz_localize(None)
    if (shown == shown.normalize()).all():
        return list(shown.strftime("%Y-%m-%d"))
    return _of_stamps(name, [_stamp_at(each) for each in index], list(map(str, index)), reading)


def _of_texts(name: str, texts: Sequence[str], reading: ReadingOptions) -> list[str]:
    """Return what texts mean in the order of day and month that the person names."""
    try:
        sessions, _, problems = read_dates(
            Path(name), texts, range(len(texts)), field="date", wanted=PLAIN, reading=reading
        )
    except ConfigError as error:
        raise InputError(str(error)) from error
    if problems:
        raise bad_frame(name, problems[0].text, row=problems[0].line, field="date")
    return [each for each in sessions if each is not None]


def _of_stamps(
    name: str, stamps: Sequence[Stamp], shown: Sequence[str], reading: ReadingOptions
) -> list[str]:
    zone = ZoneInfo(reading.timezone) if reading.timezone is not None else None
    row = needs_zone(stamps)
    if row is not None and zone is None:
        remedy = (
            "give dates, for instance with df.index = df.index.normalize(), or say its zone with timezone="
        )
        raise bad_frame(name, f"has a time of day, {shown[row]}; {remedy}", row=row)
    meaning = stamp_meaning(stamps, order=DateOrder.YMD, zone=zone)
    if meaning is None:
        raise bad_frame(name, undecided(shown[0]), row=0, field="date")
    sessions = [session_of(each, meaning=meaning, order=DateOrder.YMD, zone=zone) for each in stamps]
    wrong = next((row for row, each in enumerate(sessions) if each is None), None)
    if wrong is not None:
        raise bad_frame(name, f"must be a date, was {shown[wrong]}", row=wrong, field="date")
    return [each for each in sessions if each is not None]


def _stamp(name: str, row: int, label: object) -> Stamp:
    if isinstance(label, str):
        stamp = read_stamp(label.strip())
        if stamp is not None and stamp.shape is Shape.ISO:
            return stamp
    elif label is None or label is pd.NaT or label is pd.NA or label != label:
        raise _missing(name, row)
    elif isinstance(label, datetime):
        return _stamp_at(label)
    elif isinstance(label, date):
        return Stamp(Shape.ISO, (label.year, label.month, label.day))
    problem = f"must be a date like 2020-06-01, was {str(label)[:40]!r}; convert it with pandas.to_datetime"
    raise bad_frame(name, problem, row=row, field="date")


def _stamp_at(at: datetime) -> Stamp:
    into = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    numbers = (at.year, at.month, at.day)
    return Stamp(Shape.ISO, numbers, "", into.total_seconds(), at.utcoffset(), has_time=True)


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
