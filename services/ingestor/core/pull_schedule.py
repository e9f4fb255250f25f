"""When to pull daily bars: after the close, when they are final, and again the next morning.

======== ============ ===========================================
New York days         pull
======== ============ ===========================================
09:00    every day    everything: corrections, adjustments
17:45    of a session the last sessions: provisional
20:15    of a session the last sessions: final
======== ============ ===========================================
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from shared.domain.instants import from_ns, to_ns
from shared.domain.sessions import BAR_FINAL_AT, NEW_YORK, SessionCalendar

_MORNING: Final = time(9)
_EVENING: Final = time(17, 45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """One planned request.

    Parameters
    ----------
    is_full
        All of the history, not only the last sessions.
    """

    at_ns: int
    is_full: bool


def next_pull(after_ns: int, *, calendar: SessionCalendar) -> Pull:
    """Return the first pull strictly after an instant.

    Examples
    --------
    >>> from shared.calendars import xnys_calendar
    >>> from shared.domain.instants import format_rfc3339, parse_rfc3339
    >>> friday_night = parse_rfc3339("2020-03-21T00:15:00Z")
    >>> pull = next_pull(friday_night, calendar=xnys_calendar())
    >>> format_rfc3339(pull.at_ns), pull.is_full
    ('2020-03-21T13:00:00.000000Z', True)
    """
    day = from_ns(after_ns).astimezone(NEW_YORK).date()
    while True:
        times = [(_MORNING, True)]
        if calendar.is_session(day.isoformat()):
            times += [(_EVENING, False), (BAR_FINAL_AT, False)]
        for clock, is_full in times:
            at_ns = to_ns(datetime.combine(day, clock, NEW_YORK))
            if at_ns > after_ns:
                return Pull(at_ns=at_ns, is_full=is_full)
        day += timedelta(days=1)
