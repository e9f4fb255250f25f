"""A market that opened, and whose feed did not come back: reported five minutes after the open."""

from typing import Final

from shared.domain.instants import NS_PER_SECOND

LATE_NS: Final = 300 * NS_PER_SECOND


def is_late_open(
    *, open_ns: int | None, watched_since_ns: int, last_tick_ns: int | None, now_ns: int
) -> bool:
    """Return whether a market opened five minutes ago or longer, and no tick has come since.

    Parameters
    ----------
    open_ns
        When the market opened last; None where it is closed now, or never closes.
    watched_since_ns
        Since when ticks would have been seen. Of an open long before, only the silence is known, and that is
        what ``STALE`` says.
    last_tick_ns
        When the last tick was received; None before the first.

    Examples
    --------
    >>> is_late_open(open_ns=0, watched_since_ns=0, last_tick_ns=None, now_ns=300 * 10**9)
    True
    >>> is_late_open(open_ns=0, watched_since_ns=0, last_tick_ns=1, now_ns=300 * 10**9)
    False
    """
    if open_ns is None or watched_since_ns > open_ns + LATE_NS:
        return False
    return now_ns - open_ns >= LATE_NS and (last_tick_ns is None or last_tick_ns < open_ns)
