"""What time it is at a venue: by the venue's own times, and by any two clocks that agree.

Everything in the log is in event time, which is the venue's. Our wall clock can be days wrong and can jump.
A ``Date`` may be a proxy's, and a tick may be late or wrong. Our monotonic clock stands still while the
machine is suspended. So none of them alone moves the estimate of the venue's present time far. Between the
venue's times it advances by the monotonic clock.

An *offset* is a time less our monotonic time at which it came. A message is late, never early, so the
greatest offset of the venue's times of the last two minutes is the nearest to the truth.

============================================= ==============================================================
what is received                              what it does
============================================= ==============================================================
a time of the venue from 120 s before to 5 s  it is taken: the second greatest offset of two minutes counts,
after the estimate                            so one time alone does not move the estimate forward
an earlier or a later one                     it is refused, as ``too_old`` or ``future``, unless a row below
                                              restarts the estimate
a refused time, and our wall clock agrees     the estimate restarts at once at the earlier of both: our
with it, and not with the estimate            monotonic clock stood still, or the start was wrong
a refused time, and a ``Date`` agrees with    the estimate restarts at once, unless it is by the venue's
it, and not with the estimate                 times and our wall clock agrees with it
refused times, five in a row over at least    the estimate restarts: the venue's clock is what it says,
ten seconds with nearly one offset            however far from ours
a ``Date`` that agrees with our wall clock    it counts for six hours where ticks come up to 120 s late; the
                                              estimate restarts at it if our wall clock has jumped since the
                                              last time that was taken
a ``Date`` that agrees with the venue's times the same, up to the lateness of the ticks, unless our clock
                                              agrees with the times and not with it
any other ``Date``                            nothing; five in a row that agree, over ten seconds, count
                                              where the venue gives no other time
our wall clock                                it counts from the start until the venue has given a time;
                                              alone, later, it does nothing
an instant outside of 1970 to 2036            nothing
============================================= ==============================================================

A time agrees with a clock when it is at most 5 s ahead of it, and behind by at most 5 s and the lateness of
the venue's ticks. "Nearly one offset" is within two seconds, or within that lateness where it is more.

The estimate is at most 5 s ahead of the venue, and between its times as good as the rate of our monotonic
clock: 0.05 % at most while the operating system adjusts it, which is 1.8 s in an hour of silence.
"""

from dataclasses import dataclass
from typing import Final

from services.ingestor.core.steady_times import STEADY_SPREAD_NS, SteadyRun
from shared.domain.instants import INSTANTS_END_NS, NS_PER_SECOND

FUTURE_LIMIT_NS: Final = 5 * NS_PER_SECOND
TOO_OLD_NS: Final = 120 * NS_PER_SECOND
_WINDOW_SECONDS: Final = 60.0
_DATE_SECONDS: Final = 6 * 3600.0
# Our wall clock is looked at with every frame and every second; an older look says nothing of the present.
_WALL_SECONDS: Final = 5.0


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


@dataclass(frozen=True, slots=True)
class _Date:
    """The newest ``Date``, when it came, and whether another clock agrees with it."""

    offset_ns: int
    taken: float
    is_confirmed: bool


class VenueClock:
    """The present time at the venue of one feed.

    Parameters
    ----------
    wall_ns
        Our wall clock at the start, nanoseconds since the Unix epoch.
    now
        The same instant on the monotonic clock, seconds.
    lateness_ns
        How late the venue's ticks may come: their offsets differ by so much.

    Examples
    --------
    Our clock is two days ahead, and the venue's first time says so only once it is confirmed.

    >>> day, s = 86_400 * 10**9, 10**9
    >>> clock = VenueClock(wall_ns=12 * day, now=0.0)
    >>> [clock.refusal(10 * day + each * s, now=each) for each in (0, 3, 6, 9, 12)]
    ['too_old', 'too_old', 'too_old', 'too_old', None]
    >>> (clock.now_ns(now=15.0) - 10 * day) // s
    15

    The machine was suspended for an hour: its wall clock and the venue agree on that.

    >>> clock.take_wall(10 * day + 3_620 * s, now=20.0)
    >>> clock.refusal(10 * day + 3_620 * s, now=20.0)
    """

    def __init__(self, *, wall_ns: int, now: float, lateness_ns: int = STEADY_SPREAD_NS) -> None:
        self._wall_ns = self._wall_before_ns = self._base_ns = self._allowed_ns = _bounded(wall_ns) - _ns(now)
        self._wall_taken = now
        self._lateness_ns = lateness_ns
        self._run = SteadyRun(max(STEADY_SPREAD_NS, lateness_ns))
        self._dates = SteadyRun(FUTURE_LIMIT_NS)
        self._windows: tuple[_Window | None, _Window] | None = None
        self._offset_ns: int | None = None
        # The newest that counts, and the newest at all.
        self._date: _Date | None = None
        self._newest_date: _Date | None = None
        self._has_refused = False
        self.restarts = 0

    @property
    def is_known(self) -> bool:
        """Return whether the venue has given a time that counts."""
        return self._offset_ns is not None or (self._date is not None and self._date.is_confirmed)

    @property
    def is_disputed(self) -> bool:
        """Return whether the venue's times contradict our clock and nothing shows yet which is right."""
        return not self.is_known and (self._has_refused or self._date is not None)

    def is_certain(self, *, now: float) -> bool:
        """Return whether its time is known to seconds: by a ``Date``, or by times that have one offset.

        Ticks of minutes that are over, say, are all late, each by another time.
        """
        if self._offset_ns is None:
            return self.is_known
        is_one_offset = self._run.is_steady and self._run.spread_ns < STEADY_SPREAD_NS
        return is_one_offset or self._best_ns(now) != self._offset_ns

    def now_ns(self, *, now: float) -> int:
        """Return the venue's present time, nanoseconds since the Unix epoch."""
        return _bounded(self._best_ns(now) + _ns(now))

    def plausible_ns(self, wall_ns: int, *, now: float) -> int:
        """Return what our wall clock says, or the venue's present time where ours cannot be right."""
        now_ns = self.now_ns(now=now)
        return wall_ns if abs(wall_ns - now_ns) <= TOO_OLD_NS and _is_possible(wall_ns) else now_ns

    def take_wall(self, wall_ns: int, *, now: float) -> None:
        """Note what our wall clock says, with every frame and about once a second: it is a witness."""
        self._wall_ns, self._wall_taken = _bounded(wall_ns) - _ns(now), now
        date = self._date
        if date is not None and not self.is_known and self._is_by_wall(date.offset_ns):
            self._restart_at_date(date.offset_ns, now=now)

    def refusal(self, ts_event_ns: int, *, now: float) -> str | None:
        """Take a time of the venue; return None, ``future`` or ``too_old``."""
        offset_ns = ts_event_ns - _ns(now)
        if not _is_possible(ts_event_ns):
            return "too_old" if ts_event_ns < 0 else "future"
        self._run.add(offset_ns, now=now)
        if self._is_future(offset_ns, now):
            reason = "future"
        elif offset_ns < self._best_ns(now) - TOO_OLD_NS:
            reason = "too_old"
        else:
            self._take(offset_ns, now=now)
            self._wall_before_ns = self._wall_ns
            return None
        restart_ns = self._restart_of(offset_ns, now)
        if restart_ns is None:
            self._has_refused = True
            return reason
        self._restart(restart_ns, now=now)
        return None

    def is_future(self, ts_event_ns: int, *, now: float) -> bool:
        """Return whether a time is too far ahead, without learning from it."""
        return self._is_future(ts_event_ns - _ns(now), now)

    def take_date(self, date_ns: int, *, now: float) -> None:
        """Take the ``Date`` of an answer: the time at the venue to a second, or a proxy's."""
        if not _is_possible(date_ns):
            return
        offset_ns = date_ns - _ns(now)
        self._dates.add(offset_ns, now=now)
        is_by_wall = self._is_by_wall(offset_ns)
        has_jumped = abs(self._wall_ns - self._wall_before_ns) > FUTURE_LIMIT_NS
        is_steady = self._offset_ns is None and self._dates.is_steady
        if abs(offset_ns - self._best_ns(now)) > FUTURE_LIMIT_NS and (
            (is_by_wall and has_jumped) or is_steady
        ):
            self._restart_at_date(offset_ns, now=now)
            return
        self._newest_date = _Date(offset_ns, now, is_by_wall)
        if is_by_wall or self._date is None or not self._date.is_confirmed:
            # One that nothing agrees with replaces none that counts.
            self._date = self._newest_date

    def _best_ns(self, now: float) -> int:
        """Return the offset that is nearest to the truth."""
        known_ns, date = self._offset_ns, self._date
        if known_ns is None:
            return date.offset_ns if date is not None and date.is_confirmed else self._base_ns
        if date is None or now - date.taken > _DATE_SECONDS:
            return known_ns
        ahead_ns = date.offset_ns - known_ns
        most_ns = TOO_OLD_NS if date.is_confirmed else self._lateness_ns
        if not date.is_confirmed and self._is_near(known_ns, self._wall_ns):
            # Our clock and the ticks agree, and not with it.
            return known_ns
        return date.offset_ns if 0 < ahead_ns <= most_ns else known_ns

    def _is_by_wall(self, offset_ns: int) -> bool:
        return abs(offset_ns - self._wall_ns) <= FUTURE_LIMIT_NS

    def _is_future(self, offset_ns: int, now: float) -> bool:
        best_ns = self._best_ns(now)
        if best_ns < self._allowed_ns <= best_ns + TOO_OLD_NS:
            # The venue's times so far may all be late: what our clock allows is not from the future.
            best_ns = self._allowed_ns
        return offset_ns > best_ns + FUTURE_LIMIT_NS

    def _restart_of(self, offset_ns: int, now: float) -> int | None:
        """Return where the estimate restarts by a time that it refuses, or None."""
        best_ns, date = self._best_ns(now), self._newest_date
        is_wall_young = now - self._wall_taken <= _WALL_SECONDS
        if is_wall_young and self._agrees(offset_ns, self._wall_ns, best_ns):
            self._date, self._newest_date, self._allowed_ns = None, None, self._wall_ns
            return min(offset_ns, self._wall_ns)
        is_by_wall = self._offset_ns is not None and is_wall_young and self._is_by_wall(best_ns)
        if (
            date is not None
            and not is_by_wall
            and now - date.taken <= _DATE_SECONDS
            and self._agrees(offset_ns, date.offset_ns, best_ns)
        ):
            self._date = _Date(date.offset_ns, date.taken, is_confirmed=True)
            self._allowed_ns = date.offset_ns
            return offset_ns
        if self._run.is_steady:
            # A ``Date`` that contradicts the ticks is not that of their clock.
            self._date = self._newest_date = None
            return self._run.high_ns
        return None

    def _agrees(self, offset_ns: int, witness_ns: int, best_ns: int) -> bool:
        """Return whether a clock agrees with a refused time, and not with the estimate."""
        is_other = witness_ns > best_ns + FUTURE_LIMIT_NS or witness_ns < best_ns - TOO_OLD_NS
        return is_other and self._is_near(offset_ns, witness_ns)

    def _is_near(self, offset_ns: int, witness_ns: int) -> bool:
        return -FUTURE_LIMIT_NS <= witness_ns - offset_ns <= self._lateness_ns + FUTURE_LIMIT_NS

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
        self._wall_before_ns = self._wall_ns
        self.restarts += 1

    def _restart_at_date(self, offset_ns: int, *, now: float) -> None:
        self._windows = self._offset_ns = None
        self._base_ns = self._allowed_ns = offset_ns
        self._date = self._newest_date = _Date(offset_ns, now, is_confirmed=True)
        self._wall_before_ns = self._wall_ns
        self.restarts += 1


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_SECOND)


def _is_possible(instant_ns: int) -> bool:
    return 0 <= instant_ns < INSTANTS_END_NS


def _bounded(instant_ns: int) -> int:
    return min(max(instant_ns, 0), INSTANTS_END_NS - 1)
