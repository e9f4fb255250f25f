"""Every decision about one pair, from its bars, the live prices, the time that passes and its data's faults.

Closes are judged as confirmed, for every kind; live prices as provisional, for the ratio only. Each kind has
a life for each of its directions: ``risk_off`` reads the statistic as it is, ``risk_on`` reads it negated.
"""

from collections.abc import Sequence
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence import on_close, on_data_fault, on_price
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase
from services.signals.core.kinds.registry import LEVEL_KINDS, observe
from services.signals.core.legs.history import Told, day_of
from services.signals.core.pairs.deadband import EMPTY_DEADBAND, UNBOUNDED_DEADBAND, deadband
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.transition_log import TransitionLog
from shared.domain.bars import Bar
from shared.domain.divergences import Confirmation, Direction, Kind
from shared.domain.instants import NS_PER_SECOND
from shared.domain.kinds import DIRECTIONS
from shared.domain.sessions import bar_final_at_ns

# By then the bars of a close should long have been known.
LATEST_BAR_NS: Final = 2 * 3_600 * NS_PER_SECOND
_REGIME_NUMBER: Final = {"RISK_ON": -1.0, "NEUTRAL": 0.0, "RISK_OFF": 1.0}
_RATIO: Final = Kind.RATIO_STRETCH


