"""The status of a live feed, published once a second: its state and its watermark.

=========== ================================================ =========================
market      feed                                             state
=========== ================================================ =========================
not open    any                                              ``BREAK`` or ``CLOSED``
open        not live, or no tick for ``stale_after``         ``STALE``
open        live                                             ``LIVE``
=========== ================================================ =========================

While frames come in, the watermark is the clock less the allowed lateness. Without frames it stops, because
missed trades may be back-filled. After ``HOLD_NS`` it goes on, that far behind the clock: consumers that wait
for event time to pass must not wait for the whole of an outage.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedState

HOLD_NS: Final = 120 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """When a live feed last received something; instants in nanoseconds since the Unix epoch.

    Parameters
    ----------
    is_live
        Connected, acknowledged, and data has come in.
    last_frame_ns
        When the last frame of any kind came in; before the first, when the feed was started.
    last_tick_ns
        When the last tick came in that was no snapshot; before the first, when the feed was started.
    """

    is_live: bool
    last_frame_ns: int
    last_tick_ns: int


def feed_state(liveness: Liveness, *, now_ns: int, market: FeedState, stale_after_ns: int) -> FeedState:
    """Return the state of a live feed.

    Parameters
    ----------
    market
        ``LIVE`` while the instrument's market is open, else ``BREAK`` or ``CLOSED``.
    """
    if market is not FeedState.LIVE:
        return market
    if not liveness.is_live or now_ns - liveness.last_tick_ns > stale_after_ns:
        return FeedState.STALE
    return FeedState.LIVE


def watermark(liveness: Liveness, *, now_ns: int, lateness_ns: int, idle_ns: int, previous_ns: int) -> int:
    """Return the event time before which no more ticks are expected; never below the previous one.

    Parameters
    ----------
    idle_ns
        Without a frame for this long the feed counts as interrupted.

    Examples
    --------
    >>> up = Liveness(is_live=True, last_frame_ns=100 * 10**9, last_tick_ns=0)
    >>> watermark(up, now_ns=101 * 10**9, lateness_ns=2 * 10**9, idle_ns=10 * 10**9, previous_ns=0) // 10**9
    99
    >>> watermark(up, now_ns=150 * 10**9, lateness_ns=2 * 10**9, idle_ns=10 * 10**9, previous_ns=0) // 10**9
    98
    >>> watermark(up, now_ns=500 * 10**9, lateness_ns=2 * 10**9, idle_ns=10 * 10**9, previous_ns=0) // 10**9
    378
    """
    is_flowing = liveness.is_live and now_ns - liveness.last_frame_ns <= idle_ns
    seen_until = now_ns if is_flowing else max(liveness.last_frame_ns, now_ns - HOLD_NS)
    return max(previous_ns, seen_until - lateness_ns)
