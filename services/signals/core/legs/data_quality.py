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
``feeds_disagree``  a `FeedFault` record says so                   see `feed_faults`
and three more
=================== ============================================== ===================================
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from services.signals.core.legs.feed_faults import OpenFeedFault, ends_at_ns, without_due
from shared.domain.bars import Bar
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar, missing_bar_at_ns
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedState

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
    FEEDS_DISAGREE = FeedFaultKind.FEEDS_DISAGREE.value
    CLOCK_DISAGREES = FeedFaultKind.CLOCK_DISAGREES.value
    LATE_OPEN = FeedFaultKind.LATE_OPEN.value
    CLOSE_UNEXPLAINED = FeedFaultKind.CLOSE_UNEXPLAINED.value


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
    feed_faults
        The open faults that the ingestor reported.
    """

    active_since_ns: dict[str, int] = field(default_factory=dict)
    stale_since_ns: int | None = None
    rejected_at_ns: list[int] = field(default_factory=list)
    awaited_sessions: dict[str, str] = field(default_factory=dict)
    quarantined: tuple[Bar, ...] = ()
    quarantined_count: int = 0
    feed_faults: tuple[OpenFeedFault, ...] = ()

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

    def on_feed_fault(self, fault: FeedFault, at_ns: int, *, calendar: SessionCalendar) -> bool:
        """Record that a fault that the ingestor sees begins, still holds, or ends.

        Parameters
        ----------
        at_ns
            Event time; 0 before it has begun.
        """
        others = tuple(each for each in self.feed_faults if each.kind is not fault.fault)
        if not fault.is_open:
            self.feed_faults = others
            return self._end(Cause(fault.fault))
        opened = OpenFeedFault(
            kind=fault.fault,
            detail=fault.detail,
            ends_at_ns=ends_at_ns(fault.fault, at_ns, calendar=calendar),
        )
        self.feed_faults = (*others, opened)
        return self._begin(Cause(fault.fault), at_ns)

    def start_feed_faults(self, at_ns: int, *, calendar: SessionCalendar) -> bool:
        """Let the faults that were reported before event time had begun begin with it."""
        self.feed_faults = tuple(
            replace(each, ends_at_ns=ends_at_ns(each.kind, at_ns, calendar=calendar))
            for each in self.feed_faults
        )
        self.active_since_ns |= {each.kind.value: at_ns for each in self.feed_faults}
        return bool(self.feed_faults)

    def end_feed_faults(self) -> bool:
        """End the faults that the ingestor reported: whoever writes now reports what it sees itself."""
        ended = [self._end(Cause(each.kind)) for each in self.feed_faults]
        self.feed_faults = ()
        return any(ended)

    def next_end_ns(self) -> int | None:
        """Return when a fault ends by the passing of time alone; None where none does."""
        ends = [each.ends_at_ns for each in self.feed_faults]
        if Cause.BAD_TICKS in self.active_since_ns:
            ends.append(self.rejected_at_ns[-1] + _BURST_NS)
        return min(ends, default=None)

    def end_due(self, at_ns: int) -> None:
        """End the faults that end at `next_end_ns`."""
        if Cause.BAD_TICKS in self.active_since_ns and self.rejected_at_ns[-1] + _BURST_NS <= at_ns:
            self._end(Cause.BAD_TICKS)
        left = without_due(self.feed_faults, at_ns)
        for each in self.feed_faults:
            if each not in left:
                self._end(Cause(each.kind))
        self.feed_faults = left

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

    def undo_after(self, at_ns: int, calendar: SessionCalendar) -> None:
        """Take back what the passing of time alone said after an instant, because event time was too far.

        A cause of the closes is decided again by the caller; one that the ingestor reported holds.
        """
        self.feed_faults = tuple(
            replace(each, ends_at_ns=min(each.ends_at_ns, ends_at_ns(each.kind, at_ns, calendar=calendar)))
            for each in self.feed_faults
        )
        for each in self.feed_faults:
            self.active_since_ns[each.kind] = min(at_ns, self.active_since_ns[each.kind])
        self.rejected_at_ns = [each for each in self.rejected_at_ns if each <= at_ns]
        if self.stale_since_ns is not None:
            self.stale_since_ns = min(self.stale_since_ns, at_ns)
        begun_after = {cause for cause, since_ns in self.active_since_ns.items() if since_ns > at_ns}
        if not self.rejected_at_ns or at_ns - self.rejected_at_ns[-1] >= _BURST_NS:
            begun_after.add(Cause.BAD_TICKS)
        if self.stale_since_ns is None or at_ns - self.stale_since_ns < _STALE_NS:
            begun_after.add(Cause.STALE)
        for cause in begun_after:
            self.active_since_ns.pop(cause, None)
            self.awaited_sessions.pop(cause, None)
        self._await_what_is_due(at_ns, calendar)

    def _await_what_is_due(self, at_ns: int, calendar: SessionCalendar) -> None:
        """Let each cause that waits for a bar wait for none of a session that is not due yet."""
        for cause, session in self.awaited_sessions.items():
            ordinal = calendar.index_of(session)
            while ordinal > 0 and _due_at_ns(cause, calendar, ordinal) > at_ns:
                ordinal -= 1
            self.awaited_sessions[cause] = calendar.labels[ordinal]

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


def _due_at_ns(cause: str, calendar: SessionCalendar, ordinal: int) -> int:
    is_sample = cause == Cause.NO_CLOSE_SAMPLE
    return calendar.close_ns[ordinal] if is_sample else missing_bar_at_ns(calendar.labels[ordinal])
