"""The XNYS calendar of exchange-calendars, as plain values, and the closures that it does not know.

To ask the library takes half a second, pandas included. Its answer is therefore kept in
`shared.known_closures`, with the version of the library that gave it; another version is asked itself.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from shared.config import load_settings
from shared.declared_closures import CalendarSettings
from shared.domain.closures import parse_closures
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import NEW_YORK, SessionCalendar
from shared.known_closures import CLOSED_WEEKDAYS, EARLY_CLOSES, LIBRARY_VERSION

# Fixed, so that the calendar does not depend on the day a process was started on.
_FIRST: Final = date(1999, 1, 4)
_LAST: Final = date(2035, 12, 31)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_NS: Final = 86_400 * NS_PER_SECOND
# From 9:30 New York.
_OPEN_NS: Final = 570 * 60 * NS_PER_SECOND
_SATURDAY: Final = 5
# To 16:00, and to 13:00 on the day before some holidays.
_FULL_NS: Final = 390 * 60 * NS_PER_SECOND
_EARLY_NS: Final = 210 * 60 * NS_PER_SECOND


def xnys_calendar() -> SessionCalendar:
    """Return every XNYS session from 1999 to 2035, early closes and declared closures included.

    Raises
    ------
    ConfigError
        If a declared closure cannot be read.

    Examples
    --------
    >>> calendar = xnys_calendar()
    >>> from shared.domain.instants import format_rfc3339
    >>> format_rfc3339(calendar.close_of("2025-11-28"))  # the day after Thanksgiving
    '2025-11-28T18:00:00.000000Z'
    """
    return _calendar_with(load_settings(CalendarSettings).closures)


@lru_cache(maxsize=4)
def _calendar_with(declared: str) -> SessionCalendar:
    return _known_calendar().with_closures(parse_closures(declared))


@lru_cache(maxsize=1)
def _known_calendar() -> SessionCalendar:
    if version("exchange-calendars") == LIBRARY_VERSION:
        return calendar_of_the_table()
    return calendar_of_the_library()


def calendar_of_the_table() -> SessionCalendar:
    """Return the sessions as kept in `shared.known_closures`."""
    closed, early = set(CLOSED_WEEKDAYS.split()), set(EARLY_CLOSES.split())
    labels, opens, closes = [], [], []
    for ordinal in range(_FIRST.toordinal(), _LAST.toordinal() + 1):
        day = date.fromordinal(ordinal)
        label = day.isoformat()
        if day.weekday() >= _SATURDAY or label in closed:
            continue
        labels.append(label)
        # Clocks change at night: the whole session has one offset.
        offset = datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK).utcoffset() or timedelta()
        open_ns = (
            (ordinal - _EPOCH) * _DAY_NS + _OPEN_NS - offset.days * _DAY_NS - offset.seconds * NS_PER_SECOND
        )
        opens.append(open_ns)
        closes.append(open_ns + (_EARLY_NS if label in early else _FULL_NS))
    return SessionCalendar(labels=tuple(labels), open_ns=tuple(opens), close_ns=tuple(closes))


def calendar_of_the_library() -> SessionCalendar:
    """Return the sessions as the installed exchange-calendars knows them."""
    import warnings

    import exchange_calendars
    import pandas

    with warnings.catch_warnings():
        # Warnings about how exchange-calendars uses pandas are not for its callers to fix.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        schedule = exchange_calendars.get_calendar(
            "XNYS", start=_FIRST.isoformat(), end=_LAST.isoformat()
        ).schedule
    return SessionCalendar(
        labels=tuple(schedule.index.strftime("%Y-%m-%d")),
        open_ns=tuple(pandas.DatetimeIndex(schedule["open"]).as_unit("ns").asi8.tolist()),
        close_ns=tuple(pandas.DatetimeIndex(schedule["close"]).as_unit("ns").asi8.tolist()),
    )
