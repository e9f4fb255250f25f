"""What a bar, or a fault, of one leg does to the pairs that have it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from services.signals.core.legs.bar_change import BarChange
from services.signals.core.legs.bar_quality import Close, close_of, past_causes, why_not_after
from services.signals.core.legs.close_sampling import SAMPLED
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.quarantine import (
    Screening,
    can_follow,
    change_of_quarantined,
    review,
    screen,
    screen_next,
    with_bar,
)
from services.signals.core.pairs.effects import NOTHING, SHARED_CHANGED, Effects, merge, suppress
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import HISTORY_SESSIONS, Bar
from shared.domain.divergences import Direction
from shared.domain.instants import format_rfc3339
from shared.domain.sessions import SessionCalendar

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
        self.monitors = tuple(monitors.values())
        # Almost every leg has one pair, so this is the very value that the pair has.
        self.dirty = NOTHING if is_lead else merge([each.transitions.dirty for each in monitors.values()])
        self._leg = leg
        self._monitors = monitors
        self._is_lead = is_lead
        self._role = Direction.LEAD if is_lead else Direction.OTHER

    def take_history(self, bars: tuple[Bar, ...], *, at_ns: int) -> Effects:
        """Fill the windows with bars of the past.

        Parameters
        ----------
        at_ns
            Event time; 0 before it has begun. Then `start` reports what is wrong with the closes.
        """
        history, quality = self._leg.history, self._leg.data_quality
        is_first = not len(history)
        changes_the_past = self._changes_the_past(bars)
        backfilled = merge(self._backfill() if changes_the_past else ())
        if changes_the_past:
            self._materialise()
        before = [bar.session for bar in quality.quarantined]
        changes = [self._put_of_history(bar) for bar in bars]
        if all(change in _NO_NEWS for change in changes):
            return backfilled
        screening = screen(history, quality.quarantined, known=before)
        self._quarantine(screening)
        for bar in screening.used:
            history.put(bar)
        ends_fault = quality.on_bar(bars[-1].session)
        parts = [backfilled, SHARED_CHANGED, self.dirty]
        if at_ns:
            past = past_causes(history.closes, history.adj_closes) if is_first else ()
            parts += self._report({*screening.found, *past}, screening, at_ns, is_news=ends_fault)
        if screening.removed:
            changes.append(BarChange.CORRECTED)
        for monitor in self._monitors.values():
            parts.append(monitor.take_history(bars, changes, at_ns=at_ns))
            parts.append(monitor.reevaluate(at_ns))
        return merge(parts)

    def start(self, at_ns: int) -> Effects:
        """Report what is wrong with the closes of the history, now that event time has begun."""
        found, past = review(self._leg, until=format_rfc3339(at_ns)[:10])
        if not found and not past:
            return NOTHING
        history, quarantined = self._leg.history, self._leg.data_quality.quarantined
        screening = screen(history, quarantined, known=[bar.session for bar in quarantined])
        parts = self._report({*found, *past}, replace(screening, found=found), at_ns, is_news=False)
        parts += [monitor.reevaluate(at_ns) for monitor in self._monitors.values()]
        return merge((SHARED_CHANGED, self.dirty, *parts))

    def _report(
        self, noticed: Collection[Cause], screening: Screening, at_ns: int, *, is_news: bool
    ) -> list[Effects]:
        """Report what is wrong with the closes of a history.

        What was wrong in the past only is a fault that opens and closes at this instant.

        Parameters
        ----------
        is_news
            The history also ended another fault.
        """
        quality = self._leg.data_quality
        is_news |= quality.on_closes({*noticed, *screening.causes}, at_ns)
        parts = self._count(screening)
        if is_news:
            parts += self._evaluate_faults(at_ns)
        if quality.on_closes(screening.causes, at_ns):
            parts += self._evaluate_faults(at_ns)
        return parts

    def take_bar(self, bar: Bar, *, at_ns: int) -> tuple[Effects, tuple[int, ...]]:
        """Use one new bar; return its effects and the rows of the pairs that it touched.

        1. The bar changes its known session, continues the history, or is decided on with all other bars.
        2. Closes that cannot be used leave the history, and the faults of the leg are evaluated.
        3. The pairs use what changed: the known session, those that left, and those that entered.
        4. What an ended fault held back is evaluated again.
        """
        quality, is_next = self._leg.data_quality, can_follow(self._leg, bar)
        known = None if is_next else self._known(bar)
        # For a bar that continues the history, only openings that are still to be found need to know.
        changes_the_past = (not is_next or self._is_backfill_pending()) and self._changes_the_past((bar,))
        backfilled = self._backfill() if changes_the_past else []
        if is_next:
            change, screening = BarChange.NEW, screen_next(self._leg, bar)
        else:
            if changes_the_past:
                self._materialise()
            change, screening = self._screen(bar)
        if change in _NO_NEWS:
            return merge((*backfilled, self.dirty, suppress(f"bar_{change.value}"))), ()
        parts = [*backfilled, self.dirty, SHARED_CHANGED]
        seen_ns = max(at_ns, bar.known_at_ns)
        ends_fault = quality.on_bar(bar.session)
        changes_fault = quality.on_closes(screening.causes, seen_ns) or ends_fault
        if is_next:
            if changes_fault:
                # The events of the fault show the statistics before this bar.
                self._materialise()
            parts.append(self._append(bar, is_unscored=any(each is not NOTHING for each in backfilled)))
        else:
            self._quarantine(screening)
        parts += self._count(screening)
        if changes_fault:
            parts += self._evaluate_faults(seen_ns)
        if change is BarChange.CORRECTED and known is not None:
            for monitor in self._monitors.values():
                parts.append(monitor.faults.on_correction(self._role, known, bar, seen_ns))
        effects, touched = self._use(bar, change, screening, at_ns=at_ns)
        parts += effects
        if changes_fault:
            parts += [monitor.reevaluate(seen_ns) for monitor in self._monitors.values()]
        return merge(parts), self.rows if changes_fault or screening.removed else touched

    def _known(self, bar: Bar) -> Bar | None:
        """Return the bar of the same session that is known, used or not."""
        return self._leg.quarantined_bar(bar.session) or self._leg.history.get(bar.session)

    def _screen(self, bar: Bar) -> tuple[BarChange, Screening]:
        """Return what a bar that does not continue the history changes, and which closes can be used with it.

        A bar that changes a session of the history is in it already then.
        """
        history, quarantined = self._leg.history, self._leg.data_quality.quarantined
        before = [each.session for each in quarantined]
        if (known := self._leg.quarantined_bar(bar.session)) is not None:
            change = change_of_quarantined(known, bar)
        elif history.has(bar.session):
            return history.put(bar), screen(history, quarantined, known=before)
        else:
            change = BarChange.NEW
        return change, screen(history, with_bar(quarantined, bar), known=before)

    def _use(
        self, bar: Bar, change: BarChange, screening: Screening, *, at_ns: int
    ) -> tuple[list[Effects], tuple[int, ...]]:
        """Let the pairs use what a bar changed; return the rows of those that it touches."""
        history = self._leg.history
        parts, touched = list[Effects](), set[int]()
        if history.has(bar.session):
            parts += self._give(bar, change, touched, at_ns=at_ns)
        if screening.removed:
            seen_ns = max(at_ns, bar.known_at_ns)
            parts += [monitor.remove_sessions(seen_ns) for monitor in self._monitors.values()]
        if screening.used:
            parts += self._release(screening.used, at_ns=max(at_ns, bar.known_at_ns))
            touched.update(self._monitors)
        return parts, tuple(sorted(touched))

    def _release(self, bars: tuple[Bar, ...], *, at_ns: int) -> list[Effects]:
        """Let the pairs use closes that were kept out until now: they are evaluated once, by the newest."""
        for bar in bars:
            self._leg.history.put(bar)
        parts = list[Effects]()
        for monitor in self._monitors.values():
            newest = monitor.statistics.session
            changes = [BarChange.NEW if bar.session > newest else BarChange.CORRECTED for bar in bars]
            parts.append(monitor.take_history(bars, changes, at_ns=at_ns))
            entered = (bar.session for bar in bars if bar.session > newest and monitor.legs.has(bar.session))
            parts.append(Effects(committed=tuple(entered)))
        return parts

    def on_data_quality(self, at_ns: int) -> Effects:
        """Evaluate the pairs after a data fault of the leg began or ended."""
        parts = [SHARED_CHANGED, self.dirty]
        for monitor in self._monitors.values():
            parts.append(monitor.faults.evaluate(self._role, at_ns))
            parts.append(monitor.reevaluate(at_ns))
        return merge(parts)

    def undo_after(self, at_ns: int, calendar: SessionCalendar) -> tuple[bool, tuple[Bar, ...]]:
        """Take back what the passing of time alone did to the leg after an instant.

        Returns
        -------
        tuple
            Whether the history has changed, and the bars that wait for their ``known_at`` again.
        """
        history, quality = self._leg.history, self._leg.data_quality
        quality.undo_after(at_ns, calendar)
        early = [*history.known_after(at_ns), *(b for b in quality.quarantined if b.known_at_ns > at_ns)]
        for bar in early:
            if history.get(bar.session) is not None:
                history.remove(bar.session)
        kept = tuple(bar for bar in quality.quarantined if bar.known_at_ns <= at_ns)
        screening = screen(history, kept, known=[bar.session for bar in kept])
        self._quarantine(screening)
        for bar in screening.used:
            history.put(bar)
        quality.on_closes(screening.causes, at_ns)
        if (newest := self._leg.newest_session) is not None:
            # It came meanwhile, when a later one was awaited.
            quality.on_bar(newest)
        # A close that was sampled before it came is no bar.
        is_changed = bool(early or screening.removed or screening.used)
        return is_changed, tuple(bar for bar in early if bar.source != SAMPLED)

    def evaluate_faults(self, at_ns: int) -> Effects:
        """Evaluate the faults of the leg. The caller evaluates again what they held back."""
        return merge(self._evaluate_faults(at_ns))

    def _put_of_history(self, bar: Bar) -> BarChange:
        quality = self._leg.data_quality
        known = self._leg.quarantined_bar(bar.session)
        if known is None:
            return self._leg.history.put(bar)
        change = change_of_quarantined(known, bar)
        if change not in _NO_NEWS:
            quality.quarantined = with_bar(quality.quarantined, bar)
        return change

    def _quarantine(self, screening: Screening) -> None:
        for session in screening.removed:
            self._leg.history.remove(session)
        self._leg.data_quality.quarantined = screening.quarantined

    def _count(self, screening: Screening) -> list[Effects]:
        self._leg.data_quality.quarantined_count += len(screening.found)
        return [suppress(f"bar_{cause.value}") for cause in screening.found]

    def _give(self, bar: Bar, change: BarChange, touched: set[int], *, at_ns: int) -> list[Effects]:
        """Let the pairs use a bar that the history has now, and note the rows of those that it touches."""
        rows = [row for row, monitor in self._monitors.items() if self._touches(monitor, bar)]
        touched.update(rows)
        return [self._monitors[row].take_bar(bar, change, at_ns=at_ns) for row in rows]

    def _evaluate_faults(self, at_ns: int) -> list[Effects]:
        """Evaluate the end of a fault by a bar. The caller evaluates again what the fault held back."""
        return [monitor.faults.evaluate(self._role, at_ns) for monitor in self._monitors.values()]

    def _changes_the_past(self, bars: tuple[Bar, ...]) -> bool:
        """Return whether bars may change the sessions that statistics and openings were computed from."""
        quality = self._leg.data_quality
        return bool(
            len(self._leg.history) == HISTORY_SESSIONS
            or quality.awaited_sessions
            or quality.quarantined
            or quality.has_wrong_closes
            or any(_changes_the_past(self._leg, bar) for bar in bars)
        )

    def _is_backfill_pending(self) -> bool:
        return any(monitor.transitions.outcomes.is_backfill_pending for monitor in self.monitors)

    def _backfill(self) -> list[Effects]:
        """Let the pairs find the openings of their filled history before it changes."""
        return [monitor.backfill() for monitor in self._monitors.values()]

    def _materialise(self) -> None:
        """Let the pairs compute their statistics before the legs change, where events may show them.

        Statistics are computed when first asked for. After the change, and after a restart, it is too late.
        """
        for monitor in self._monitors.values():
            monitor.materialise()

    def _append(self, bar: Bar, *, is_unscored: bool) -> Effects:
        """Put the bar that continues the history.

        A full history loses its oldest session to it, and so do the pairs that it gives no new one.
        """
        history = self._leg.history
        is_full, oldest = len(history) == HISTORY_SESSIONS, history.oldest_day
        history.put(bar)
        if not is_full:
            return NOTHING
        forgotten = [each for each in self._monitors.values() if not each.legs.has(bar.session)]
        for monitor in forgotten:
            monitor.forget_oldest(oldest, is_unscored=is_unscored)
        return Effects(dirty=frozenset(monitor.pair.name for monitor in forgotten))

    def _touches(self, monitor: PairMonitor, bar: Bar) -> bool:
        # A bar of the lead changes nothing for a pair whose other leg has no bar of that session or later.
        newest = monitor.legs.other.history.newest_session
        return not self._is_lead or (newest is not None and newest >= bar.session)


def _changes_the_past(leg: Leg, bar: Bar) -> bool:
    known = leg.history.get(bar.session)
    if known is None:
        # A missing bar that comes after a newer one changes the window that the newer one was evaluated with.
        last = leg.history.newest()
        return last is not None and (
            bar.session < last.session or _may_be_wrong(close_of(bar), close_of(last))
        )
    return (known.close, known.adj_close) != (bar.close, bar.adj_close)


def _may_be_wrong(now: Close, last: Close) -> bool:
    """Return whether a new close may begin a fault, whose event shows the statistics before it."""
    is_lower = now.adjusted * last.raw < last.adjusted * now.raw
    return now.raw == last.raw or is_lower or why_not_after(now, last) is not None
