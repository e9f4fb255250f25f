"""Dates as vendors write them: what a cell says, and which session it means.

A cell is first read into a `Stamp` without deciding which of two numbers is the day. The order is decided
for the whole file, and every row must be written in the same way.

Which session an instant means is decided in `shared.files.daily.stamp_meaning`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.sessions import NEW_YORK
from shared.files.reading_options import DateOrder

_TRADING_DAY_BEGINS: Final = timedelta(hours=7)
# Two digits of a year as POSIX reads them.
_FIRST_TWO_DIGIT_YEAR: Final = 69
_MONTHS: Final = {
    name[:3]: number
    for number, name in enumerate(
        (
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ),
        1,
    )
}
_TIME: Final = (
    r"(?:[T ]\s?(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
    r"(?:\s?(?P<half>[AaPp][Mm]))?"
    r"(?:\s?(?P<zone>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT))?)?"
)
_TIME_ALONE: Final = re.compile(_TIME, re.ASCII)


class Shape(StrEnum):
    """How a date is written, in the words of an error."""

    ISO = "YYYY-MM-DD"
    COMPACT = "YYYYMMDD"
    YEAR_FIRST = "year, month, day"
    YEAR_LAST = "day, month and year in figures"
    NAMED_MONTH = "the month by name"
    EPOCH = "seconds since 1970"


_PATTERNS: Final = tuple(
    (shape, re.compile(pattern + (_TIME if shape is not Shape.EPOCH else ""), re.ASCII))
    for shape, pattern in (
        (Shape.COMPACT, r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
        (Shape.YEAR_FIRST, r"(?P<y>\d{4})(?P<s>[./])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"),
        (Shape.YEAR_LAST, r"(?P<a>\d{1,2})(?P<s>[./-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})"),
        (Shape.NAMED_MONTH, r"(?P<name>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}), ?(?P<y>\d{4})"),
        (Shape.NAMED_MONTH, r"(?P<d>\d{1,2})[ -](?P<name>[A-Za-z]{3,9})\.?[ -](?P<y>\d{4}|\d{2})"),
        (Shape.EPOCH, r"(?P<epoch>\d{9,10}|\d{12,13})"),
    )
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date as it is written.

    Parameters
    ----------
    numbers
        Year, month, day; for `Shape.YEAR_LAST` the three numbers as they stand.
    separator
        Between the numbers of a `Shape.YEAR_LAST`, else empty.
    seconds
        The time of day; 0 where none is written.
    offset
        Of the zone that is written; None where none is.
    has_time
        A time of day is written, midnight included.
    """

    shape: Shape
    numbers: tuple[int, int, int]
    separator: str = ""
    seconds: float = 0.0
    offset: timedelta | None = None
    has_time: bool = False

    @property
    def layout(self) -> tuple[Shape, str, bool]:
        """What is the same in all rows of a file."""
        return self.shape, self.separator, self.has_time


def read_stamp(text: str) -> Stamp | None:
    """Return what a cell says; None if it is no date.

    Examples
    --------
    >>> read_stamp("01/06/2020").numbers
    (1, 6, 2020)
    >>> read_stamp("2020-06-01 00:00:00-04:00").seconds
    0.0
    >>> read_stamp("2020-02-30") is None
    True
    """
    if text[4:5] == text[7:8] == "-":
        return _iso(text)
    for shape, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = match.groupdict()
        if shape is Shape.EPOCH:
            return _epoch(found["epoch"])
        time_of_day = _time_of_day(found["time"] or "", found["half"], found["zone"])
        if time_of_day is None:
            return None
        seconds, offset = time_of_day
        year = _year(found["y"])
        if shape is Shape.YEAR_LAST:
            numbers = (int(found["a"]), int(found["b"]), year)
            is_date = _is_date(year, numbers[1], numbers[0]) or _is_date(year, numbers[0], numbers[1])
        else:
            month = int(found["m"]) if "m" in found else _MONTHS.get(found["name"][:3].lower(), 0)
            numbers = (year, month, int(found["d"]))
            is_date = _is_date(*numbers)
        return (
            Stamp(shape, numbers, found.get("s") or "", seconds, offset, found["time"] is not None)
            if is_date
            else None
        )
    return None


