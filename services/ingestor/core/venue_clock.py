"""What time it is at a venue, by the venue's own times and a clock that never goes back.

Our wall clock can be days wrong and can jump. Everything in the log is in event time, which is the venue's.
So the venue's present time is estimated from the times that it sends: of its ticks, its heartbeats and the
``Date`` of its answers. Between them it advances by our monotonic clock.

An *offset* is the venue's time less our monotonic time at which it came. A message is late, never early, so
the greatest offset of the last two minutes is the nearest to the truth.

========================================== ===================================================================
a time of the venue                        is
========================================== ===================================================================
over 5 s after the venue's present time    refused as ``future``
over 120 s before it                       refused as ``too_old``
refused, but one of at least five in a     taken: the venue's clock is what it says, however far from ours
row over at least ten seconds whose
offsets differ by less than two seconds
========================================== ===================================================================

One time alone never moves the estimate forward: the second greatest offset counts. Our wall clock counts
from the start of the process until the venue gives a time, and is then only watched. ``Date`` has whole
seconds and may be a proxy's: it counts for six hours, while nothing else is known and where ticks come up to
120 s late.

The estimate is at most 5 s ahead of the venue, and between its times as good as the rate of our monotonic
clock: 0.05 % at most while the operating system adjusts it, which is 1.8 s in an hour of silence.
"""

from typing import Final

from shared.domain.instants import INSTANTS_END_NS, NS_PER_SECOND

FUTURE_LIMIT_NS: Final = 5 * NS_PER_SECOND
TOO_OLD_NS: Final = 120 * NS_PER_SECOND
# A venue's times count as one offset when so many in a row, over so long, differ by so little.
STEADY_COUNT: Final = 5
STEADY_SECONDS: Final = 10.0
STEADY_SPREAD_NS: Final = 2 * NS_PER_SECOND
_WINDOW_SECONDS: Final = 60.0
_DATE_SECONDS: Final = 6 * 3600.0


class SteadyRun:
    """The newest times of a venue that have one offset, as far back as they have."""

    def __init__(self) -> None:
        self._count = 0
        self._since = self._last = 0.0
        self._low_ns = self.high_ns = 0

    def add(self, offset_ns: int, *, now: float) -> None:
        """Take the next time; one with another offset begins a new run."""
        low_ns, high_ns = min(self._low_ns, offset_ns), max(self.high_ns, offset_ns)
        if self._count and high_ns - low_ns < STEADY_SPREAD_NS:
            self._count += 1
            self._low_ns, self.high_ns = low_ns, high_ns
        else:
            self._count, self._since = 1, now
            self._low_ns = self.high_ns = offset_ns
        self._last = now

    @property
    def is_steady(self) -> bool:
        """Return whether there are enough of them, over long enough."""
        return self._count >= STEADY_COUNT and self._last - self._since >= STEADY_SECONDS


class _Window:
    """The two greatest offsets of a minute."""

    def __init__(self, offset_ns: int, *, now: float) -> None:
        self.since = now
        self._greatest_ns = offset_ns
        self.second_ns: int | None = None

    def add(self, offset_ns: int) -> None:
        if offset_ns > self._greatest_ns:
            self._greatest_ns, offset_ns = offset_ns, self._greatest_ns
        if self.second_ns is None or offset_ns > self.second_ns:
            self.second_ns = offset_ns


