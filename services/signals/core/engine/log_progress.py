"""How far a lead's log has been applied, in event time, and when that was too far.

Event time is advanced by ticks and by the lead's status records. A status record is written by a clock, and
a clock can be wrong: one that is two days ahead moves event time there at once, past closes and deadlines.
Nothing in that record tells it from one after a weekend. The ticks do: their times are the venue's.

========================================================= ==================================================
three ticks of the lead over ten seconds or more, each    event time goes back to the newest tick
newer than the one before, that are behind event time
========================================================= ==================================================
by more than a minute, and the status records say the     the clock has been set right, or another ingestor
same time as the ticks                                    writes
by more than half an hour, and the status records stay    the clock is still wrong: from now on what it says
ahead of them by the same time                            is taken less that time, until it is set right
========================================================= ==================================================

Only ticks show that event time is too far, and only those that are not late themselves. The status records
alone may be behind it for another reason: an ingestor that starts on a weekend knows only the venue's last
time. An other leg that ticks keeps event time from going back beyond its newest tick.
"""

from dataclasses import dataclass, replace
from typing import Final

from shared.domain.instants import NS_PER_SECOND

NEVER: Final = (1 << 63) - 1
"""An event time later than any in a log."""
CLOSE_NS: Final = 60 * NS_PER_SECOND
"""Times that are no further apart say the same: clocks and feeds differ by seconds."""
# A feed may be delayed by a quarter of an hour while its status records follow the clock.
_AHEAD_NS: Final = 30 * 60 * NS_PER_SECOND
_TICKS: Final = 3
_LASTS_NS: Final = 10 * NS_PER_SECOND
_WITHIN_NS: Final = 3_600 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the ticks of the lead say against event time.

    Parameters
    ----------
    ticks
        How many.
    first_ns, last_ns
        Event time of the first and of the newest of them.
    ahead_ns
        How far the status records were ahead of the first one.
    """

    ticks: int
    first_ns: int
    last_ns: int
    ahead_ns: int

    def is_over(self, ts_ns: int, ahead_ns: int) -> bool:
        """Return whether a tick says something else, or comes too late to go with it."""
        return abs(ahead_ns - self.ahead_ns) > CLOSE_NS or ts_ns > self.last_ns + _WITHIN_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A status record that moved event time by more than a minute, which no tick has confirmed yet.

    Parameters
    ----------
    from_ns, to_ns
        Event time before it, and after the newest such record.
    """

    from_ns: int
    to_ns: int


@dataclass(slots=True, kw_only=True)
class LogProgress:
    """The newest event time that was applied, and the closes that it has passed.

    Parameters
    ----------
    watermark_ns
        The newest event time applied. It goes back only where it was too far.
    next_close
        Ordinal in the calendar of the first session whose close the watermark has not passed; -1 before event
        time has begun.
    status_ns
        The time that the lead's newest status record says; 0 before the first.
    status_ahead_ns
        How far the clock that writes these records is known to be ahead.
    jump
        The newest one; None before the first.
    doubt
        None while no tick speaks against the watermark.
    """

    watermark_ns: int = 0
    next_close: int = -1
    status_ns: int = 0
    status_ahead_ns: int = 0
    jump: Jump | None = None
    doubt: Doubt | None = None

    def resume(self, known: "LogProgress") -> None:
        """Take over what a checkpoint knows."""
        self.watermark_ns, self.next_close = known.watermark_ns, known.next_close
        self.status_ns, self.status_ahead_ns = known.status_ns, known.status_ahead_ns
        self.jump, self.doubt = known.jump, known.doubt

    def on_status(self, status_ns: int, *, newest_tick_ns: int) -> int:
        """Take in a status record of the lead; return the event time that it stands for.

        Parameters
        ----------
        newest_tick_ns
            Event time of the lead's newest tick.

        Examples
        --------
        >>> progress = LogProgress(watermark_ns=3600 * NS_PER_SECOND, status_ahead_ns=7200 * NS_PER_SECOND)
        >>> progress.on_status(10805 * NS_PER_SECOND, newest_tick_ns=0) // NS_PER_SECOND
        3605
        >>> progress.on_status(3606 * NS_PER_SECOND, newest_tick_ns=0) // NS_PER_SECOND
        3606
        >>> progress.status_ahead_ns
        0
        """
        if status_ns - self.status_ahead_ns < self.watermark_ns - CLOSE_NS:
            # The clock was set right.
            self.status_ahead_ns = 0
        self.status_ns = status_ns
        at_ns = status_ns - self.status_ahead_ns
        if at_ns > self.watermark_ns + CLOSE_NS:
            self.doubt = None
            is_confirmed = self.jump is None or newest_tick_ns >= self.jump.to_ns - CLOSE_NS
            from_ns = self.watermark_ns if self.jump is None or is_confirmed else self.jump.from_ns
            self.jump = Jump(from_ns=from_ns, to_ns=at_ns)
        return at_ns

    def goes_back_to(self, ts_ns: int, *, reached_ns: int, other_ns: int, is_late: bool) -> int | None:
        """Take in a tick of the lead; return the event time to go back to, None for none.

        Parameters
        ----------
        reached_ns
            Event time before the tick.
        other_ns
            Event time of the newest tick of any other leg; 0 where there is none.
        is_late
            It is older than a tick of the lead: a replay or a simulation that starts again, not a clock.
        """
        at_ns = max(ts_ns, other_ns)
        too_far_ns, ahead_ns = reached_ns - at_ns, self.status_ns - ts_ns
        if is_late or too_far_ns <= CLOSE_NS:
            return None
        is_confirmed = abs(ahead_ns - self.status_ahead_ns) <= CLOSE_NS
        if not is_confirmed and too_far_ns <= _AHEAD_NS:
            return None
        doubt = self.doubt
        if doubt is None or doubt.is_over(ts_ns, ahead_ns):
            doubt = Doubt(ticks=1, first_ns=ts_ns, last_ns=ts_ns, ahead_ns=ahead_ns)
        elif ts_ns > doubt.last_ns:
            doubt = replace(doubt, ticks=doubt.ticks + 1, last_ns=ts_ns)
        self.doubt = doubt
        if doubt.ticks < _TICKS or doubt.last_ns - doubt.first_ns < _LASTS_NS:
            return None
        if not is_confirmed:
            self.status_ahead_ns = ahead_ns
        self.doubt = None
        return at_ns
