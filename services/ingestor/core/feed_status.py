"""The status of a live feed, published once a second: its state and its watermark.

=========== ================================================ =========================
market      feed                                             state
=========== ================================================ =========================
not open    any                                              ``BREAK`` or ``CLOSED``
open        not live, or no tick for ``stale_after``         ``STALE``
open        live                                             ``LIVE``
=========== ================================================ =========================

The watermark is in the venue's time, and our wall clock never moves it once the venue has given a time:

============================================ =============================================================
frames                                       the watermark is the allowed lateness before
============================================ =============================================================
come in                                      the venue's present time
stopped                                      the last frame, because missed trades may be back-filled; after
                                             `HOLD_SECONDS` so long before the venue's present time, because
                                             consumers that wait for event time must not wait for ever
come in, and a tick or trade is awaited      what is awaited, if that is earlier, for `HOLD_SECONDS`
never came, or the venue gave no time yet    0, which says nothing; after `HOLD_SECONDS` as if stopped, by our
                                             wall clock at the start and the time since
come in, and contradict our wall clock       the same: nothing shows yet which of them is right
============================================ =============================================================

It goes back only when the venue's clock does: when its times show that what was believed of them was wrong.
"""

from dataclasses import dataclass
from typing import Final

from services.ingestor.core.venue_clock import VenueClock
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedState

HOLD_SECONDS: Final = 120.0
_HOLD_NS: Final = int(HOLD_SECONDS) * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """When a live feed last received something; instants in seconds on the monotonic clock.

    Parameters
    ----------
    is_live
        Connected, acknowledged, and data has come in.
    last_frame
        When the last frame of any kind came in; before the first, when the feed was started.
    last_tick
        When the last tick came in that was no snapshot; before the first, when the feed was started.
    """

    is_live: bool
    last_frame: float
    last_tick: float


def feed_state(liveness: Liveness, *, now: float, market: FeedState, stale_after: float) -> FeedState:
    """Return the state of a live feed.

    Parameters
    ----------
    market
        ``LIVE`` while the instrument's market is open, else ``BREAK`` or ``CLOSED``.
    """
    if market is not FeedState.LIVE:
        return market
    if not liveness.is_live or now - liveness.last_tick > stale_after:
        return FeedState.STALE
    return FeedState.LIVE


class Watermark:
    """The event time before which no more ticks of a feed are expected.

    Parameters
    ----------
    venue
        The time at the venue.
    lateness_ns
        How late a tick may come.
    idle_seconds
        Without a frame for this long the feed counts as interrupted.
    started
        When the feed was started, in seconds on the monotonic clock.

    Examples
    --------
    >>> s, venue = 10**9, VenueClock(wall_ns=0, now=0.0)
    >>> venue.refusal(100 * s, now=100.0)
    >>> mark = Watermark(venue, lateness_ns=2 * s, idle_seconds=10.0, started=0.0)
    >>> live = Liveness(is_live=True, last_frame=100.0, last_tick=100.0)
    >>> [mark.advance(live, now=now) // s for now in (101.0, 150.0, 500.0)]
    [99, 99, 378]
    """

    def __init__(self, venue: VenueClock, *, lateness_ns: int, idle_seconds: float, started: float) -> None:
        self._venue = venue
        self._lateness_ns = lateness_ns
        self._idle_seconds = idle_seconds
        self._started = started
        self._restarts = venue.restarts
        self._mark_ns = 0

    def advance(self, liveness: Liveness, *, now: float, awaited_ns: int | None = None) -> int:
        """Return the present watermark.

        Parameters
        ----------
        awaited_ns
            Event time of the oldest tick that may still come or is held, or None.
        """
        if self._restarts != self._venue.restarts:
            self._restarts, self._mark_ns = self._venue.restarts, 0
        is_flowing = liveness.is_live and now - liveness.last_frame <= self._idle_seconds
        seen_until = now if is_flowing else max(liveness.last_frame, now - HOLD_SECONDS)
        is_open = not self._venue.is_known and (self._venue.is_disputed or not is_flowing)
        if is_open and now - self._started < HOLD_SECONDS:
            return self._mark_ns
        now_ns = self._venue.now_ns(now=now)
        seen_until_ns = now_ns - int((now - seen_until) * NS_PER_SECOND)
        if awaited_ns is not None:
            seen_until_ns = min(seen_until_ns, max(awaited_ns, now_ns - _HOLD_NS))
        self._mark_ns = max(self._mark_ns, seen_until_ns - self._lateness_ns)
        return self._mark_ns
