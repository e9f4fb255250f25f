"""The daily files of one leg as bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from shared.domain.bars import LEAST_PRICE, MOST_PRICE, Bar
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.errors import ConfigError
from shared.files.daily.daily_file import DailyFile, Row, read_daily_file
from shared.files.file_note import FileNote, NoteKind
from shared.files.input_file import bad_file
from shared.files.reading_options import ReadingOptions

_DEFAULT = ReadingOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyLeg:
    """What the daily files of one leg hold.

    Parameters
    ----------
    bars
        Ascending by session.
    files
        In the order in which they were given.
    off_session
        Dates of rows, ascending, on which the exchange was closed; only those that the calendar covers.
    """

    bars: tuple[Bar, ...]
    files: tuple[DailyFile, ...]
    off_session: tuple[str, ...]


def read_daily(
    *paths: Path,
    instrument: str,
    calendar: SessionCalendar,
    reading: ReadingOptions = _DEFAULT,
    on_note: Callable[[FileNote], None] = lambda _note: None,
) -> DailyLeg:
    """Return the bars of one leg's files, ascending by session; dates without a session are left out.

    Gold trades on exchange holidays, so its files have more dates than sessions. Adjusted closes are scaled
    so that the last row of all has its close; without such a column they are the closes. A row may be used
    from 20:15 New York of its session on, because a file does not say when it was written.

    Parameters
    ----------
    paths
        In any of the formats of `shared.files.daily.formats`. A date may be in several of them with the same
        numbers.
    instrument
        The instrument of the bars.

    Raises
    ------
    ConfigError
        With file, row and field: no format that is known, a row with too few or too many cells, a date that
        is invalid, repeated or out of order, a price that is not a positive number, no row at all; or two
        files that disagree about a close or an adjusted one, or of which only one has adjusted closes.
    """
    files: list[DailyFile] = []
    for path in paths:
        files.append(read_daily_file(path, reading))
        for note in files[-1].notes:
            on_note(note)
    return leg_of(files, instrument=instrument, calendar=calendar, on_note=on_note)


def leg_of(
    files: Sequence[DailyFile],
    *,
    instrument: str,
    calendar: SessionCalendar,
    on_note: Callable[[FileNote], None],
) -> DailyLeg:
    """Return the bars of files, or of tables in memory, that have been read; see `read_daily`.

    Raises
    ------
    ConfigError
        As `read_daily`, but for what is wrong with a file by itself.
    """
    by_date: dict[str, Row] = {}
    plain: Path | None = None
    adjusted: Path | None = None
    for file in files:
        if file.has_adjusted:
            adjusted = file.path
        else:
            plain = file.path
        if plain is not None and adjusted is not None:
            raise bad_file(plain, f"has no adj_close, {adjusted} has; give files of one kind")
        for row in file.rows:
            known_row = by_date.setdefault(row.session, row)
            if known_row is not row:
                _require_agreement(known_row, row)
    if not by_date:
        return DailyLeg(bars=(), files=(), off_session=())
    dates = sorted(by_date)
    newest = by_date[dates[-1]]
    scale = newest.close / newest.adjusted
    known = frozenset(calendar.labels)
    _note_beyond_calendar(dates, newest, calendar, on_note)
    covered = [each for each in dates if calendar.labels[0] <= each <= calendar.labels[-1]]
    if covered and not known.intersection(covered):
        raise _no_session(by_date[covered[0]])
    return DailyLeg(
        bars=tuple(_bar(by_date[each], scale, instrument) for each in dates if each in known),
        files=tuple(files),
        off_session=tuple(each for each in covered if each not in known),
    )


def _note_beyond_calendar(
    dates: list[str], newest: Row, calendar: SessionCalendar, on_note: Callable[[FileNote], None]
) -> None:
    last = calendar.labels[-1]
    late = sum(each > last for each in dates)
    if late:
        text = f"rows after {last}, the end of the calendar, are left out: {late:,}; are the years right?"
        on_note(FileNote(path=newest.path, kind=NoteKind.WARNING, text=text))


def _no_session(row: Row) -> ConfigError:
    day = f"{date.fromisoformat(row.session):%A}, {row.session}"
    problem = f"has no date on which New York was open, the first is {day}; are day and month right?"
    return bad_file(row.path, problem, row=row.row)


def _require_agreement(known: Row, row: Row) -> None:
    for name, has, had in (("close", row.close, known.close), ("adj_close", row.adjusted, known.adjusted)):
        if has != had:
            raise bad_file(row.path, f"{row.session} has {name} {has}, {known.path} has {had}; keep one")


def _bar(row: Row, scale: float, instrument: str) -> Bar:
    # With a scale of 1.0 the result is exact: x * 1.0 is x.
    adjusted = row.adjusted * scale
    if not LEAST_PRICE <= adjusted <= MOST_PRICE:
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
