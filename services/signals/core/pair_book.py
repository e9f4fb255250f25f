"""Everything known about one pair, and every decision about it.

Bars commit sessions and are judged as confirmed; the lead's live price is judged as provisional. Both ask the
same two lives, one for each direction: ``risk_off`` reads z as it is, ``risk_on`` reads it negated.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from services.signals.core import lifecycle
from services.signals.core.aligned import AlignedSessions, align
from services.signals.core.confirmed import HISTORY_SESSIONS, RATIO_WINDOW, Values, confirmed_values, regimes
from services.signals.core.event import build_event
from services.signals.core.leg_history import LegHistory, Told
from services.signals.core.lifecycle import Life, Phase, Step
from services.signals.core.rules import Rule
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import START, RegimeState, next_regime
from services.signals.core.statistics.zscore import baseline, zscore
from services.signals.core.tape import LeadTape
from shared.domain.bars import Bar
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    EvidenceInput,
    Leg,
    Transition,
)
from shared.domain.instants import NS_PER_SECOND
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar

_SIGN = {Direction.RISK_OFF: 1.0, Direction.RISK_ON: -1.0}
# Prices at which z crosses a level are computed, not searched: stay clear of them by more than rounding.
_MARGIN = 1e-12


@dataclass(slots=True, kw_only=True)
class Effects:
    """What one record did: to be published in this order, before the record is acknowledged."""

    events: list[DivergenceEvent] = field(default_factory=list)
    sampled: list[Bar] = field(default_factory=list)
    committed: list[str] = field(default_factory=list)
    suppressed: Counter[str] = field(default_factory=Counter)
    late_ticks: int = 0
    changed: set[str] = field(default_factory=set)


class PairBook:
    """One pair's windows and lives.

    Parameters
    ----------
    pair, rule
        What to watch, and when to speak.
    calendar
        XNYS sessions.
    code_version
        Stands in the evidence of each event.
    """

    def __init__(self, pair: Pair, *, rule: Rule, calendar: SessionCalendar, code_version: str) -> None:
        self.pair = pair
        self.rule = rule
        self.calendar = calendar
        self._code_version = code_version
        self.lead = LegHistory(limit=HISTORY_SESSIONS)
        self.other = LegHistory(limit=HISTORY_SESSIONS)
        self.lives = {Direction.RISK_OFF: Life(), Direction.RISK_ON: Life()}
        self.sequence = 0
        self.aligned: AlignedSessions = align(self.lead, self.other)
        self.regime: RegimeState = START
        self.values: Values = {}
        self.base: MeanStd | None = None
        # Between these prices of the lead no decision changes; what is outside is judged tick by tick.
        self.quiet_low = 0.0
        self.quiet_high = np.inf

    # -- bars ---------------------------------------------------------------------------------------------

    def take_history(self, bars: tuple[Bar, ...], tape: LeadTape, effects: Effects) -> None:
        """Fill the windows; decide only about what came in while this pair was already alive."""
        was_alive = len(self.aligned) > 0
        newest = self.aligned.sessions[-1] if was_alive else ""
        told = [leg.put(bar) for bar in bars if (leg := self._leg(bar.instrument)) is not None]
        if all(each in (Told.UNCHANGED, Told.OUTDATED) for each in told):
            return
        self._recompute(regime_from=None)
        effects.changed.add(self.pair.name)
        if not was_alive:
            self.judge_quietly(tape)
            return
        is_newer = self.aligned.sessions[-1] > newest
        if is_newer or Told.CORRECTED in told:
            at_ns = max(tape.watermark_ns, *(bar.known_at_ns for bar in bars))
            self._judge_close(at_ns, effects, is_new_session=is_newer)
        self.judge_price(tape, tape.watermark_ns, effects)

    def take_bar(self, bar: Bar, tape: LeadTape, effects: Effects) -> None:
        """Take one bar in as news: commit its session, or correct a known one."""
        leg = self._leg(bar.instrument)
        if leg is None:
            return
        before = len(self.aligned)
        newest = self.aligned.sessions[-1] if before else ""
        told = leg.put(bar)
        if told in (Told.UNCHANGED, Told.OUTDATED):
            effects.suppressed[f"bar_{told.value}"] += 1
            return
        effects.changed.add(self.pair.name)
        both = self.lead.get(bar.session), self.other.get(bar.session)
        if both[0] is None or both[1] is None:
            # The live ratio stands on the newest bar of the other leg, aligned or not.
            self.judge_price(tape, bar.known_at_ns, effects)
            return
        is_new_session = told is Told.NEW and bar.session > newest
        self._recompute(regime_from=self.regime if is_new_session else None)
        at_ns = max(tape.watermark_ns, *(each.known_at_ns for each in both if each is not None))
        if is_new_session:
            effects.committed.append(bar.session)
            self._judge_close(at_ns, effects, is_new_session=True)
        elif told is not Told.READJUSTED:
            self._restate(at_ns, effects)
            self._judge_close(at_ns, effects, is_new_session=False)
        self.judge_price(tape, max(at_ns, tape.watermark_ns), effects)

    def _leg(self, instrument: str) -> LegHistory | None:
        return {self.pair.lead: self.lead, self.pair.other: self.other}.get(instrument)

    def _recompute(self, *, regime_from: RegimeState | None) -> None:
        self.aligned = align(self.lead, self.other)
        self.values = confirmed_values(self.aligned)
        self.base = baseline(self.aligned.log_ratio, RATIO_WINDOW)
        if regime_from is not None:
            self.regime = next_regime(regime_from, self.values.get("z_90"))
        else:
            self.regime = (regimes(self.aligned.log_ratio) or [START])[-1]

    def resume(self, regime: RegimeState) -> None:
        """Recompute what the windows give after they were filled from a checkpoint."""
        self._recompute(regime_from=None)
        self.regime = regime

    # -- decisions ----------------------------------------------------------------------------------------

    def _judge_close(self, at_ns: int, effects: Effects, *, is_new_session: bool) -> None:
        session = self.aligned.sessions[-1]
        z = self.values.get("z_90")
        for direction in self._ending_first():
            step = lifecycle.by_close(
                self.lives[direction],
                None if z is None else _SIGN[direction] * z,
                session=session,
                close_ns=self.calendar.close_of(session),
                at_ns=at_ns,
                rule=self.rule,
                is_new_session=is_new_session,
            )
            self._carry_out(direction, step, at_ns, Confirmation.CONFIRMED, None, effects)

    def _restate(self, at_ns: int, effects: Effects) -> None:
        for direction, life in self.lives.items():
            if life.phase is Phase.OPEN and life.confirmed_severity is not None:
                step = lifecycle.restate(life)
                self._carry_out(direction, step, at_ns, Confirmation.CONFIRMED, None, effects)

    def judge_price(self, tape: LeadTape, at_ns: int, effects: Effects) -> None:
        """Judge the lead's last price at an instant."""
        z = self.live_z(tape)
        if z is not None:
            for direction in self._ending_first():
                x = _SIGN[direction] * z
                step = lifecycle.by_price(self.lives[direction], x, at_ns=at_ns, rule=self.rule)
                self._carry_out(direction, step, at_ns, Confirmation.PROVISIONAL, tape, effects)
        self.judge_quietly(tape)

    def next_deadline_ns(self) -> int | None:
        """Return the next event time at which something is due without any input; None when nothing is."""
        due = [lifecycle.next_deadline_ns(life, self.rule) for life in self.lives.values()]
        due += [self._expiry_ns(life) for life in self.lives.values()]
        return min((each for each in due if each is not None), default=None)

    def pass_deadline(self, tape: LeadTape, at_ns: int, effects: Effects) -> None:
        """Do what is due at ``at_ns``, which is what `next_deadline_ns` answered."""
        for direction, life in self.lives.items():
            if self._expiry_ns(life) == at_ns:
                step = lifecycle.by_expiry(life, self.rule)
            elif lifecycle.next_deadline_ns(life, self.rule) == at_ns:
                step = lifecycle.by_deadline(life, at_ns=at_ns, price_ts_ns=tape.ts_ns, rule=self.rule)
            else:
                continue
            self._carry_out(direction, step, at_ns, Confirmation.PROVISIONAL, tape, effects)

    def pass_silence(self, effects: Effects) -> None:
        """Stop every hold: the feed is stale."""
        for direction, life in self.lives.items():
            step = lifecycle.by_silence(life)
            self._carry_out(direction, step, 0, Confirmation.PROVISIONAL, None, effects)

    def _ending_first(self) -> list[Direction]:
        # When z jumps from one side to the other, the old divergence ends before the new one opens.
        return sorted(self.lives, key=lambda direction: self.lives[direction].phase is not Phase.OPEN)

    def _expiry_ns(self, life: Life) -> int | None:
        if life.phase is not Phase.OPEN or life.confirmed_severity is not None:
            return None
        first = self.calendar.first_closing_at_or_after(life.opened_at_ns)
        # The second close after the opening, when its bars should long have been known.
        return self.calendar.close_ns[first + 1] + 6 * 3_600 * NS_PER_SECOND

    def _carry_out(
        self,
        direction: Direction,
        step: Step,
        at_ns: int,
        confirmation: Confirmation,
        tape: LeadTape | None,
        effects: Effects,
    ) -> None:
        if step.life is not self.lives[direction] and step.life != self.lives[direction]:
            self.lives[direction] = step.life
            effects.changed.add(self.pair.name)
        if step.suppressed is not None:
            effects.suppressed[step.suppressed.value] += 1
        if step.transition is not None and step.told is not None:
            self.sequence += 1
            event = self._event(direction, step.transition, step.told, at_ns, confirmation, tape)
            effects.events.append(event)

    def _event(
        self,
        direction: Direction,
        transition: Transition,
        life: Life,
        at_ns: int,
        confirmation: Confirmation,
        tape: LeadTape | None,
    ) -> DivergenceEvent:
        legs: tuple[Leg, ...]
        inputs: tuple[EvidenceInput, ...]
        if tape is not None and tape.price is not None:
            values = self.live_values(tape) | {name: self.values.get(name) for name in _CONTEXT}
            legs = (self._live_leg(tape, at_ns), self._bar_leg(self.other.newest(), at_ns))
            inputs = (
                EvidenceInput(instrument=self.pair.lead, ts_event_ns=tape.ts_ns),
                EvidenceInput(instrument=self.pair.other, session=_session(self.other.newest())),
            )
            window = self.aligned.log_ratio[-RATIO_WINDOW:]
        else:
            session = self.aligned.sessions[-1]
            values = {name: self.values.get(name) for name in (*_JUDGED, *_CONTEXT)}
            bars = self.lead.get(session), self.other.get(session)
            legs = tuple(self._bar_leg(bar, at_ns) for bar in bars)
            inputs = tuple(
                EvidenceInput(instrument=instrument, session=session)
                for instrument in (self.pair.lead, self.pair.other)
            )
            window = self.aligned.log_ratio[-RATIO_WINDOW - 1 : -1]
        return build_event(
            pair=self.pair,
            rule=self.rule,
            direction=direction,
            transition=transition,
            life=life,
            confirmation=confirmation,
            sequence=self.sequence,
            at_ns=at_ns,
            values=values,
            confirmed=self.values,
            legs=legs,
            inputs=inputs,
            window=window,
            code_version=self._code_version,
        )

    # -- live ---------------------------------------------------------------------------------------------

    def live_ratio(self, tape: LeadTape) -> float | None:
        """Return ``ln`` of the lead's live price over the other leg's last known close."""
        other = self.other.newest()
        if tape.price is None or other is None:
            return None
        return float(np.log(tape.price / other.adj_close))

    def live_z(self, tape: LeadTape) -> float | None:
        """Return the z-score of the live ratio, None while it is undefined."""
        ratio = self.live_ratio(tape)
        return None if ratio is None else zscore(ratio, self.base)

    def live_values(self, tape: LeadTape) -> Values:
        """Return the provisional statistics by name."""
        ratio = self.live_ratio(tape)
        window = self.aligned.log_ratio
        return {
            "log_ratio": ratio,
            "z_90": self.live_z(tape),
            "mean_90": self.base.mean if self.base is not None else None,
            "std_90": self.base.std if self.base is not None else None,
            "pctl_90": None if ratio is None else percentile_rank(ratio, window, RATIO_WINDOW),
        }

    def judge_quietly(self, tape: LeadTape) -> None:
        """Find the prices of the lead between which no decision changes, and decide nothing."""
        z, other = self.live_z(tape), self.other.newest()
        self.quiet_low, self.quiet_high = 0.0, float(np.inf)
        if self.base is None or other is None:
            return
        if z is None:
            # Before the first price every price is news.
            self.quiet_low, self.quiet_high = float(np.inf), 0.0
            return
        rule = self.rule
        levels = sorted(
            sign * level for sign in (-1.0, 1.0) for level in (rule.leave, rule.warning, rule.critical)
        )
        below = max((level for level in levels if level <= z), default=None)
        above = min((level for level in levels if level >= z), default=None)
        if below is not None:
            price = other.adj_close * np.exp(self.base.mean + below * self.base.std)
            self.quiet_low = float(price) * (1 + _MARGIN)
        if above is not None:
            price = other.adj_close * np.exp(self.base.mean + above * self.base.std)
            self.quiet_high = float(price) * (1 - _MARGIN)

    def _live_leg(self, tape: LeadTape, at_ns: int) -> Leg:
        assert tape.price is not None and tape.feed is not None  # noqa: S101, PT018 - the caller asked
        return Leg(
            instrument=self.pair.lead,
            price=tape.price,
            age_seconds=(at_ns - tape.ts_ns) / NS_PER_SECOND,
            source=tape.feed,
        )

    def _bar_leg(self, bar: Bar | None, at_ns: int) -> Leg:
        assert bar is not None  # noqa: S101 - there is no z without both legs
        return Leg(
            instrument=bar.instrument,
            price=bar.close,
            age_seconds=(at_ns - self.calendar.close_of(bar.session)) / NS_PER_SECOND,
            source=bar.source,
        )


_JUDGED = ("log_ratio", "z_90", "mean_90", "std_90", "pctl_90")
_CONTEXT = ("corr_20", "corr_60", "corr_90", "corr_252", "beta_60")


def _session(bar: Bar | None) -> str | None:
    return bar.session if bar is not None else None
