"""How much of the legs' moves is still to come before the next close, in steps of a quarter of an hour.

Prices do not move evenly. Of the variance that a session of spot gold has from close to close, the four hours
from 08:00 New York have 40 %, the nineteen other hours of trading 60 %: an hour of the former weighs three
times one of the latter. A share of IWM has 41 % of its variance between a close and the next open. Both were
measured, see ``docs/early-warnings.md``; a leg that trades otherwise gets the same shares.

The steps are those of event time, so a decision does not depend on how ticks are cut into records. Between
two steps a level is one price.
"""

from datetime import datetime, time
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.domain.gold_hours import spot_gold_state
from shared.domain.instants import NS_PER_SECOND, from_ns, to_ns
from shared.domain.sessions import NEW_YORK, SessionCalendar
from shared.domain.ticks import FeedState

QUARTER_NS: Final = 15 * 60 * NS_PER_SECOND

_BUSY_FROM, _BUSY_UNTIL = time(8), time(12)
_BUSY_WEIGHT: Final = 3
_OVERNIGHT: Final = 0.4
_DAY_NS: Final = 24 * 3_600 * NS_PER_SECOND
_NEVER: Final = (1 << 63) - 1
# A Monday, 00:00 New York, of a week without a change to or from daylight-saving time.
_A_MONDAY_NS: Final = to_ns(datetime(2001, 1, 15, tzinfo=NEW_YORK))
_QUARTERS_OF_A_WEEK: Final = 7 * 24 * 4


class SessionClock:
    """The session whose close is next, and how much of it is to come.

    Parameters
    ----------
    calendar
        XNYS sessions.

    Attributes
    ----------
    ordinal
        Of the session whose close is next; -1 before event time has begun.
    lead_to_come
        The share of the lead's variance of that session that is to come, above 0.
    since_ns, due_ns
        From when on ``lead_to_come`` has been the same, and when it changes.
    """

    __slots__ = ("calendar", "due_ns", "lead_to_come", "ordinal", "since_ns")

    def __init__(self, calendar: SessionCalendar) -> None:
        self.calendar = calendar
        self.ordinal = -1
        self.lead_to_come = 1.0
        self.since_ns, self.due_ns = 0, _NEVER

    @property
    def has_next_close(self) -> bool:
        """Return whether event time has begun, and the calendar knows the next close."""
        return 0 <= self.ordinal < len(self.calendar.close_ns)

    def move_to(self, ts_ns: int, ordinal: int) -> None:
        """Take in that event time has come to an instant.

        Parameters
        ----------
        ordinal
            Of the session whose close is next.
        """
        if ts_ns < self.due_ns and ordinal == self.ordinal:
            return
        self.ordinal, self.lead_to_come, self.due_ns = ordinal, 1.0, _NEVER
        if not self.has_next_close:
            return
        begin_ns, close_ns = _begin_ns(self.calendar, ordinal), self.calendar.close_ns[ordinal]
        to_come, first = _to_come(begin_ns, close_ns), begin_ns // QUARTER_NS
        at = max(0, min(ts_ns // QUARTER_NS - first, len(to_come) - 1))
        self.lead_to_come = to_come[at]
        self.since_ns = (first + to_come.index(to_come[at])) * QUARTER_NS
        later = (each for each in range(at + 1, len(to_come)) if to_come[each] != to_come[at])
        step = next(later, None)
        if step is not None:
            self.due_ns = (first + step) * QUARTER_NS

    def go_back(self, ts_ns: int, ordinal: int) -> None:
        """Take in that event time was too far, and is at an instant."""
        self.due_ns = 0
        self.move_to(ts_ns, ordinal)

    def other_to_come(self, ts_ns: int, *, until: int | None = None) -> float:
        """Return the variance, in sessions, of the other leg's move from one of its ticks to a close.

        Parameters
        ----------
        ts_ns
            Event time of the tick, which counts from the beginning of its quarter of an hour.
        until
            Ordinal of the session that closes; None for the next one.
        """
        last = self.ordinal if until is None else until
        ordinal = min(self.calendar.first_closing_at_or_after(ts_ns), last)
        begin_ns, close_ns = _begin_ns(self.calendar, ordinal), self.calendar.close_ns[ordinal]
        open_ns = self.calendar.open_ns[ordinal]
        # A tick at the very close belongs to the quarter before it, so that something is always to come.
        at_ns = max(begin_ns, min(ts_ns, close_ns - 1) // QUARTER_NS * QUARTER_NS)
        if at_ns < open_ns:
            passed = _OVERNIGHT * (at_ns - begin_ns) / (open_ns - begin_ns)
        else:
            passed = _OVERNIGHT + (1 - _OVERNIGHT) * (at_ns - open_ns) / (close_ns - open_ns)
        return last - ordinal + 1 - passed


def quarter_after(ts_ns: int) -> int:
    """Return when the quarter of an hour after that of an instant begins."""
    return (ts_ns // QUARTER_NS + 1) * QUARTER_NS


def _begin_ns(calendar: SessionCalendar, ordinal: int) -> int:
    return calendar.close_ns[ordinal - 1] if ordinal > 0 else calendar.close_ns[ordinal] - _DAY_NS


@lru_cache(maxsize=8)
def _to_come(begin_ns: int, close_ns: int) -> tuple[float, ...]:
    """Return the share to come at the beginning of each quarter of an hour of a session, from 1 down."""
    first, end = begin_ns // QUARTER_NS, (close_ns - 1) // QUARTER_NS + 1
    begin, last = (_quarter_of_the_week(each) for each in (first, end - 1))
    if end - first <= _QUARTERS_OF_A_WEEK and last == (begin + end - first - 1) % _QUARTERS_OF_A_WEEK:
        return _to_come_of_a_week(begin, end - first)
    # The clocks are changed in between, or may be.
    return _shares(np.array([_weight(each * QUARTER_NS) for each in range(first, end)]))


@lru_cache(maxsize=64)
def _to_come_of_a_week(begin: int, count: int) -> tuple[float, ...]:
    """Return the shares of a session by where in the week it begins: most are like those of last week."""
    return _shares(_weights_of_a_week()[np.arange(begin, begin + count) % _QUARTERS_OF_A_WEEK])


def _shares(weights: NDArray[np.int64]) -> tuple[float, ...]:
    if not weights.any():
        weights = np.ones_like(weights)
    total = int(weights.sum())
    left = total - np.cumsum(weights) + weights
    # Gold may be closed before the close itself: something is to come all the same.
    return tuple((np.maximum(left, 1) / total).tolist())


def _quarter_of_the_week(quarter: int) -> int:
    """Return what New York clocks show at the beginning of a quarter of an hour, in quarters from Monday."""
    local = from_ns(quarter * QUARTER_NS).astimezone(NEW_YORK)
    return (local.weekday() * 24 + local.hour) * 4 + local.minute // 15


@lru_cache(maxsize=1)
def _weights_of_a_week() -> NDArray[np.int64]:
    quarters = range(_QUARTERS_OF_A_WEEK)
    return np.array([_weight(_A_MONDAY_NS + each * QUARTER_NS) for each in quarters])


def _weight(ts_ns: int) -> int:
    if spot_gold_state(ts_ns) is not FeedState.LIVE:
        return 0
    clock = from_ns(ts_ns).astimezone(NEW_YORK).time()
    return _BUSY_WEIGHT if _BUSY_FROM <= clock < _BUSY_UNTIL else 1
