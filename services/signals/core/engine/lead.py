"""Everything that the pairs of one lead share, and what a bar, a close or a fault does to each of them."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.pair_index import NEVER, PairIndex, Rows
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.history import Told
from services.signals.core.legs.last_price import LogProgress
from services.signals.core.legs.leg import Leg
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_monitor import LATEST_BAR_NS, PairMonitor
from shared.domain.bars import HISTORY_SESSIONS, Bar
from shared.domain.divergences import Direction
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.domain.ticks import FeedState

_NO_NEWS: Final = (Told.UNCHANGED, Told.OUTDATED)


class Lead:
    """The legs and the pairs of one lead, as far as event time has come.

    Parameters
    ----------
    lead
        The instrument whose log this is.
    pairs
        Those that it leads.
    rules
        When they speak; a kind without a rule is silent.
    calendar
        XNYS sessions.
    code_version
        Stands in the evidence of each event.
    false_alarms
        Openings a year by chance, by pair and rule version.

    Attributes
    ----------
    progress
        How far the log has told.
    legs
        By instrument, the lead first.
    monitors, table
        The pairs, and what most ticks need to know of them.
    frozen
        Names of pairs that are further than the log that is being read again, and are left alone; so is a leg
        that only such pairs have, but for its live price. `resume` has to follow a change.
    rows_of
        By instrument, the pairs that have it as a leg; without the frozen ones.
    """

    def __init__(
        self,
        lead: str,
        pairs: Iterable[Pair],
        *,
        rules: tuple[Rule, ...],
        calendar: SessionCalendar,
        code_version: str,
        false_alarms: Mapping[tuple[str, str], float],
    ) -> None:
        watched = tuple(pairs)
        self.lead = lead
        self.calendar = calendar
        self.progress = LogProgress()
        self.legs = {each: Leg(instrument=each) for each in (lead, *(pair.other for pair in watched))}
        self.monitors = tuple(
            PairMonitor(
                pair,
                self.legs[lead],
                self.legs[pair.other],
                rules=rules,
                calendar=calendar,
                code_version=code_version,
                false_alarms=false_alarms,
            )
            for pair in watched
        )
        self.frozen: set[str] = set()
        self.rows_of: dict[str, Rows] = {}
        self.table = PairIndex(self.monitors)
        self._missing_ordinal = -1
        self._missing_due_ns = NEVER
        self._bursting: set[str] = set()

    def resume(self) -> None:
        """Find out what to wait for, after everything was filled from a checkpoint, or nothing was."""
        rows: dict[str, list[int]] = {name: [] for name in self.legs}
        for row, monitor in enumerate(self.monitors):
            if monitor.pair.name not in self.frozen:
                rows[self.lead].append(row)
                rows[monitor.pair.other].append(row)
                monitor.update_deadband()
        self.rows_of = {name: np.array(each, np.intp) for name, each in rows.items()}
        self.table.refresh(self.rows_of[self.lead])
        self.table.rest(np.setdiff1d(np.arange(len(self.monitors)), self.rows_of[self.lead]))
        self._bursting = {
            name
            for name, leg in self.legs.items()
            if leg.data_quality.calms_at_ns() is not None and not self.is_frozen(leg)
        }
        if self.progress.next_close >= 0:
            self._plan_missing(self.progress.watermark_ns)

    def is_frozen(self, leg: Leg) -> bool:
        """Tell whether all pairs that have a leg are frozen; the lead is always heard."""
        return leg.instrument != self.lead and not len(self.rows_of[leg.instrument])

    # -- bars ---------------------------------------------------------------------------------------------

    def take_history(self, bars: tuple[Bar, ...], effects: Effects) -> None:
        """Fill a leg's windows with bars of the past."""
        if not bars:
            return
        leg = self.legs[bars[0].instrument]
        self._remember(leg, bars)
        told = [leg.history.put(bar) for bar in bars]
        if all(each in _NO_NEWS for each in told):
            return
        effects.is_shared_changed = True
        self.note(leg)
        at_ns, rows = self.progress.watermark_ns, self.rows_of[leg.instrument]
        self._arrive(leg, bars[-1].session, at_ns, effects)
        for row in rows:
            self.monitors[row].take_history(bars, told, at_ns=at_ns, effects=effects)
            self.monitors[row].settle(at_ns, effects)
        self.table.refresh(rows)

    def use_bar(self, bar: Bar, effects: Effects) -> None:
        """Take one bar in as news."""
        leg, at_ns = self.legs[bar.instrument], self.progress.watermark_ns
        if self.is_frozen(leg):
            return
        self.note(leg)
        known = leg.history.get(bar.session)
        self._remember(leg, (bar,))
        is_full = len(leg.history) == HISTORY_SESSIONS
        told = leg.history.put(bar)
        if told in _NO_NEWS:
            effects.suppressed[f"bar_{told.value}"] += 1
            return
        effects.is_shared_changed = True
        rows = self.rows_of[leg.instrument]
        if told is Told.NEW and is_full:
            self._forget(rows, bar.session)
        seen_ns = max(at_ns, bar.known_at_ns)
        has_ended = self._arrive(leg, bar.session, seen_ns, effects)
        if told is Told.CORRECTED and known is not None:
            for row in rows:
                self.monitors[row].report_revision(
                    self._role(leg), known, bar, at_ns=seen_ns, effects=effects
                )
        # A bar of the lead says nothing to a pair whose other leg is not that far.
        touched = rows if leg.instrument != self.lead else self.table.reaching(bar.session)
        for row in touched:
            self.monitors[row].take_bar(bar, told, at_ns=at_ns, effects=effects)
        if has_ended:
            for row in rows:
                self.monitors[row].settle(seen_ns, effects)
        self.table.refresh(rows if has_ended else touched)

    def _remember(self, leg: Leg, bars: tuple[Bar, ...]) -> None:
        """Let the pairs of a leg know what held before bars come, where they will tell of that.

        They compute it when they are first asked, which after a restart may be too late.
        """
        is_full = len(leg.history) == HISTORY_SESSIONS
        if is_full or leg.data_quality.awaited_sessions or any(_changes_the_past(leg, bar) for bar in bars):
            for row in self.rows_of[leg.instrument]:
                self.monitors[row].remember()

    def _forget(self, rows: Rows, session: str) -> None:
        """Let pairs that a bar says nothing to yet know that it has pushed their oldest session out.

        What they compute from the whole history is of one session less from now on, as after a restart.
        """
        for row in rows:
            monitor = self.monitors[row]
            if not monitor.has(session):
                monitor.resume(monitor.regime)
                monitor.outcomes.committed(monitor.align)
                monitor.is_dirty = True

    # -- closes -------------------------------------------------------------------------------------------

    def plan_closes(self, ts_ns: int) -> bool:
        """Start to count closes with the first instant that is known; return whether it is that one."""
        if self.progress.next_close >= 0:
            return False
        self.progress.next_close = self.calendar.first_closing_at_or_after(ts_ns)
        self._plan_missing(ts_ns)
        return True

    def sample_due_ns(self) -> int:
        """Return when the next close is sampled: one nanosecond after it."""
        if not 0 <= self.progress.next_close < len(self.calendar.close_ns):
            return NEVER
        return self.calendar.close_ns[self.progress.next_close] + 1

    def sample(self, effects: Effects) -> None:
        """Make the last price before the close a bar, for each leg that ticks."""
        close_ns = self.calendar.close_ns[self.progress.next_close]
        session = self.calendar.labels[self.progress.next_close]
        self.progress.next_close += 1
        effects.is_shared_changed = True
        for leg in self.legs.values():
            if leg.last_price.price is None:
                # No feed has ever ticked: the leg's closes come as bars.
                continue
            price = leg.last_price.sample_at(close_ns)
            if price is None:
                effects.suppressed["close_sample_stale"] += 1
                self._miss(leg, Cause.NO_CLOSE_SAMPLE, session, close_ns, effects)
                continue
            bar = Bar(
                instrument=leg.instrument,
                session=session,
                close=price,
                adj_close=price,
                known_at_ns=close_ns,
                source="sampled",
            )
            effects.sampled.append(bar)
            self.use_bar(bar, effects)

    # -- faults -------------------------------------------------------------------------------------------

    def report_data_quality(self, leg: Leg, at_ns: int, effects: Effects) -> None:
        """Tell the pairs of a leg that its data can, or can no longer, be trusted."""
        effects.is_shared_changed = True
        self.note(leg)
        rows = self.rows_of[leg.instrument]
        for row in rows:
            self.monitors[row].on_data_quality(self._role(leg), at_ns=at_ns, effects=effects)
            self.monitors[row].settle(at_ns, effects)
        self.table.refresh(rows)

    def hear(self, leg: Leg, state: FeedState, at_ns: int, effects: Effects) -> None:
        """Take a feed's state in; before the first instant is known nothing can tell how long it lasts."""
        if self.is_frozen(leg) or self.progress.next_close < 0:
            return
        since_ns = leg.data_quality.stale_since_ns
        if leg.data_quality.hear(state, at_ns):
            self.report_data_quality(leg, at_ns, effects)
        elif leg.data_quality.stale_since_ns != since_ns:
            self.note(leg)

    def refuse_price(self, leg: Leg, at_ns: int, effects: Effects) -> None:
        """Take note of a price that is not believed."""
        effects.suppressed["tick_implausible"] += 1
        if self.is_frozen(leg):
            return
        self.note(leg)
        if leg.data_quality.refuse(at_ns):
            self.report_data_quality(leg, at_ns, effects)
        if leg.data_quality.calms_at_ns() is not None:
            self._bursting.add(leg.instrument)

    def fault_due_ns(self) -> int:
        """Return when a fault begins or ends next without any input."""
        calms = [self.legs[name].data_quality.calms_at_ns() for name in self._bursting]
        return min([self._missing_due_ns, *(each for each in calms if each is not None)])

    def on_fault_due(self, at_ns: int, effects: Effects) -> None:
        """Do what is due at `fault_due_ns`."""
        for name in sorted(self._bursting):
            leg = self.legs[name]
            if leg.data_quality.calms_at_ns() == at_ns:
                leg.data_quality.calm()
                self._bursting.discard(name)
                self.report_data_quality(leg, at_ns, effects)
        if self._missing_due_ns == at_ns:
            session = self.calendar.labels[self._missing_ordinal]
            self._plan_missing(at_ns)
            for leg in self.legs.values():
                newest = leg.history.newest_session
                if newest is None or newest < session:
                    self._miss(leg, Cause.MISSING_BAR, session, at_ns, effects)

    def _miss(self, leg: Leg, cause: Cause, session: str, at_ns: int, effects: Effects) -> None:
        if self.is_frozen(leg):
            return
        self.note(leg)
        if leg.data_quality.miss(cause, session, at_ns):
            self.report_data_quality(leg, at_ns, effects)

    def note(self, leg: Leg) -> None:
        """Take note that a leg has changed: a pair's checkpoint has its other leg's bars and faults."""
        if leg.instrument != self.lead:
            for row in self.rows_of[leg.instrument]:
                self.monitors[row].is_dirty = True

    def _arrive(self, leg: Leg, session: str, at_ns: int, effects: Effects) -> bool:
        """Let a bar end the faults that waited for it; what they held back is for the caller to settle."""
        if not leg.data_quality.arrive(session):
            return False
        for row in self.rows_of[leg.instrument]:
            self.monitors[row].on_data_quality(self._role(leg), at_ns=at_ns, effects=effects)
        return True

    def _plan_missing(self, after_ns: int) -> None:
        ordinal = max(0, self.calendar.first_closing_at_or_after(after_ns) - 2)
        labels = self.calendar.labels
        while ordinal < len(labels) and bar_final_at_ns(labels[ordinal]) + LATEST_BAR_NS <= after_ns:
            ordinal += 1
        is_known = ordinal < len(labels)
        self._missing_ordinal = ordinal
        self._missing_due_ns = bar_final_at_ns(labels[ordinal]) + LATEST_BAR_NS if is_known else NEVER

    def _role(self, leg: Leg) -> Direction:
        return Direction.LEAD if leg.instrument == self.lead else Direction.OTHER


def _changes_the_past(leg: Leg, bar: Bar) -> bool:
    known, newest = leg.history.get(bar.session), leg.history.newest_session
    if known is None:
        # One that was left out and comes after a newer one changes what that one was judged by.
        return newest is not None and bar.session < newest
    return (known.close, known.adj_close) != (bar.close, bar.adj_close)