class VenueClock:
    """The present time at the venue of one feed.

    Parameters
    ----------
    wall_ns
        Our wall clock at the start, nanoseconds since the Unix epoch.
    now
        The same instant on the monotonic clock, seconds.

    Examples
    --------
    Our clock is two days ahead, and the venue's first time says so only once it is confirmed.

    >>> day, s = 86_400 * 10**9, 10**9
    >>> clock = VenueClock(wall_ns=12 * day, now=0.0)
    >>> [clock.refusal(10 * day + each * s, now=each) for each in (0, 3, 6, 9, 12)]
    ['too_old', 'too_old', 'too_old', 'too_old', None]
    >>> (clock.now_ns(now=15.0) - 10 * day) // s
    15
    """

    def __init__(self, *, wall_ns: int, now: float) -> None:
        self._wall_offset_ns = min(max(wall_ns, 0), INSTANTS_END_NS - 1) - _ns(now)
        self._run = SteadyRun()
        self._windows: tuple[_Window | None, _Window] | None = None
        self._offset_ns: int | None = None
        self._date: tuple[int, float] | None = None
        self.restarts = 0

    @property
    def is_known(self) -> bool:
        """Return whether the venue has given a time."""
        return self._offset_ns is not None or self._date is not None

    def is_certain(self, *, now: float) -> bool:
        """Return whether its time is known to seconds: by a ``Date``, or by times that have one offset.

        Ticks of minutes that are over, say, are all late, each by another time.
        """
        if self._offset_ns is None:
            return self._date is not None
        return self._run.is_steady or self._best_ns(now) != self._offset_ns

    def now_ns(self, *, now: float) -> int:
        """Return the venue's present time, nanoseconds since the Unix epoch."""
        return self._best_ns(now) + _ns(now)

    def plausible_ns(self, wall_ns: int, *, now: float) -> int:
        """Return what our wall clock says, or the venue's present time where ours cannot be right."""
        now_ns = self.now_ns(now=now)
        return wall_ns if abs(wall_ns - now_ns) <= TOO_OLD_NS else now_ns

    def refusal(self, ts_event_ns: int, *, now: float) -> str | None:
        """Take a time of the venue; return None, ``future`` or ``too_old``."""
        offset_ns = ts_event_ns - _ns(now)
        self._run.add(offset_ns, now=now)
        if self._is_future(offset_ns, now):
            reason = "future"
        elif offset_ns < self._best_ns(now) - TOO_OLD_NS:
            reason = "too_old"
        else:
            self._take(offset_ns, now=now)
            return None
        if not self._run.is_steady:
            return reason
        self._restart(self._run.high_ns, now=now)
        return None

    def is_future(self, ts_event_ns: int, *, now: float) -> bool:
        """Return whether a time is too far ahead, without learning from it."""
        return self._is_future(ts_event_ns - _ns(now), now)

    def take_date(self, date_ns: int, *, now: float) -> None:
        """Take the ``Date`` of an answer: the time at the venue to a second, or a proxy's."""
        before_ns = self._best_ns(now)
        self._date = (date_ns - _ns(now), now)
        if self._offset_ns is None and self._best_ns(now) < before_ns - FUTURE_LIMIT_NS:
            self.restarts += 1

    def _best_ns(self, now: float) -> int:
        """Return the offset that is nearest to the truth."""
        known_ns = self._offset_ns
        if self._date is None:
            return self._wall_offset_ns if known_ns is None else known_ns
        date_ns, taken = self._date
        if known_ns is None:
            return date_ns
        is_young = now - taken <= _DATE_SECONDS
        return date_ns if is_young and known_ns < date_ns <= known_ns + TOO_OLD_NS else known_ns

    def _is_future(self, offset_ns: int, now: float) -> bool:
        best_ns = self._best_ns(now)
        if best_ns < self._wall_offset_ns <= best_ns + TOO_OLD_NS:
            # The venue's times so far may all be late: what our clock allows is not from the future.
            best_ns = self._wall_offset_ns
        return offset_ns > best_ns + FUTURE_LIMIT_NS

    def _take(self, offset_ns: int, *, now: float) -> None:
        if self._windows is None:
            self._windows = (None, _Window(offset_ns, now=now))
            self._offset_ns = offset_ns
            return
        previous, present = self._windows
        is_over = now - present.since > _WINDOW_SECONDS
        if not is_over and present.second_ns is not None and offset_ns <= present.second_ns:
            return
        if is_over:
            previous, present = present, _Window(offset_ns, now=now)
            self._windows = (previous, present)
        else:
            present.add(offset_ns)
        seconds = [each.second_ns for each in (previous, present) if each is not None]
        known = [each for each in seconds if each is not None]
        # A venue that gives one time a minute has no second one; its newest time is the best there is.
        self._offset_ns = max(known) if known else offset_ns

    def _restart(self, offset_ns: int, *, now: float) -> None:
        self._windows = (None, _Window(offset_ns, now=now))
        self._offset_ns = offset_ns
        # A ``Date`` that contradicts the ticks is not that of their clock.
        self._date = None
        self.restarts += 1


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_SECOND)
