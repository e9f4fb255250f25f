"""The XNYS calendar of exchange-calendars, as plain values, and the closures that it does not know."""

import warnings
from functools import lru_cache

import exchange_calendars
import pandas

from shared.config import load_settings
from shared.declared_closures import CalendarSettings
from shared.domain.closures import parse_closures
from shared.domain.sessions import SessionCalendar

# Fixed, so that the calendar does not depend on the day a process was started on.
_FIRST, _LAST = "1999-01-04", "2035-12-31"


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
    with warnings.catch_warnings():
        # Warnings about how exchange-calendars uses pandas are not for its callers to fix.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        schedule = exchange_calendars.get_calendar("XNYS", start=_FIRST, end=_LAST).schedule
    return SessionCalendar(
        labels=tuple(schedule.index.strftime("%Y-%m-%d")),
        open_ns=tuple(pandas.DatetimeIndex(schedule["open"]).as_unit("ns").asi8.tolist()),
        close_ns=tuple(pandas.DatetimeIndex(schedule["close"]).as_unit("ns").asi8.tolist()),
    )
