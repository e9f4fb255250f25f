"""Whether one leg's data can be trusted now: which faults it has, and when each begins and ends.

=================== ============================================== ===================================
cause               begins                                         ends
=================== ============================================== ===================================
``stale``           the feed has been STALE, silent in an open     any other state
                    market, for a minute
``bad_ticks``       five rejected prices within a minute            a minute without one
``missing_bar``     two hours after a bar should have been final   a bar of that session or later
``no_close_sample`` a close without a price of its last 15 minutes a bar of that session or later
``close_jump``      as `bar_quality` says: the closes themselves   the same
and three more      are wrong
=================== ============================================== ===================================
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shared.domain.bars import Bar
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedState

_STALE_NS: Final = 60 * NS_PER_SECOND
_BURST: Final = 5
_BURST_NS: Final = 60 * NS_PER_SECOND


class Cause(StrEnum):
    """What is wrong with a leg's data."""

    STALE = "stale"
    BAD_TICKS = "bad_ticks"
    MISSING_BAR = "missing_bar"
    NO_CLOSE_SAMPLE = "no_close_sample"
    CLOSE_JUMP = "close_jump"
    UNAPPLIED_SPLIT = "unapplied_split"
    STUCK_CLOSE = "stuck_close"
    ADJUSTED_SPLICE = "adjusted_splice"


QUARANTINED: Final = (Cause.CLOSE_JUMP, Cause.UNAPPLIED_SPLIT)
"""The causes for which a close is kept out of the windows."""
OF_CLOSES: Final = (*QUARANTINED, Cause.STUCK_CLOSE, Cause.ADJUSTED_SPLICE)
"""The causes that are found in the closes themselves."""


@dataclass(slots=True, kw_only=True)
class DataQuality:
    """The faults of one leg.

    Parameters
    ----------
    active_since_ns
        The active causes, and the event time at which each began.
    stale_since_ns
        Since when the feed has been STALE; None while it is not.
    rejected_at_ns
        Event times of the last rejected prices, at most five.
    awaited_sessions
        By cause, the session whose bar would end it.
    quarantined
        The newest bars whose closes cannot be used, ascending by session; see `quarantine`.
    quarantined_count
        Closes that were quarantined since the leg was without a fault.
    """

    active_since_ns: dict[str, int] = field(default_factory=dict)
    stale_since_ns: int | None = None
    rejected_at_ns: list[int] = field(default_factory=list)
    awaited_sessions: dict[str, str] = field(default_factory=dict)
    quarantined: tuple[Bar, ...] = ()
    quarantined_count: int = 0

    @property
    def is_at_fault(self) -> bool:
        """Return whether any cause holds."""
        return bool(self.active_since_ns)

    def on_feed_state(self, state: FeedState, at_ns: int) -> bool:
        """Record a feed's state. Like every recording method here, return whether a fault began or ended."""
        if state is not FeedState.STALE:
            self.stale_since_ns = None
            return self._end(Cause.STALE)
        if self.stale_since_ns is None:
            self.stale_since_ns = at_ns
        # A feed that has just been started, or reconnects, is no fault yet.
        return at_ns - self.stale_since_ns >= _STALE_NS and self._begin(Cause.STALE, self.stale_since_ns)

    def on_rejected_tick(self, at_ns: int) -> bool:
        """Record a price that was rejected."""
        self.rejected_at_ns = [*self.rejected_at_ns, at_ns][-_BURST:]
        is_burst = len(self.rejected_at_ns) == _BURST and at_ns - self.rejected_at_ns[0] <= _BURST_NS
        return is_burst and self._begin(Cause.BAD_TICKS, at_ns)

    def burst_ends_at_ns(self) -> int | None:
        """Return when a burst of bad ticks is over; None while there is none."""
        return self.rejected_at_ns[-1] + _BURST_NS if Cause.BAD_TICKS in self.active_since_ns else None

    def end_burst(self) -> bool:
        """End a burst at `burst_ends_at_ns`."""
        return self._end(Cause.BAD_TICKS)

    def on_missing_bar(self, cause: Cause, session: str, at_ns: int) -> bool:
        """Record that a session's bar, or its sampled close, is missing."""
        self.awaited_sessions[cause.value] = session
        return self._begin(cause, at_ns)

    def on_bar(self, session: str) -> bool:
        """Record the bar of a session, which ends the faults that waited for it."""
        ended = [cause for cause, wanted in self.awaited_sessions.items() if session >= wanted]
        for cause in ended:
            del self.awaited_sessions[cause]
            del self.active_since_ns[cause]
        return bool(ended)

    @property
    def has_wrong_closes(self) -> bool:
        """Return whether a cause holds that is found in the closes themselves."""
        return any(cause.value in self.active_since_ns for cause in OF_CLOSES)

    def on_closes(self, causes: Collection[Cause], at_ns: int) -> bool:
        """Record which causes are found in the closes now."""
        changes = [self._begin(cause, at_ns) if cause in causes else self._end(cause) for cause in OF_CLOSES]
        return any(changes)

    def _begin(self, cause: Cause, at_ns: int) -> bool:
        if cause.value in self.active_since_ns:
            return False
        if not self.active_since_ns:
            self.quarantined_count = 0
        self.active_since_ns[cause.value] = at_ns
        return True

    def _end(self, cause: Cause) -> bool:
        return self.active_since_ns.pop(cause.value, None) is not None
