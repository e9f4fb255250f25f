"""Daily closes from a CSV file: header with ``date,close[,adj_close]``, other columns ignored."""

import csv
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from shared.domain.bars import Bar
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.files.opening import open_text
from shared.files.problems import bad_file

Row = tuple[str, float, float]


def read_daily_csv(*paths: Path, instrument: str, calendar: SessionCalendar) -> tuple[Bar, ...]:
    """Return the bars of one leg's files, ascending by session; dates that are no session are left out.

    Gold trades on exchange holidays, so its files have more dates than sessions. ``adj_close`` is scaled so
    that the last row of all has ``adj_close == close``; without the column it is the close. A row may be used
    from 20:15 New York of its session on: a file does not say when it was written.

    Parameters
    ----------
    paths
        CSV, or gzip of it when the name ends in ``.gz``. A date may stand in several of them with one close.
    instrument
        What the bars are called.

    Raises
    ------
    ConfigError
        With file, row and field: a missing column, a date that is none, is repeated or out of order, a close
        that is no positive number, no row at all; or two files that disagree about a close.
    """
    by_date: dict[str, tuple[Row, Path]] = {}
    for path in paths:
        rows = list(_rows(path))
        if not rows:
            raise bad_file(path, "has no rows below its header; give a file with at least one session")
        for row in rows:
            seen, where = by_date.setdefault(row[0], (row, path))
            if seen[1] != row[1]:
                raise bad_file(path, f"{row[0]} has close {row[1]}, {where} has {seen[1]}; keep one")
    if not by_date:
        return ()
    _, last_close, last_adjusted = by_date[max(by_date)][0]
    scale = last_close / last_adjusted
    return tuple(
        Bar(
            instrument=instrument,
            session=session,
            close=close,
            # Exact where there is nothing to scale: x * 1.0 is x.
            adj_close=adjusted * scale,
            known_at_ns=bar_final_at_ns(session),
            source="replay",
        )
        for (session, close, adjusted), _ in (by_date[each] for each in sorted(by_date))
        if calendar.is_session(session)
    )


def _rows(path: Path) -> Iterator[Row]:
    try:
        yield from _parsed_rows(path)
    except csv.Error as error:
        raise bad_file(path, f"is not CSV: {error}") from error


def _parsed_rows(path: Path) -> Iterator[Row]:
    with open_text(path) as lines:
        reader = csv.reader(lines)
        header = [name.strip().lower() for name in next(reader, [])]
        for name in ("date", "close"):
            if name not in header:
                raise bad_file(
                    path,
                    f"column is missing; the header must be date,close[,adj_close], was {','.join(header)!r}"[
                        :300
                    ],
                    row=1,
                    field=name,
                )
        at_date, at_close = header.index("date"), header.index("close")
        at_adjusted = header.index("adj_close") if "adj_close" in header else at_close
        previous = ""
        for cells in reader:
            row = reader.line_num
            if not cells:
                continue
            if len(cells) <= max(at_date, at_close, at_adjusted):
                raise bad_file(path, f"has {len(cells)} cells, the header has {len(header)}", row=row)
            session = _session(path, cells[at_date].strip(), row)
            if session == previous:
                raise bad_file(path, f"{session} stands there twice; keep one row", row=row, field="date")
            if session < previous:
                raise bad_file(
                    path, f"{session} comes after {previous}; sort the file by date", row=row, field="date"
                )
            previous = session
            close = _price(path, cells[at_close], row, "close")
            adjusted = (
                _price(path, cells[at_adjusted], row, "adj_close") if at_adjusted != at_close else close
            )
            yield session, close, adjusted


def _session(path: Path, text: str, row: int) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise bad_file(path, f"must be YYYY-MM-DD, was {text[:40]!r}", row=row, field="date") from None


def _price(path: Path, text: str, row: int, field: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise bad_file(path, f"must be a positive number, was {text.strip()[:40]!r}", row=row, field=field)
    return value
