"""Every decision about one pair: from its bars, its live prices, deadlines and faults of its data.

Closes are evaluated as confirmed, for every kind; live prices as provisional, for the ratio only. Each kind
has a divergence for each of its directions: for ``risk_off`` the statistic is used as it is, for ``risk_on``
with the opposite sign.
"""

from collections.abc import Sequence

from services.signals.core.engine_config import EngineConfig
from services.signals.core.legs.bar_change import BarChange
from services.signals.core.legs.history import day_of
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.pair_legs import PairLegs
from services.signals.core.legs.session_clock import SessionClock
from services.signals.core.pairs.close_evaluator import CloseEvaluator
from services.signals.core.pairs.effects import NOTHING, Effects, merge
from services.signals.core.pairs.fault_evaluator import FaultEvaluator
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.price_evaluator import PriceEvaluator
from services.signals.core.pairs.transition_log import TransitionLog
from services.signals.core.pairs.trigger_prices import TriggerPrices
from shared.domain.bars import Bar
from shared.domain.pairs import Pair


class PairMonitor:
    """One pair: its statistics, its divergences, and the evaluators that decide the ones by the others.

    Parameters
    ----------
    pair
        The pair.
    lead, other
        Its legs, shared with other pairs.
    clock
        Of the lead.
    config
        See `EngineConfig`.
    """

    def __init__(self, pair: Pair, lead: Leg, other: Leg, clock: SessionClock, config: EngineConfig) -> None:
        config = config.of_pair(pair.name)
        self.pair = pair
        self.config = config
        self.legs = PairLegs(lead, other, clock=clock)
        self.statistics = PairStatistics(self.legs, pair.agreement)
        self.transitions = TransitionLog(pair, self.statistics, config)
        self.closes = CloseEvaluator(self.statistics, self.transitions, config)
        self.prices = PriceEvaluator(self.statistics, self.transitions, config)
        self.faults = FaultEvaluator(self.statistics, self.transitions, config)
        self.triggers = TriggerPrices(self.statistics, self.transitions, self.closes, config)
        self._dirty = self.transitions.dirty
        self._changed = Effects(changed=self._dirty.dirty)
        self._recomputed = Effects(changed=self._dirty.dirty, dirty=self._dirty.dirty)

    # -- bars ---------------------------------------------------------------------------------------------

    def take_history(self, bars: Sequence[Bar], changes: Sequence[BarChange], *, at_ns: int) -> Effects:
        """Fill the windows. The first filling decides nothing; a later one is evaluated like new bars."""
        statistics, outcomes = self.statistics, self.transitions.outcomes
        was_filled, newest, before = statistics.count > 0, statistics.session, statistics.values
        aligned = statistics.recompute(regime_from=None)
        if not was_filled:
            self.closes.start()
            outcomes.filled(statistics.session)
            return self._recomputed
        outcomes.committed(lambda: aligned)
        new_sessions = int((aligned.days > day_of(newest)).sum())
        evaluated_at_ns = max(at_ns, *(bar.known_at_ns for bar in bars))
        is_correction = BarChange.CORRECTED in changes and not new_sessions
        return merge(
            (
                self._recomputed,
                self.closes.restate(before, evaluated_at_ns) if is_correction else NOTHING,
                self._evaluate_close(evaluated_at_ns, new_sessions=new_sessions),
                self.prices.evaluate(at_ns),
            )
        )

    def take_bar(self, bar: Bar, change: BarChange, *, at_ns: int) -> Effects:
        """Use one new bar of a leg: commit its session, or correct a known one."""
        known_ns = [leg.history.known_at_ns(bar.session) for leg in (self.legs.lead, self.legs.other)]
        both_ns = [each for each in known_ns if each is not None]
        if len(both_ns) < len(known_ns):
            # The live ratio uses the other leg's newest bar even if the lead has none of that session. A hold
            # that begins now must not begin before the bar was known.
            seen_ns = max(at_ns, bar.known_at_ns)
            return merge((self._changed, self.reevaluate(seen_ns), self.prices.evaluate(seen_ns)))
        statistics = self.statistics
        is_new_session = change is BarChange.NEW and bar.session > statistics.session
        before = statistics.values if not is_new_session else {}
        aligned = statistics.recompute(regime_from=statistics.regime if is_new_session else None)
        outcomes = self.transitions.outcomes
        (outcomes.extended if is_new_session else outcomes.committed)(lambda: aligned)
        evaluated_at_ns = max(at_ns, *both_ns)
        parts = [self._recomputed]
        if is_new_session:
            parts.append(Effects(committed=(bar.session,)))
        elif change is not BarChange.READJUSTED:
            parts.append(self.closes.restate(before, evaluated_at_ns))
        parts.append(self._evaluate_close(evaluated_at_ns, new_sessions=int(is_new_session)))
        parts.append(self.prices.evaluate(evaluated_at_ns))
        return merge(parts)

    def remove_sessions(self, at_ns: int) -> Effects:
        """Compute everything again after a leg has lost sessions whose closes cannot be used."""
        statistics = self.statistics
        before = statistics.values
        aligned = statistics.recompute(regime_from=None)
        self.transitions.outcomes.committed(lambda: aligned)
        parts = [self._recomputed]
        if statistics.count:
            parts.append(self.closes.restate(before, at_ns))
            parts.append(self._evaluate_close(at_ns, new_sessions=0))
        return merge((*parts, self.prices.evaluate(at_ns)))

    def end_undone(self, at_ns: int, *, is_changed: bool) -> Effects:
        """End what has opened after an instant that event time, which was too far, goes back to.

        Parameters
        ----------
        is_changed
            A leg has lost sessions whose closes have not come.
        """
        if is_changed:
            self.statistics.recompute(regime_from=None)
        return merge((self.closes.end_undone(at_ns), self.prices.end_undone(at_ns)))

    def undo_after(self, at_ns: int, *, is_changed: bool, since_ns: int) -> Effects:
        """Evaluate again at an instant that event time, which was too far, goes back to.

        Parameters
        ----------
        is_changed
            A leg has lost sessions whose closes have not come.
        since_ns
            Event time before it was too far.
        """
        if is_changed:
            return merge((self._dirty, self.remove_sessions(at_ns), self.reevaluate(at_ns)))
        newest = [leg.history.newest() for leg in (self.legs.lead, self.legs.other)]
        # Nothing that was known before has been held back meanwhile.
        self.faults.needs_reevaluation &= any(each and each.known_at_ns > since_ns for each in newest)
        return merge((self._dirty, self.reevaluate(at_ns), self.prices.evaluate(at_ns)))

    def materialise(self) -> None:
        """Compute the statistics that are computed on demand now, because the legs are about to change."""
        self.statistics.materialise()

    def backfill(self) -> Effects:
        """Find the openings of the filled history now, because the legs are about to change."""
        outcomes = self.transitions.outcomes
        before = outcomes.ledger
        outcomes.backfill(self.legs.align)
        # The next checkpoint has the changed legs, from which these openings cannot be found again.
        return NOTHING if outcomes.ledger is before else self._dirty

    def forget_oldest(self, day: int, *, is_unscored: bool) -> None:
        """Take in that a leg has lost its oldest session to a new one that the other leg lacks.

        Statistics of the whole history use one session less from now on, as they would after a restart.

        Parameters
        ----------
        day
            The lost session's number.
        is_unscored
            The openings of the filled history have just been found.
        """
        self.statistics.forget_oldest(day)
        outcomes = self.transitions.outcomes
        if is_unscored:
            outcomes.committed(self.legs.align)
        else:
            outcomes.forgot()

    # -- time and faults ----------------------------------------------------------------------------------

    def next_deadline_ns(self) -> int | None:
        """Return the next event time at which something is due without any input; None when nothing is."""
        due = (self.prices.next_deadline_ns(), self.faults.next_deadline_ns())
        return min((each for each in due if each is not None), default=None)

    def on_deadline(self, at_ns: int) -> Effects:
        """Do what is due at ``at_ns``, the time that `next_deadline_ns` returned."""
        return merge((self.prices.on_deadline(at_ns), self.faults.on_deadline(at_ns), self.reevaluate(at_ns)))

    def reevaluate(self, at_ns: int) -> Effects:
        """If a fault is over, evaluate again what it had held back."""
        if not self.faults.needs_reevaluation:
            return NOTHING
        self.faults.needs_reevaluation = False
        has_session = bool(self.statistics.session)
        return merge(
            (
                self._evaluate_close(at_ns, new_sessions=0) if has_session else NOTHING,
                self.prices.evaluate(at_ns),
            )
        )

    def _evaluate_close(self, at_ns: int, *, new_sessions: int) -> Effects:
        self.faults.needs_reevaluation = False
        return merge((self._dirty, self.closes.evaluate(at_ns, new_sessions=new_sessions)))
