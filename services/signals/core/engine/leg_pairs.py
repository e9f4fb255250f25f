"""What a bar, or a fault, of one leg does to the pairs that have it."""

from collections.abc import Mapping
from typing import Final

from services.signals.core.legs.history import BarChange
from services.signals.core.legs.leg import Leg
from services.signals.core.pairs.effects import NOTHING, SHARED_CHANGED, Effects, merge, suppress
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import HISTORY_SESSIONS, Bar
from shared.domain.divergences import Direction

_NO_NEWS: Final = (BarChange.UNCHANGED, BarChange.OUTDATED)


class LegPairs:
    """The pairs of one leg that are not frozen.

    Parameters
    ----------
    leg
        The leg.
    monitors
        The pairs by row.
    is_lead
        Whether the leg leads them.

    Attributes
    ----------
    rows
        The rows of the pairs, ascending.
    dirty
        The effect of any change of the leg: a pair's checkpoint holds its other leg's bars and faults, so it
        is out of date. Nothing for a lead, which has a checkpoint of its own.
    """

    def __init__(self, leg: Leg, monitors: Mapping[int, PairMonitor], *, is_lead: bool) -> None:
        self.rows = tuple(monitors)
        # Almost every leg has one pair, so this is the very value that the pair has.
        self.dirty = NOTHING if is_lead else merge([each.transitions.dirty for each in monitors.values()])
        self._leg = leg
        self._monitors = monitors
        self._is_lead = is_lead
        self._role = Direction.LEAD if is_lead else Direction.OTHER

    def take_history(self, bars: tuple[Bar, ...], *, at_ns: int) -> Effects:
        """Fill the windows with bars of the past."""
        materialised = self._materialise(bars)
        changes = [self._leg.history.put(bar) for bar in bars]
        if all(change in _NO_NEWS for change in changes):
            return materialised
        parts = [materialised, SHARED_CHANGED, self.dirty]
        if self._leg.data_quality.on_bar(bars[-1].session):
            parts += self._evaluate_faults(at_ns)
        for monitor in self._monitors.values():
            parts.append(monitor.take_history(bars, changes, at_ns=at_ns))
            parts.append(monitor.reevaluate(at_ns))
        return merge(parts)

    def take_bar(self, bar: Bar, *, at_ns: int) -> tuple[Effects, tuple[int, ...]]:
        """Use one new bar; return its effects and the rows of the pairs that it touched."""
        history = self._leg.history
        known, is_full = history.get(bar.session), len(history) == HISTORY_SESSIONS
        materialised = self._materialise((bar,))
        change = history.put(bar)
        if change in _NO_NEWS:
            return merge((materialised, self.dirty, suppress(f"bar_{change.value}"))), ()
        parts = [materialised, self.dirty, SHARED_CHANGED]
        if change is BarChange.NEW and is_full:
            parts.append(self._forget_oldest(bar.session))
        seen_ns = max(at_ns, bar.known_at_ns)
        ends_fault = self._leg.data_quality.on_bar(bar.session)
        if ends_fault:
            parts += self._evaluate_faults(seen_ns)
        if change is BarChange.CORRECTED and known is not None:
            for monitor in self._monitors.values():
                parts.append(monitor.faults.on_correction(self._role, known, bar, seen_ns))
        touched = tuple(row for row, monitor in self._monitors.items() if self._touches(monitor, bar))
        parts += [self._monitors[row].take_bar(bar, change, at_ns=at_ns) for row in touched]
        if ends_fault:
            parts += [monitor.reevaluate(seen_ns) for monitor in self._monitors.values()]
        return merge(parts), self.rows if ends_fault else touched

    def on_data_quality(self, at_ns: int) -> Effects:
        """Evaluate the pairs after a data fault of the leg began or ended."""
        parts = [SHARED_CHANGED, self.dirty]
        for monitor in self._monitors.values():
            parts.append(monitor.faults.evaluate(self._role, at_ns))
            parts.append(monitor.reevaluate(at_ns))
        return merge(parts)

    def _evaluate_faults(self, at_ns: int) -> list[Effects]:
        """Evaluate the end of a fault by a bar. The caller evaluates again what the fault held back."""
        return [monitor.faults.evaluate(self._role, at_ns) for monitor in self._monitors.values()]

    def _materialise(self, bars: tuple[Bar, ...]) -> Effects:
        """Let the pairs compute their statistics before bars change the past, where events may show them.

        Statistics are computed when first asked for. After the change, and after a restart, it is too late.
        """
        is_full = len(self._leg.history) == HISTORY_SESSIONS
        is_at_fault = bool(self._leg.data_quality.awaited_sessions)
        if is_full or is_at_fault or any(_changes_the_past(self._leg, bar) for bar in bars):
            return merge([monitor.materialise() for monitor in self._monitors.values()])
        return NOTHING

    def _forget_oldest(self, session: str) -> Effects:
        """Compute again the pairs that lost their oldest session to a bar that gave them no new one.

        Statistics of the whole history use one session less from now on, as they would after a restart.
        """
        forgotten = [each for each in self._monitors.values() if not each.legs.has(session)]
        for monitor in forgotten:
            monitor.statistics.resume(monitor.statistics.regime)
            monitor.transitions.outcomes.committed(monitor.legs.align)
        return Effects(dirty=frozenset(monitor.pair.name for monitor in forgotten))

    def _touches(self, monitor: PairMonitor, bar: Bar) -> bool:
        # A bar of the lead changes nothing for a pair whose other leg has no bar of that session or later.
        newest = monitor.legs.other.history.newest_session
        return not self._is_lead or (newest is not None and newest >= bar.session)


def _changes_the_past(leg: Leg, bar: Bar) -> bool:
    known, newest = leg.history.get(bar.session), leg.history.newest_session
    if known is None:
        # A missing bar that comes after a newer one changes the window that the newer one was evaluated with.
        return newest is not None and bar.session < newest
    return (known.close, known.adj_close) != (bar.close, bar.adj_close)
