"""Daily closes from a CSV file: header with ``date,close[,adj_close]``, other columns ignored."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from shared.domain.bars import Bar
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.files.csv_fields import LEAST, MOST, position, price
from shared.files.input_file import bad_file, open_text

# The names that vendors use; spaces and underscores are ignored.
_ADJUSTED: Final = ("adjclose", "adjustedclose")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    path: Path
    row: int
    session: str
    close: float
    adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    date: int
    close: int
    adjusted: int | None
    width: int


def read_daily_csv(*paths: Path, instrument: str, calendar: SessionCalendar) -> tuple[Bar, ...]:
    """Return the bars of one leg's files, ascending by session; dates without a session are left out.

    Gold trades on exchange holidays, so its files have more dates than sessions. ``adj_close``, also called
    ``Adj Close`` or ``Adjusted Close``, is scaled so that the last row of all has ``adj_close == close``;
    without the column it is the close. A row may be used from 20:15 New York of its session on, because a
    file does not say when it was written.

    Parameters
    ----------
    paths
        CSV, or gzip of it when the name ends in ``.gz``. A date may be in several of them with the same
        numbers.
    instrument
        The instrument of the bars.

    Raises
    ------
    ConfigError
        With file, row and field: a column that is missing or appears twice, a row longer than the
        header, a date that is invalid, repeated or out of order, a price that is not a plain positive number,
        no row at all; or two files that disagree about a close or an adjusted one, or of which only one has
        ``adj_close``.
    """
    by_date: dict[str, _Row] = {}
    plain: Path | None = None
    adjusted: Path | None = None
    for path in paths:
        columns, rows = _read(path)
        if columns.adjusted is None:
            plain = path
        else:
            adjusted = path
        if plain is not None and adjusted is not None:
            raise bad_file(plain, f"has no adj_close, {adjusted} has; give files of one kind")
        for row in rows:
            _require_agreement(by_date.setdefault(row.session, row), row)
    if not by_date:
        return ()
    newest = by_date[max(by_date)]
    scale = newest.close / newest.adjusted
    return tuple(
        _bar(row, scale, instrument)
        for row in (by_date[each] for each in sorted(by_date))
        if calendar.is_session(row.session)
    )


def _require_agreement(known: _Row, row: _Row) -> None:
    for name, has, had in (("close", row.close, known.close), ("adj_close", row.adjusted, known.adjusted)):
        if has != had:
            raise bad_file(row.path, f"{row.session} has {name} {has}, {known.path} has {had}; keep one")


def _bar(row: _Row, scale: float, instrument: str) -> Bar:
    # With a scale of 1.0 the result is exact: x * 1.0 is x.
    adjusted = row.adjusted * scale
    if not LEAST <= adjusted <= MOST:
        problem = f"is {adjusted:g} after scaling the last row's to its close; correct the column"
        raise bad_file(row.path, problem, row=row.row, field="adj_close")
    return Bar(
        instrument=instrument,
        session=row.session,
        close=row.close,
        adj_close=adjusted,
        known_at_ns=bar_final_at_ns(row.session),
        source="replay",
    )


def _read(path: Path) -> tuple[_Columns, list[_Row]]:
    try:
        with open_text(path) as lines:
            reader = csv.reader(lines)
            columns = _columns(path, next(reader, []))
            rows = list(_rows(path, ((reader.line_num, cells) for cells in reader), columns))
    except csv.Error as error:
        raise bad_file(path, f"is not CSV: {error}") from error
    if not rows:
        raise bad_file(path, "has no rows below its header; give a file with at least one session")
    return columns, rows


def _columns(path: Path, cells: list[str]) -> _Columns:
    names = [cell.strip().lower() for cell in cells]
    header = ["adj_close" if re.sub(r"[\s_]+", "", name) in _ADJUSTED else name for name in names]
    at = {
        name: position(path, header, name, wanted="be date,close[,adj_close]")
        for name in ("date", "close", "adj_close")
        if name != "adj_close" or name in header
    }
    return _Columns(date=at["date"], close=at["close"], adjusted=at.get("adj_close"), width=len(header))


def _rows(path: Path, numbered: Iterator[tuple[int, list[str]]], columns: _Columns) -> Iterator[_Row]:
    needed = max(columns.date, columns.close, columns.adjusted or 0)
    previous = ""
    for row, cells in numbered:
        if not cells:
            continue
        if not needed < len(cells) <= columns.width:
            raise bad_file(path, f"has {len(cells)} cells, the header has {columns.width}", row=row)
        session = _session(path, cells[columns.date].strip(), row)
        if session == previous:
            raise bad_file(path, f"{session} appears twice; keep one row", row=row, field="date")
        if session < previous:
            raise bad_file(
                path, f"{session} comes after {previous}; sort the file by date", row=row, field="date"
            )
        previous = session
        close = price(path, cells[columns.close], row, "close")
        adjusted = (
            price(path, cells[columns.adjusted], row, "adj_close") if columns.adjusted is not None else close
        )
        yield _Row(path=path, row=row, session=session, close=close, adjusted=adjusted)


def _session(path: Path, text: str, row: int) -> str:
    try:
        session = date.fromisoformat(text).isoformat()
    except ValueError:
        session = ""
    # Python also reads 20200102 and 2020-W01-4; a file may mean something else by them.
    if session != text:
        raise bad_file(path, f"must be YYYY-MM-DD, was {text[:40]!r}", row=row, field="date")
    return session
