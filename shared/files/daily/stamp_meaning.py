"""What the stamps of daily bars mean, decided for all rows of a file together: one row shows too little.

A daily bar is stamped with its date, with the instant at which it begins (for spot gold 22:00 UTC of the day
before), or with the one at which it ends (23:59:59 UTC, 17:00 New York). Between 17:00 and midnight New York
the last two mean different sessions. Then the weekdays show which: markets are closed on Saturdays and
Sundays. Markets that never close show it only by the clock.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from shared.files.daily.dates import Stamp, date_of, new_york_time, session_beginning_at
from shared.files.reading_options import DateOrder

_DAY_SECONDS: Final = 86_400
# A stamp in the last minute of a day is its end.
_LAST_MINUTE: Final = _DAY_SECONDS - 60
_EVENING_HOUR: Final = 17
# Spot gold opens at this hour, and nothing closes at it.
_GOLD_OPENS_HOUR: Final = 18
# One reading has so many times the other's weekend sessions before it is excluded.
_MANY_TIMES: Final = 4
_SATURDAY: Final = 5


class Meaning(StrEnum):
    """What a stamp means."""

    MIDNIGHT = "midnight, or no time: the date as it is written"
    END_OF_DATE = "the last minute of its date: the date as it is written"
    BEGINNING = "the beginning of a bar: the trading day that it lies in"
    END = "the end of a bar: the date in New York"


def stamp_meaning(
    stamps: Sequence[Stamp | None], *, order: DateOrder, zone: ZoneInfo | None
) -> Meaning | None:
    """Return what the stamps of a file mean; None if only the person can say it.

    Parameters
    ----------
    stamps
        Of all rows; None for a row without a date.
    zone
        Of times of day without one; None if there is no such time but midnights and last minutes.

    Examples
    --------
    >>> from shared.files.daily.dates import read_stamp
    >>> def meaning(*texts):
    ...     return stamp_meaning([read_stamp(each) for each in texts], order=DateOrder.YMD, zone=None).name
    >>> meaning("2020-06-01T00:00:00Z"), meaning("2020-06-01T23:59:59Z"), meaning("2020-06-01T13:30:00Z")
    ('MIDNIGHT', 'END_OF_DATE', 'BEGINNING')
    >>> meaning("2020-05-31T21:00:00Z", "2020-06-01T21:00:00Z")  # a Sunday and a Monday
    'BEGINNING'
    >>> meaning("2020-06-05T21:00:00Z", "2020-06-08T21:00:00Z")  # a Friday and a Monday
    'END'
    """
    known = [stamp for stamp in stamps if stamp is not None]
    if 2 * sum(stamp.seconds == 0 for stamp in known) >= len(known):
        return Meaning.MIDNIGHT
    if 2 * sum(stamp.seconds >= _LAST_MINUTE for stamp in known) > len(known):
        return Meaning.END_OF_DATE
    evenings = [
        (stamp, at)
        for stamp in known
        if (at := new_york_time(stamp, order=order, zone=zone)) is not None and at.hour >= _EVENING_HOUR
    ]
    if not evenings:
        return Meaning.BEGINNING
    clock = [
        (stamp.seconds - stamp.offset.total_seconds()) % _DAY_SECONDS
        for stamp, _ in evenings
        if stamp.offset is not None
    ]
    has_clock = len(clock) == len(evenings)
    if has_clock and min(clock) >= _LAST_MINUTE:
        return Meaning.END
    begun = sum(_is_weekend(session_beginning_at(at)) for _, at in evenings)
    ended = sum(_is_weekend(at.date()) for _, at in evenings)
    if begun * _MANY_TIMES < ended:
        return Meaning.BEGINNING
    if ended * _MANY_TIMES < begun:
        return Meaning.END
    is_gold = all(at.hour == _GOLD_OPENS_HOUR and at.minute == 0 for _, at in evenings)
    # A few rows of one week: a vendor that writes UTC stamps the beginning.
    is_short = not begun and not ended and all(stamp.offset == timedelta(0) for stamp, _ in evenings)
    is_day_of_utc = has_clock and not any(clock)
    return Meaning.BEGINNING if is_gold or is_short or is_day_of_utc else None


def session_of(stamp: Stamp, *, meaning: Meaning, order: DateOrder, zone: ZoneInfo | None) -> str | None:
    """Return the session that a stamp means; None if it is no date in that order.

    Parameters
    ----------
    order
        Only asked for `Shape.YEAR_LAST`.
    zone
        Of a time of day without one. Must be given if `needs_zone`.

    Examples
    --------
    >>> from shared.files.daily.dates import read_stamp
    >>> def session(text, meaning):
    ...     return session_of(read_stamp(text), meaning=meaning, order=DateOrder.DMY, zone=None)
    >>> session("2020-06-01T13:30:00Z", Meaning.BEGINNING)
    '2020-06-01'
    >>> session("1590958800", Meaning.BEGINNING)  # 17:00 New York of 31 May
    '2020-06-01'
    >>> session("2020-06-01T21:00:00Z", Meaning.BEGINNING), session("2020-06-01T21:00:00Z", Meaning.END)
    ('2020-06-02', '2020-06-01')
    >>> session("06.14.2020", Meaning.MIDNIGHT) is None
    True
    """
    written = date_of(stamp, order)
    if written is None:
        return None
    if meaning is Meaning.END_OF_DATE or (meaning is Meaning.MIDNIGHT and stamp.seconds == 0):
        return written.isoformat()
    at = new_york_time(stamp, order=order, zone=zone)
    if at is None:
        return None
    return (at.date() if meaning is Meaning.END else session_beginning_at(at)).isoformat()


def needs_zone(stamps: Sequence[Stamp | None]) -> int | None:
    """Return the first row whose time of day means nothing without a zone, and has none; None if none has.

    Examples
    --------
    >>> from shared.files.daily.dates import read_stamp
    >>> needs_zone([read_stamp("2020-06-01 00:00"), read_stamp("2020-06-02 16:00")])
    1
    >>> needs_zone([read_stamp("2020-06-01 23:59")]) is None
    True
    """
    if all(stamp is None or stamp.seconds >= _LAST_MINUTE for stamp in stamps):
        return None
    return next(
        (
            row
            for row, stamp in enumerate(stamps)
            if stamp is not None and stamp.seconds != 0 and stamp.offset is None
        ),
        None,
    )


def undecided(text: str) -> str:
    """Return the problem of a file whose stamps may mean two things, with the remedy."""
    return (
        f"{text!r} may be the beginning of the next trading day or the end of its own, and no row shows "
        "which; give dates without a time"
    )


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY
