"""Which times the ticks of a feed may have: near the venue's present time, and nearly in order."""

from typing import Final

from services.ingestor.core.venue_clock import VenueClock
from shared.domain.instants import NS_PER_SECOND
from shared.errors import QualityError

OUT_OF_ORDER_NS: Final = 10 * NS_PER_SECOND


class EventTimes:
    """The times of one feed's ticks.

    Parameters
    ----------
    venue
        Learns the venue's time from them.

    Examples
    --------
    >>> s = NS_PER_SECOND
    >>> times = EventTimes(VenueClock(wall_ns=100 * s, now=0.0))
    >>> [times.fault(second * s, now=0.0) for second in (100, 90, 101)]
    [None, None, None]
    >>> [times.fault(second * s, now=0.0).reason for second in (90, 107, -21)]
    ['out_of_order', 'future', 'too_old']
    """

    def __init__(self, venue: VenueClock) -> None:
        self._venue = venue
        self._restarts = venue.restarts
        self._newest_ns = 0

    def fault(self, ts_event_ns: int, *, now: float) -> QualityError | None:
        """Take the time of a tick; return what is wrong with it, or None."""
        venue = self._venue
        refusal = venue.refusal(ts_event_ns, now=now)
        if refusal == "future":
            return self._future(ts_event_ns, now)
        if refusal is not None:
            seconds = (venue.now_ns(now=now) - ts_event_ns) / NS_PER_SECOND
            return QualityError(f"a tick must be of the present, was {seconds:.1f} s old", reason="too_old")
        if venue.restarts != self._restarts:
            # The venue's clock was set: what was newest before says nothing.
            self._restarts, self._newest_ns = venue.restarts, 0
        behind_ns = self._newest_ns - ts_event_ns
        if behind_ns <= 0:
            self._newest_ns = ts_event_ns
        elif behind_ns > OUT_OF_ORDER_NS:
            return QualityError(
                f"a tick must not be far behind the newest, was {behind_ns / NS_PER_SECOND:.1f} s",
                reason="out_of_order",
            )
        return None

    def future_fault(self, ts_event_ns: int, *, now: float) -> QualityError | None:
        """Return what is wrong with the time of a tick that may be old, or None; learn nothing from it."""
        return self._future(ts_event_ns, now) if self._venue.is_future(ts_event_ns, now=now) else None

    def _future(self, ts_event_ns: int, now: float) -> QualityError:
        seconds = (ts_event_ns - self._venue.now_ns(now=now)) / NS_PER_SECOND
        return QualityError(f"a tick must not be from the future, was {seconds:.1f} s ahead", reason="future")
