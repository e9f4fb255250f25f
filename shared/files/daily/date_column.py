"""The dates of a file as sessions: one layout, one order of day and month, one zone for all rows."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from shared.errors import ConfigError
from shared.files.daily.dates import (
    Shape,
    Stamp,
    decisive_order,
    read_stamp,
)
from shared.files.daily.formats import DailyFormat
from shared.files.daily.problems import Problem
from shared.files.daily.stamp_meaning import needs_zone, session_of, stamp_meaning, undecided
from shared.files.input_file import bad_file
from shared.files.reading_options import DateOrder, ReadingOptions

_MOST_SHOWN: Final = 40
_NUMBERS: Final = re.compile(r"[0-9]+")
ORDER_WORDS: Final = {
    DateOrder.DMY: "the day first",
    DateOrder.MDY: "the month first",
    DateOrder.YMD: "the year first",
}
# Bars of a week are seven days apart, or five after a holiday week.
_WEEKLY_DAYS: Final = 5
_ENOUGH_ROWS: Final = 10
_WORKING_DAYS: Final = 5
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
# Holidays never remove one weekday for so long.
_ROWS_OF_A_MONTH: Final = 20


def read_dates(
    path: Path,
    texts: Sequence[str],
    lines: Sequence[int],
    *,
    field: str,
    wanted: DailyFormat,
    reading: ReadingOptions,
) -> tuple[list[str | None], DateOrder | None, list[Problem]]:
    """Return the session of each row, None where it has no date, and what is wrong with rows.

    The second value is the order of day and month, if the dates have one to be found out.

    Raises
    ------
    ConfigError
        If the dates of the file can be read in two ways, or lack a zone.
    """
    if _are_plain(texts):
        return list(texts), None, []
    stamps = [read_stamp(text.strip()) for text in texts]
    is_strict = wanted.is_iso_only and reading.date_order is None
    if is_strict:
        # The numbers of a plain file mean what a person says they mean.
        stamps = [
            None
            if stamp is not None and stamp.shape in (Shape.COMPACT, Shape.YEAR_LAST, Shape.EPOCH)
            else stamp
            for stamp in stamps
        ]
    layouts = Counter(stamp.layout for stamp in stamps if stamp is not None)
    usual = layouts.most_common(1)[0][0] if layouts else None
    intraday = _intraday(stamps, lines)
    if intraday is not None:
        raise intraday.error(path)
    as_usual = [stamp if stamp is not None and stamp.layout == usual else None for stamp in stamps]
    if reading.date_order is None:
        _require_long_year(path, as_usual, texts, lines, field)
    order = _order(path, as_usual, texts, lines, field=field, wanted=wanted, reading=reading)
    zone = _zone(path, stamps, texts, lines, field=field, wanted=wanted, reading=reading)
    meaning = stamp_meaning(as_usual, order=order or DateOrder.YMD, zone=zone)
    if meaning is None:
        row = next(row for row, stamp in enumerate(as_usual) if stamp is not None)
        raise bad_file(path, undecided(texts[row][:_MOST_SHOWN]), row=lines[row], field=field)
    sessions: list[str | None] = []
    problems: list[Problem] = []
    for stamp, text, line in zip(stamps, texts, lines, strict=True):
        session = None
        if stamp is None:
            problem = _no_date(text, usual, is_strict=is_strict)
        elif stamp.layout != usual:
            problem = f"is not written as in most rows ({_described(usual)}), was {text[:_MOST_SHOWN]!r}"
        else:
            session = session_of(stamp, meaning=meaning, order=order or DateOrder.YMD, zone=zone)
            problem = f"must be a date ({_described(usual)}), was {text[:_MOST_SHOWN]!r}"
        sessions.append(session)
        if session is None:
            problems.append(Problem(line=line, reason="bad_date", field=field, text=problem))
    return sessions, order, problems


def order_problems(
    sessions: Sequence[str], lines: Sequence[int], closes: Sequence[float], *, field: str
) -> tuple[bool, list[Problem]]:
    """Return whether the newest row is first, and the first row that is out of order, repeated or not daily.

    Parameters
    ----------
    sessions, lines, closes
        Of the rows that are used.
    """
    steps = list(pairwise(sessions))
    is_newest_first = sum(a > b for a, b in steps) > sum(a < b for a, b in steps)
    for index, (above, below) in enumerate(steps, 1):
        text = ""
        if above == below:
            text = f"{below} appears twice; keep one row"
            if closes[index - 1] != closes[index]:
                both = f"{closes[index - 1]:g} and {closes[index]:g}"
                text = f"{below} appears twice, with {both}; keep the right row"
        elif (above > below) is not is_newest_first:
            text = f"{below} comes after {above}; sort the file by date"
            if is_newest_first:
                text = (
                    f"{below} comes below {above} in a file with the newest row first; sort the file by date"
                )
        if text:
            return is_newest_first, [Problem(line=lines[index], reason="", field=field, text=text)]
    problem = _not_daily([date.fromisoformat(each).toordinal() for each in sessions])
    if problem is not None:
        return is_newest_first, [Problem(line=lines[1], reason="", field=field, text=problem)]
    return is_newest_first, []


def _not_daily(days: Sequence[int]) -> str | None:
    """Return why dates, as ordinals, are not those of daily bars; None if they may be."""
    if len(days) < _ENOUGH_ROWS:
        return None
    # The day under way is often below the bars of weeks or months, so single gaps say nothing.
    gaps = sorted(abs(a - b) for a, b in pairwise(days))
    gap = gaps[len(gaps) // 2]
    if gap >= _WEEKLY_DAYS:
        often = f"at least {gaps[0]}" if gaps[0] >= _WEEKLY_DAYS else f"usually {gap}"
        return f"rows are {often} days apart, so bars of a week or more; give daily bars"
    if gap > 1:
        return None
    seen = [-1] * 7
    for row, day in enumerate(days):
        # An ordinal of 1 is a Monday.
        seen[(day - 1) % 7] = row
        for weekday in range(_WORKING_DAYS):
            if row - seen[weekday] >= _ROWS_OF_A_MONTH:
                return (
                    f"has no {_WEEKDAYS[weekday]} in {_ROWS_OF_A_MONTH} rows on end, the last of them "
                    f"{date.fromordinal(day)}: its dates are probably a day off, those of another zone or of "
                    "the end of each bar; give the dates of the sessions, without a time"
                )
    return None


def _are_plain(texts: Sequence[str]) -> bool:
    """Return whether all are YYYY-MM-DD: most files are, and need no more than this."""
    try:
        # Python also reads 20200601, and writes it as 2020-06-01.
        return all(date.fromisoformat(text).isoformat() == text for text in texts)
    except ValueError:
        return False


def _no_date(text: str, usual: tuple[Shape, str, bool] | None, *, is_strict: bool) -> str:
    if not is_strict:
        return f"must be a date ({_described(usual)}), was {text[:_MOST_SHOWN]!r}"
    stamp = read_stamp(text.strip())
    problem = f"must be {Shape.ISO}, was {text.strip()[:_MOST_SHOWN]!r}"
    if stamp is not None and stamp.shape is Shape.YEAR_LAST and re.search(r"\d{4}", text) is None:
        problem += "; say --date-order ymd, dmy or mdy to have years of two digits read"
    elif stamp is not None and stamp.shape is Shape.YEAR_LAST:
        problem += "; say --date-order dmy or mdy to have such dates read"
    return problem


def _described(usual: tuple[Shape, str, bool] | None) -> str:
    if usual is None:
        return f"such as {Shape.ISO}"
    shape, separator, has_time = usual
    return shape + (f" with {separator!r}" if separator else "") + (", with a time" if has_time else "")


def _order(
    path: Path,
    stamps: Sequence[Stamp | None],
    texts: Sequence[str],
    lines: Sequence[int],
    *,
    field: str,
    wanted: DailyFormat,
    reading: ReadingOptions,
) -> DateOrder | None:
    numbers = [
        index for index, each in enumerate(stamps) if each is not None and each.shape is Shape.YEAR_LAST
    ]
    if not numbers:
        return None
    # 19/06/03 also looks like a day in 2003.
    if reading.date_order is DateOrder.YMD:
        return reading.date_order
    shown: dict[DateOrder, int] = {}
    for index in numbers:
        stamp = stamps[index]
        order = decisive_order(stamp) if stamp is not None else None
        if order is not None and order not in shown:
            shown[order] = index
    if len(shown) > 1:
        (first, at), (second, other) = sorted(shown.items(), key=lambda item: item[1])
        raise bad_file(
            path,
            f"{texts[other][:_MOST_SHOWN]!r} has {ORDER_WORDS[second]}, row {lines[at]} "
            f"({texts[at][:_MOST_SHOWN]!r}) has {ORDER_WORDS[first]}; give a file with one order",
            row=lines[other],
            field=field,
        )
    if shown:
        return next(iter(shown))
    if reading.date_order is not None:
        return reading.date_order
    stamp = stamps[numbers[0]]
    # Nobody writes 01.06.2020 with the month first.
    if stamp is not None and stamp.separator == ".":
        return DateOrder.DMY
    if wanted.order is not None:
        return wanted.order
    raise _ambiguous(path, texts[numbers[0]], lines[numbers[0]], field)


def _require_long_year(
    path: Path, stamps: Sequence[Stamp | None], texts: Sequence[str], lines: Sequence[int], field: str
) -> None:
    """Refuse dates such as 19-06-03 whose first number is the same in more rows than their last."""
    rows = [row for row, each in enumerate(stamps) if each is not None and each.shape is Shape.YEAR_LAST]
    parts = [_NUMBERS.findall(texts[row])[:3] for row in rows]
    if any(len(last) > 2 for _, _, last in parts):
        return
    if len({first for first, _, _ in parts}) < len({last for _, _, last in parts}):
        raise bad_file(
            path,
            f"{texts[rows[0]][:_MOST_SHOWN]!r} has a year of two digits, probably the first number; say "
            "--date-order ymd, or dmy or mdy if it is the last",
            row=lines[rows[0]],
            field=field,
        )


def _ambiguous(path: Path, text: str, line: int, field: str) -> ConfigError:
    return bad_file(
        path,
        f"{text[:_MOST_SHOWN]!r} may have the day or the month first, and no row shows which; say "
        "--date-order dmy or --date-order mdy",
        row=line,
        field=field,
    )


def _zone(
    path: Path,
    stamps: Sequence[Stamp | None],
    texts: Sequence[str],
    lines: Sequence[int],
    *,
    field: str,
    wanted: DailyFormat,
    reading: ReadingOptions,
) -> ZoneInfo | None:
    name = reading.timezone if reading.timezone is not None else wanted.zone
    if name is not None:
        return ZoneInfo(name)
    row = needs_zone(stamps)
    if row is not None:
        raise bad_file(
            path,
            f"{texts[row][:_MOST_SHOWN]!r} has a time without a zone; say the zone, such as "
            "--timezone America/New_York",
            row=lines[row],
            field=field,
        )
    return None


def _intraday(stamps: Sequence[Stamp | None], lines: Sequence[int]) -> Problem | None:
    """Return a problem if two rows below each other have one date and two times of day."""
    for (above, below), line in zip(pairwise(stamps), lines[1:], strict=True):
        if above is None or below is None or above.numbers != below.numbers:
            continue
        apart = abs(below.seconds - above.seconds)
        if apart:
            text = (
                f"is {_length(apart)} from the row above: the file holds bars of less than a day; give daily "
                "bars, one row a session"
            )
            return Problem(line=line, reason="", field=None, text=text)
    return None


def _length(seconds: float) -> str:
    for size, word in ((3_600, "hour"), (60, "minute"), (1, "second")):
        count = round(seconds / size)
        if seconds >= size and abs(seconds - count * size) < 1:
            return f"1 {word}" if count == 1 else f"{count} {word}s"
    return f"{seconds:g} seconds"