def date_of(stamp: Stamp, order: DateOrder) -> date | None:
    """Return the date as it is written; None if it is none in that order.

    Parameters
    ----------
    order
        Only asked for `Shape.YEAR_LAST`.
    """
    year, month, day = stamp.numbers
    if stamp.shape is Shape.YEAR_LAST:
        first, second, year = stamp.numbers
        if order is DateOrder.YMD:
            year, month, day = _year(f"{first:02}"), second, year % 100
        else:
            day, month = (first, second) if order is DateOrder.DMY else (second, first)
    return date(year, month, day) if _is_date(year, month, day) else None


def new_york_time(stamp: Stamp, *, order: DateOrder, zone: ZoneInfo | None) -> datetime | None:
    """Return what clocks in New York show at a stamp; None if it is no date in that order.

    Parameters
    ----------
    zone
        Of a time of day without one.
    """
    day = date_of(stamp, order)
    if day is None:
        return None
    at = datetime(day.year, day.month, day.day) + timedelta(seconds=stamp.seconds)  # noqa: DTZ001 - its zone follows
    aware = at.replace(tzinfo=timezone(stamp.offset) if stamp.offset is not None else zone)
    try:
        return aware.astimezone(NEW_YORK).replace(tzinfo=None)
    except OverflowError:
        return None


def session_beginning_at(wall: datetime) -> date:
    """Return the trading day that a time in New York lies in: one begins at 17:00 of the day before.

    Examples
    --------
    >>> session_beginning_at(datetime(2020, 5, 31, 17)), session_beginning_at(datetime(2020, 6, 1, 9, 30))
    (datetime.date(2020, 6, 1), datetime.date(2020, 6, 1))
    """
    return (wall + _TRADING_DAY_BEGINS).date()


def decisive_order(stamp: Stamp) -> DateOrder | None:
    """Return the order of day and month that a stamp shows by itself; None if it is either.

    Examples
    --------
    >>> decisive_order(read_stamp("06/14/2020")), decisive_order(read_stamp("06/01/2020"))
    (<DateOrder.MDY: 'mdy'>, None)
    """
    first, second, year = stamp.numbers
    if stamp.shape is not Shape.YEAR_LAST:
        return None
    is_day_first, is_month_first = _is_date(year, second, first), _is_date(year, first, second)
    if is_day_first and is_month_first:
        return None
    return DateOrder.DMY if is_day_first else DateOrder.MDY


def _iso(text: str) -> Stamp | None:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    # Python also reads a week date; a file may mean something else by it.
    if day.isoformat() != text[:10]:
        return None
    numbers = (day.year, day.month, day.day)
    if len(text) == 10:
        return Stamp(Shape.ISO, numbers)
    rest = _rest(text[10:])
    return Stamp(Shape.ISO, numbers, "", *rest, has_time=True) if rest is not None else None


@lru_cache(maxsize=1 << 10)
def _rest(text: str) -> tuple[float, timedelta | None] | None:
    """Return the time of day and the offset after a date; a file of daily bars has few different ones."""
    match = _TIME_ALONE.fullmatch(text)
    return _time_of_day(*match.group("time", "half", "zone")) if match is not None and text else None


def _time_of_day(time: str, half: str | None, zone: str | None) -> tuple[float, timedelta | None] | None:
    seconds, offset = _seconds(time, half), _offset(zone)
    return None if seconds is None or (zone and offset is None) else (seconds, offset)


def _epoch(text: str) -> Stamp:
    seconds = int(text) / (1_000 if len(text) > 10 else 1)
    at = datetime.fromtimestamp(seconds, UTC)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Stamp(
        Shape.EPOCH,
        (at.year, at.month, at.day),
        "",
        (at - midnight).total_seconds(),
        timedelta(0),
        has_time=True,
    )


def _seconds(text: str, half: str | None) -> float | None:
    """Return a time of day in seconds since midnight; None if it is none.

    Examples
    --------
    >>> _seconds("16:00", None) == _seconds("4:00:00", "PM"), _seconds("12:00", "am"), _seconds("24:00", None)
    (True, 0.0, None)
    """
    if not text:
        return 0.0
    hour, minutes, *rest = text.split(":")
    hours, seconds = int(hour), float(rest[0]) if rest else 0.0
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    if hours > 23 or int(minutes) > 59 or seconds >= 60:
        return None
    return hours * 3_600 + int(minutes) * 60 + seconds


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    digits = text.removeprefix("UTC").removeprefix("GMT")
    if digits in ("Z", ""):
        return timedelta(0)
    sign, digits = (-1 if digits[0] == "-" else 1), digits[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    return sign * timedelta(hours=hours, minutes=minutes) if hours <= 14 and minutes < 60 else None


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= _FIRST_TWO_DIGIT_YEAR else 2000)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
