"""The XNYS calendar of exchange-calendars, as plain values."""

import warnings
from functools import lru_cache

import exchange_calendars
import pandas

from shared.domain.sessions import SessionCalendar

# Fixed, so that the calendar does not depend on the day a process was started on.
_FIRST, _LAST = "1999-01-04", "2035-12-31"


@lru_cache(maxsize=1)
def xnys_calendar() -> SessionCalendar:
    """Return every XNYS session from 1999 to 2035, early closes included.

    Examples
    --------
    >>> calendar = xnys_calendar()
    >>> from shared.domain.instants import format_rfc3339
    >>> format_rfc3339(calendar.close_of("2025-11-28"))  # the day after Thanksgiving
    '2025-11-28T18:00:00.000000Z'
    """
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
