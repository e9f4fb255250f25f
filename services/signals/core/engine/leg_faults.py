"""What a lead's pairs do when a fault of a leg's data begins or ends.

A leg of which all pairs are frozen has no fault: its pairs know of it already.
"""

from collections.abc import Callable, Iterable, Mapping

from services.signals.core.engine.fault_schedule import FaultSchedule
from services.signals.core.engine.leg_pairs import LegPairs
from services.signals.core.engine.log_progress import LogProgress
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.leg import Leg
from services.signals.core.pairs.effects import NOTHING, SHARED_CHANGED, Effects, merge, suppress
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedFault, FeedState


class LegFaults:
    """The faults of the legs of one lead.

    Parameters
    ----------
    calendar
        XNYS sessions.
    progress
        How far the lead's log has been applied.
    legs, pairs_of
        The legs and their pairs by instrument; shared with the lead, which fills them.
    is_frozen
        Whether all pairs of a leg are frozen.
    after
        Called with the rows of the pairs whose deadband or deadline may have changed.
    """

    def __init__(
        self,
        calendar: SessionCalendar,
        progress: LogProgress,
        legs: Mapping[str, Leg],
        pairs_of: Mapping[str, LegPairs],
        *,
        is_frozen: Callable[[Leg], bool],
        after: Callable[[Iterable[int]], None],
    ) -> None:
        self._calendar = calendar
        self._progress = progress
        self._legs = legs
        self._pairs_of = pairs_of
        self._is_frozen = is_frozen
        self._after = after
        self._schedule = FaultSchedule(calendar)

    @property
    def due_ns(self) -> int:
        """When a fault begins or ends by the passing of time alone."""
        return self._schedule.due_ns

    def resume(self) -> None:
        """Work out again what ends by time alone, and which bar can be missing next."""
        self._schedule.resume(leg for leg in self._legs.values() if not self._is_frozen(leg))
        if self._progress.next_close >= 0:
            self.plan_after(self._progress.watermark_ns)

    def plan_after(self, ts_ns: int) -> None:
        """Wait for the first session whose bar can be missing after an instant."""
        self._schedule.plan_missing(ts_ns)

    def start(self, leg: Leg, ts_ns: int) -> Effects:
        """Begin event time: what the ingestor reported before it begins now."""
        if not leg.data_quality.start_feed_faults(ts_ns, calendar=self._calendar):
            return NOTHING
        self._schedule.watch(leg)
        return self._evaluate(leg, ts_ns)

    def on_rejected_tick(self, leg: Leg) -> Effects:
        """Take in a price that was rejected as implausible."""
        rejected = suppress("tick_implausible")
        if self._is_frozen(leg):
            return rejected
        at_ns = self._progress.watermark_ns
        is_burst = leg.data_quality.on_rejected_tick(at_ns)
        dirty = self._pairs_of[leg.instrument].dirty
        effects = merge((rejected, dirty, self._evaluate(leg, at_ns) if is_burst else NOTHING))
        self._schedule.watch(leg)
        self._after(())
        return effects

    def on_feed_state(self, leg: Leg, state: FeedState) -> Effects:
        """Take in whether a feed is stale."""
        # Before event time has begun, it is not known how long a feed has been stale.
        if self._is_frozen(leg) or self._progress.next_close < 0:
            return NOTHING
        quality = leg.data_quality
        since_ns, at_ns = quality.stale_since_ns, self._progress.watermark_ns
        if quality.on_feed_state(state, at_ns):
            return self._evaluate(leg, at_ns)
        return NOTHING if quality.stale_since_ns == since_ns else self._pairs_of[leg.instrument].dirty

    def on_feed_fault(self, leg: Leg, fault: FeedFault) -> Effects:
        """Take in that a fault that the ingestor sees begins, still holds, or ends."""
        at_ns, quality = self._progress.watermark_ns, leg.data_quality
        if self._progress.next_close < 0:
            # `start` reports it.
            quality.on_feed_fault(fault, 0, calendar=self._calendar)
            return self._pairs_of[leg.instrument].dirty
        is_news = quality.on_feed_fault(fault, at_ns, calendar=self._calendar)
        self._schedule.watch(leg)
        if is_news:
            return self._evaluate(leg, at_ns)
        self._after(())
        return merge((SHARED_CHANGED, self._pairs_of[leg.instrument].dirty))

    def end_feed_faults(self, leg: Leg) -> Effects:
        """End what the ingestor reported, because another one begins anew."""
        if self._is_frozen(leg) or not leg.data_quality.end_feed_faults():
            return NOTHING
        self._schedule.watch(leg)
        return self._evaluate(leg, self._progress.watermark_ns)

    def on_missing_bar(self, leg: Leg, cause: Cause, session: str, at_ns: int) -> Effects:
        """Take in that a session's bar, or its sampled close, is missing."""
        if self._is_frozen(leg):
            return NOTHING
        is_news = leg.data_quality.on_missing_bar(cause, session, at_ns)
        dirty = self._pairs_of[leg.instrument].dirty
        return merge((dirty, self._evaluate(leg, at_ns) if is_news else NOTHING))

    def on_due(self, at_ns: int) -> Effects:
        """Do what is due at an instant, the time that `due_ns` returned."""
        parts = [self._evaluate(leg, at_ns) for leg in self._schedule.end_due(at_ns)]
        session = self._schedule.missing_session(at_ns)
        if session is not None:
            for leg in self._legs.values():
                newest = leg.newest_session
                if newest is not None and newest < session:
                    parts.append(self.on_missing_bar(leg, Cause.MISSING_BAR, session, at_ns))
        self._after(())
        return merge(parts)

    def _evaluate(self, leg: Leg, at_ns: int) -> Effects:
        """Evaluate the pairs of a leg whose data fault began or ended."""
        pairs = self._pairs_of[leg.instrument]
        effects = pairs.on_data_quality(at_ns)
        self._after(pairs.rows)
        return effects
