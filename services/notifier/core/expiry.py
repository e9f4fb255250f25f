"""Until when an event may be delivered: a stale alert must never arrive as a live one."""

from enum import StrEnum

from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339


class TimeBase(StrEnum):
    """How event time relates to wall time.

    ``live``: it is wall time. ``replay``: it is another year; an event then lives as long as it
    would have lived, counted from when it was first seen.
    """

    LIVE = "live"
    REPLAY = "replay"


def deadline_ns(event: DivergenceEvent, *, first_seen_ns: int, time_base: TimeBase) -> int:
    """Return the wall-clock instant from which on no attempt is made.

    Parameters
    ----------
    first_seen_ns
        When this notifier first held the event.

    Raises
    ------
    ValueError
        If ``occurred_at`` or ``not_after`` is no RFC 3339 instant.
    """
    not_after_ns = parse_rfc3339(event.not_after)
    if time_base is TimeBase.LIVE:
        return not_after_ns
    return first_seen_ns + not_after_ns - parse_rfc3339(event.occurred_at)