class PairMonitor(TransitionLog):
    """One pair's windows, and what is made of them.

    Attributes
    ----------
    deadband
        The ratios of the live prices between which no decision changes.
    reported_regime
        The regime that was last told, or first seen; None before the first.
    """

    deadband: tuple[float, float] = UNBOUNDED_DEADBAND
    reported_regime: str | None = None
    _needs_reevaluation: bool = False

    # -- bars ---------------------------------------------------------------------------------------------

    def take_history(
        self, bars: Sequence[Bar], told: Sequence[Told], *, at_ns: int, effects: Effects
    ) -> None:
        """Fill the windows; decide only about what came in while this pair was already alive."""
        was_alive, newest = self.count > 0, self.session
        before = self.values
        self.recompute(regime_from=None)
        effects.changed.add(self.pair.name)
        if not was_alive:
            self.reported_regime = self.regime.name or self.regime.suspended
            self.outcomes.filled(self.session)
            self.update_deadband()
            return
        self.outcomes.committed(self.align)
        new_sessions = int((self.align().days > day_of(newest)).sum())
        evaluated_at_ns = max(at_ns, *(bar.known_at_ns for bar in bars))
        if Told.CORRECTED in told and not new_sessions:
            self._restate(before, evaluated_at_ns, effects)
        self._evaluate_close(evaluated_at_ns, effects, new_sessions=new_sessions)
        self.evaluate_price(at_ns, effects)

    def take_bar(self, bar: Bar, told: Told, *, at_ns: int, effects: Effects) -> None:
        """Take one bar of a leg in as news: commit its session, or correct a known one."""
        effects.changed.add(self.pair.name)
        both = self.lead.history.get(bar.session), self.other.history.get(bar.session)
        if both[0] is None or both[1] is None:
            # The live ratio stands on the newest bar of the other leg, aligned or not. What is held from now
            # on is not held from when a late bar was known.
            self.settle(max(at_ns, bar.known_at_ns), effects)
            self.evaluate_price(max(at_ns, bar.known_at_ns), effects)
            return
        is_new_session = told is Told.NEW and bar.session > self.session
        before = self.values if not is_new_session else {}
        self.recompute(regime_from=self.regime if is_new_session else None)
        self.outcomes.committed(self.align)
        evaluated_at_ns = max(at_ns, *(each.known_at_ns for each in both if each is not None))
        if is_new_session:
            effects.committed.append(bar.session)
            self._evaluate_close(evaluated_at_ns, effects, new_sessions=1)
        else:
            if told is not Told.READJUSTED:
                self._restate(before, evaluated_at_ns, effects)
            self._evaluate_close(evaluated_at_ns, effects, new_sessions=0)
        self.evaluate_price(evaluated_at_ns, effects)

    # -- closes -------------------------------------------------------------------------------------------

    def _evaluate_close(self, at_ns: int, effects: Effects, *, new_sessions: int) -> None:
        self._needs_reevaluation = False
        self.is_dirty = True
        close_ns = self.calendar.close_of(self.session)
        is_inhibited = self.is_inhibited
        for kind in LEVEL_KINDS:
            if (rule := self.rules.get(kind)) is None:
                continue
            for direction in self._ending_first(kind):
                step = on_close.decide_on_close(
                    self.life(kind, direction),
                    observe(rule, direction, self.values),
                    session=self.session,
                    close_ns=close_ns,
                    at_ns=at_ns,
                    rule=rule,
                    new_sessions=new_sessions,
                    is_inhibited=is_inhibited,
                )
                self._confirm(kind, direction, step, at_ns, effects)
        self._evaluate_regime(at_ns, effects, is_inhibited=is_inhibited)

    def _evaluate_regime(self, at_ns: int, effects: Effects, *, is_inhibited: bool) -> None:
        before, now = self.reported_regime, self.regime.name
        rule = self.rules.get(Kind.REGIME_CHANGE)
        if now is None or now == before:
            return
        if before is None or rule is None:
            self.reported_regime = now
            return
        z = self.values.get("z_90")
        direction = Direction.RISK_OFF if z is not None and z >= 0 else Direction.RISK_ON
        steps = on_close.decide_on_change(
            self.life(Kind.REGIME_CHANGE, direction),
            onset=self.session,
            at_ns=at_ns,
            rule=rule,
            is_inhibited=is_inhibited,
        )
        values: Values = {
            "regime_before": _REGIME_NUMBER[before],
            "regime": _REGIME_NUMBER[now],
        }
        for step in steps:
            self._confirm(Kind.REGIME_CHANGE, direction, step, at_ns, effects, values=values)
        if not is_inhibited:
            self.reported_regime = now

    def _restate(self, before: Values, at_ns: int, effects: Effects) -> None:
        for kind, direction, life in self.begun():
            rule = self.rules.get(kind)
            if rule is None or kind not in LEVEL_KINDS:
                continue
            if life.phase is not Phase.OPEN or life.confirmed_severity is None:
                continue
            # A session that has left the window says nothing about what stands on it.
            if observe(rule, direction, self.values) != observe(rule, direction, before):
                self._confirm(kind, direction, on_close.restate(life), at_ns, effects)

    def _confirm(
        self,
        kind: Kind,
        direction: Direction,
        step: Decision,
        at_ns: int,
        effects: Effects,
        values: Values | None = None,
    ) -> None:
        confirmed = Confirmation.CONFIRMED
        self.record_transition(
            kind, direction, step, at_ns=at_ns, confirmation=confirmed, effects=effects, values=values
        )

    def _ending_first(self, kind: Kind) -> list[Direction]:
        # When a statistic jumps from one side to the other, the old divergence ends before the new one opens.
        return sorted(DIRECTIONS[kind], key=lambda each: self.life(kind, each).phase is not Phase.OPEN)

    # -- live prices --------------------------------------------------------------------------------------

    def evaluate_price(self, at_ns: int, effects: Effects) -> None:
        """Judge the live ratio at an instant."""
        z, rule = self.live_z(), self.rules.get(_RATIO)
        if z is not None and rule is not None:
            for direction in self._ending_first(_RATIO):
                x = sign_of(direction) * z
                step = on_price.decide_on_price(self.life(_RATIO, direction), x, at_ns=at_ns, rule=rule)
                self._warn(direction, step, at_ns, effects)
        self.update_deadband()

    def on_stale_feed(self, at_ns: int, effects: Effects) -> None:
        """Stop every hold: a feed is stale."""
        for direction in DIRECTIONS[_RATIO]:
            life = self.life(_RATIO, direction)
            if on_price.is_holding(life):
                self._warn(direction, on_price.decide_on_stale_feed(life), at_ns, effects)
        self.update_deadband()

    def is_holding(self) -> bool:
        """Tell whether a level is being held, which silence would end."""
        return any(on_price.is_holding(self.life(_RATIO, direction)) for direction in DIRECTIONS[_RATIO])

    def _warn(self, direction: Direction, step: Decision, at_ns: int, effects: Effects) -> None:
        provisional = Confirmation.PROVISIONAL
        self.record_transition(
            _RATIO, direction, step, at_ns=at_ns, confirmation=provisional, effects=effects
        )

    def update_deadband(self) -> None:
        """Find the live ratios between which no decision changes, and decide nothing."""
        z, rule = self.live_z(), self.rules.get(_RATIO)
        if self.base is None or rule is None or self.other_price() is None:
            self.deadband = UNBOUNDED_DEADBAND
        elif z is None or self._needs_evaluation(z, rule):
            self.deadband = EMPTY_DEADBAND
        else:
            # Only what this life listens to: a price that dwells at a level no one waits for stays in bulk.
            levels = [
                sign_of(direction) * level
                for direction in DIRECTIONS[_RATIO]
                for level in on_price.price_levels(self.life(_RATIO, direction), rule)
            ]
            self.deadband = deadband(z, levels=levels, base=self.base)

    def _needs_evaluation(self, z: float, rule: Rule) -> bool:
        """Tell whether the next price decides something even if it is the same one.

        So it is after a hold was cut by silence, and when the windows were filled under a running price: the
        level is held, but nothing has begun to count how long.
        """
        return any(
            on_price.decide_on_price(life, sign_of(direction) * z, at_ns=0, rule=rule).state != life
            for direction in DIRECTIONS[_RATIO]
            for life in (self.life(_RATIO, direction),)
        )

    # -- time ---------------------------------------------------------------------------------------------

    def next_deadline_ns(self) -> int | None:
        """Return the next event time at which something is due without any input; None when nothing is."""
        due = [each for life_due in self._dues() for each in life_due[2:] if each is not None]
        return min(due, default=None)

    def _dues(self) -> list[tuple[Kind, Direction, int | None, int | None]]:
        """Return, for each life that has begun, when a hold or a settling and when an expiry is due."""
        dues: list[tuple[Kind, Direction, int | None, int | None]] = []
        for kind, direction, life in self.begun():
            rule = self.rules.get(kind)
            if rule is None:
                continue
            if kind is _RATIO:
                dues.append((kind, direction, on_price.hold_ends_at_ns(life, rule), self._expiry_ns(life)))
            elif kind is Kind.DATA_FAULT:
                dues.append((kind, direction, on_data_fault.settled_at_ns(life), None))
        return dues

    def on_deadline(self, at_ns: int, effects: Effects) -> None:
        """Do what is due at ``at_ns``, which is what `next_deadline_ns` answered."""
        for kind, direction, hold_ns, expiry_ns in self._dues():
            life, rule = self.life(kind, direction), self.rules[kind]
            if kind is Kind.DATA_FAULT:
                if hold_ns == at_ns:
                    step = on_data_fault.decide_on_settled(life, at_ns=at_ns, rule=rule)
                    self._confirm(kind, direction, step, at_ns, effects)
                    self._needs_reevaluation = True
            elif expiry_ns == at_ns:
                self._warn(direction, on_price.decide_on_expiry(life, rule), at_ns, effects)
            elif hold_ns == at_ns:
                step = on_price.decide_on_hold_end(
                    life,
                    at_ns=at_ns,
                    price_ts_ns=self.lead.last_price.ts_ns,
                    rule=rule,
                    is_inhibited=self.is_inhibited,
                )
                self._warn(direction, step, at_ns, effects)
        self.settle(at_ns, effects)
        self.update_deadband()

    def _expiry_ns(self, life: DivergenceState) -> int | None:
        if life.phase is not Phase.OPEN or life.confirmed_severity is not None:
            return None
        second = self.calendar.first_closing_at_or_after(life.opened_at_ns) + 1
        is_known = second < len(self.calendar.labels)
        return bar_final_at_ns(self.calendar.labels[second]) + LATEST_BAR_NS if is_known else None

    # -- faults -------------------------------------------------------------------------------------------

    def on_data_quality(self, leg: Direction, *, at_ns: int, effects: Effects) -> None:
        """Take in that a leg's data can, or can no longer, be trusted; `settle` has to follow."""
        rule = self.rules.get(Kind.DATA_FAULT)
        if rule is None:
            return
        was_inhibited = self.is_inhibited
        quality = (self.lead if leg is Direction.LEAD else self.other).data_quality
        step = on_data_fault.decide_on_data_fault(
            self.life(Kind.DATA_FAULT, leg), quality.is_at_fault, at_ns=at_ns, rule=rule
        )
        self._confirm(Kind.DATA_FAULT, leg, step, at_ns, effects)
        self._needs_reevaluation |= was_inhibited and not self.is_inhibited

    def report_revision(self, leg: Direction, before: Bar, now: Bar, *, at_ns: int, effects: Effects) -> None:
        """Tell that a known close was corrected: a fault of the data that is over when it is seen."""
        rule, life = self.rules.get(Kind.DATA_FAULT), self.life(Kind.DATA_FAULT, leg)
        if rule is None or life.phase is Phase.OPEN:
            return
        steps = on_data_fault.decide_on_correction(life, at_ns=at_ns, rule=rule)
        values: Values = {"revised_from": before.close, "revised_to": now.close}
        for step in steps:
            self._confirm(Kind.DATA_FAULT, leg, step, at_ns, effects, values=values)

    def settle(self, at_ns: int, effects: Effects) -> None:
        """Judge again what a fault had held back, once it is over."""
        if not self._needs_reevaluation:
            return
        self._needs_reevaluation = False
        if self.session:
            self._evaluate_close(at_ns, effects, new_sessions=0)
        self.evaluate_price(at_ns, effects)
