"""A leg as a person has it: DataFrames, paths, or both, as the files and the held part of a recording."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from convex.dataframes.daily import daily_leg_of
from convex.dataframes.frames import HasToPandas, as_frame, bad_frame, instruments_of
from convex.dataframes.quotes import has_quotes, quotes_of
from shared.calendars import xnys_calendar
from shared.domain.ticks import QuoteBatch
from shared.files.daily.reader import DailyLeg
from shared.files.file_note import FileNote
from shared.files.held_leg import HeldLeg
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.reader import has_tick_header

Leg: TypeAlias = "pd.DataFrame | pd.Series[Any] | HasToPandas | str | os.PathLike[str]"
"""One table or one file of a leg."""

Legs: TypeAlias = "Leg | Sequence[Leg]"


def read_leg(
    name: str,
    given: Legs,
    *,
    instrument: str,
    is_lead: bool,
    reading: ReadingOptions,
    on_note: Callable[[FileNote], None],
) -> tuple[tuple[Path, ...], HeldLeg | None]:
    """Return a leg's files, and what of it is in memory; None if nothing is.

    Parameters
    ----------
    name
        The argument's, for errors.
    is_lead
        Whether it may have quotes.
    on_note
        Called with what was noticed about a table.

    Raises
    ------
    InputError
        With name, row, field and remedy: a table that cannot be used, or parts that do not go together.
    """
    parts = list(given) if isinstance(given, list | tuple) else [given]
    if not parts:
        raise bad_frame(name, "is empty; give a DataFrame, a Series or a path")
    paths = tuple(Path(each) for each in parts if isinstance(each, str | os.PathLike))
    daily = DailyLeg(bars=(), files=(), off_session=())
    quotes: tuple[QuoteBatch, ...] = ()
    for number, part in enumerate(each for each in parts if not isinstance(each, str | os.PathLike)):
        own = name if len(parts) == 1 else f"{name}[{number}]"
        table = as_frame(own, part)
        if has_quotes(own, table):
            if not is_lead:
                raise bad_frame(own, "has bid and ask; only gold has quotes, give daily closes")
            found = quotes_of(
                own,
                table,
                instrument=instrument,
                timezone=reading.timezone,
                skips_bad_rows=reading.skip_bad_rows,
                on_note=on_note,
            )
            if quotes and found[0].ts_event_ns[0] < quotes[-1].ts_event_ns[-1]:
                raise bad_frame(
                    own, "begins before the quotes ahead of it end; give them in the order of time"
                )
            quotes += found
            continue
        if daily.files:
            raise bad_frame(own, "is a second table of daily closes; join the two with pandas.concat")
        daily = daily_leg_of(
            own,
            table,
            names=instruments_of(part),
            instrument=instrument,
            calendar=xnys_calendar(),
            reading=reading,
            on_note=on_note,
        )
    _require_one_source(name, paths, daily, quotes, reading)
    held = HeldLeg(
        name=name, bars=daily.bars, quotes=quotes, tables=daily.files, off_session=daily.off_session
    )
    return paths, held if len(paths) < len(parts) else None


def _require_one_source(
    name: str,
    paths: tuple[Path, ...],
    daily: DailyLeg,
    quotes: tuple[QuoteBatch, ...],
    reading: ReadingOptions,
) -> None:
    for path in paths if daily.files or quotes else ():
        what = "ticks" if has_tick_header(path, reading) else "daily closes"
        if (what == "ticks" and quotes) or (what == "daily closes" and daily.files):
            raise bad_frame(name, f"has {what} in a table and in {path}; give one of them")
