"""When spot gold trades: Sunday 18:00 to Friday 17:00 New York, with a break from 17:00 to 18:00."""

from datetime import time
from typing import Final

from shared.domain.instants import from_ns
from shared.domain.sessions import NEW_YORK
from shared.domain.ticks import FeedState

_BREAK_START: Final = time(17)
_BREAK_END: Final = time(18)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6


def spot_gold_state(ts_ns: int) -> FeedState:
    """Return ``LIVE`` while spot gold trades, else ``BREAK`` or ``CLOSED``.

    Parameters
    ----------
    ts_ns
        Nanoseconds since the Unix epoch.

    Examples
    --------
    >>> from shared.domain.instants import parse_rfc3339
    >>> spot_gold_state(parse_rfc3339("2014-05-02T12:30:00Z"))
    <FeedState.LIVE: 'LIVE'>
    >>> spot_gold_state(parse_rfc3339("2014-05-01T21:30:00Z"))  # Thursday, 17:30 New York
    <FeedState.BREAK: 'BREAK'>
    >>> spot_gold_state(parse_rfc3339("2014-05-02T21:30:00Z"))  # Friday, 17:30 New York
    <FeedState.CLOSED: 'CLOSED'>
    """
    local = from_ns(ts_ns).astimezone(NEW_YORK)
    day, clock = local.weekday(), local.time()
    if (
        day == _SATURDAY
        or (day == _FRIDAY and clock >= _BREAK_START)
        or (day == _SUNDAY and clock < _BREAK_END)
    ):
        return FeedState.CLOSED
    if _BREAK_START <= clock < _BREAK_END:
        return FeedState.BREAK
    return FeedState.LIVE
