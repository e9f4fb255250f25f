"""Everything known about one pair, and every decision about it.

Bars commit sessions and are judged as confirmed; the lead's live price is judged as provisional. Both ask the
same two lives, one for each direction: ``risk_off`` reads z as it is, ``risk_on`` reads it negated.
"""

from collections import Counter
from dataclasses import dataclass

from services.signals.core import lifecycle
from services.signals.core.event import build_event
from services.signals.core.grounds import Grounds, grounds_of_close, grounds_of_price
from services.signals.core.leg_history import Told
from services.signals.core.lifecycle import Life, Phase, Step
from services.signals.core.pair_windows import PairWindows
from services.signals.core.quiet import ALL_QUIET, NONE_QUIET, quiet_prices
from services.signals.core.rules import Rule
from services.signals.core.tape import LeadTape
from shared.domain.bars import Bar
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Transition
from shared.domain.instants import NS_PER_SECOND
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar, bar_final_at_ns

_SIGN = {Direction.RISK_OFF: 1.0, Direction.RISK_ON: -1.0}
# By then the bars of a close should long have been known.
_EXPIRY_NS = 2 * 3_600 * NS_PER_SECOND


@dataclass(slots=True, init=False)
class Effects:
    """What one record did: to be published in this order, before the record is acknowledged."""

    events: list[DivergenceEvent]
    sampled: list[Bar]
    committed: list[str]
    suppressed: Counter[str]
    late_ticks: int
    changed: set[str]

    def __init__(self) -> None:
        # By hand: one is made for each record, and the generated one takes twice as long.
        self.events, self.sampled, self.committed = [], [], []
        self.suppressed = Counter()
        self.late_ticks = 0
        self.changed = set()


class PairBook(PairWindows):
    """One pair's windows, and what is made of them: its lives.

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
        super().__init__(pair)
        self.rule = rule
        self.calendar = calendar
        self._code_version = code_version
        self.lives = {Direction.RISK_OFF: Life(), Direction.RISK_ON: Life()}
        self.sequence = 0
        # Between these prices of the lead no decision changes; what is outside is judged tick by tick.
        self.quiet_low, self.quiet_high = ALL_QUIET

    # -- bars ---------------------------------------------------------------------------------------------

    def take_history(self, bars: tuple[Bar, ...], tape: LeadTape, effects: Effects) -> None:
        """Fill the windows; decide only about what came in while this pair was already alive."""
        was_alive = len(self.aligned) > 0
        newest = self.aligned.sessions[-1] if was_alive else ""
        told = [leg.put(bar) for bar in bars if (leg := self.leg(bar.instrument)) is not None]
        if all(each in (Told.UNCHANGED, Told.OUTDATED) for each in told):
            return
        z_before = self.values.get("z_90")
        self.recompute(regime_from=None)
        effects.changed.add(self.pair.name)
        if not was_alive:
            self.judge_quietly(tape)
            return
        new_sessions = sum(session > newest for session in self.aligned.sessions)
        at_ns = max(tape.watermark_ns, *(bar.known_at_ns for bar in bars))
        if Told.CORRECTED in told and not new_sessions and self.values.get("z_90") != z_before:
            self._restate(at_ns, effects)
        self._judge_close(at_ns, effects, new_sessions=new_sessions)
        self.judge_price(tape, tape.watermark_ns, effects)

    def take_bar(self, bar: Bar, tape: LeadTape, effects: Effects) -> None:
        """Take one bar in as news: commit its session, or correct a known one."""
        leg = self.leg(bar.instrument)
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
            # The live ratio stands on the newest bar of the other leg, aligned or not. What is held from now
            # on is not held from when a late bar was known.
            self.judge_price(tape, max(tape.watermark_ns, bar.known_at_ns), effects)
            return
        is_new_session = told is Told.NEW and bar.session > newest
        z_before = self.values.get("z_90")
        self.recompute(regime_from=self.regime if is_new_session else None)
        at_ns = max(tape.watermark_ns, *(each.known_at_ns for each in both if each is not None))
        if is_new_session:
            effects.committed.append(bar.session)
            self._judge_close(at_ns, effects, new_sessions=1)
        else:
            # A session that has left the window says nothing about what stands on it.
            if told is not Told.READJUSTED and self.values.get("z_90") != z_before:
                self._restate(at_ns, effects)
            self._judge_close(at_ns, effects, new_sessions=0)
        self.judge_price(tape, at_ns, effects)

    # -- decisions ----------------------------------------------------------------------------------------

    def _judge_close(self, at_ns: int, effects: Effects, *, new_sessions: int) -> None:
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
                new_sessions=new_sessions,
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
        self.judge_quietly(tape)

    def pass_silence(self, tape: LeadTape, effects: Effects) -> None:
        """Stop every hold: the feed is stale."""
        for direction, life in self.lives.items():
            step = lifecycle.by_silence(life)
            self._carry_out(direction, step, tape.watermark_ns, Confirmation.PROVISIONAL, tape, effects)
        self.judge_quietly(tape)

    def _ending_first(self) -> list[Direction]:
        # When z jumps from one side to the other, the old divergence ends before the new one opens.
        return sorted(self.lives, key=lambda direction: self.lives[direction].phase is not Phase.OPEN)

    def _expiry_ns(self, life: Life) -> int | None:
        if life.phase is not Phase.OPEN or life.confirmed_severity is not None:
            return None
        second = self.calendar.first_closing_at_or_after(life.opened_at_ns) + 1
        is_known = second < len(self.calendar.labels)
        return bar_final_at_ns(self.calendar.labels[second]) + _EXPIRY_NS if is_known else None

    def _carry_out(
        self,
        direction: Direction,
        step: Step,
        at_ns: int,
        confirmation: Confirmation,
        tape: LeadTape | None,
        effects: Effects,
    ) -> None:
        # No checkpoint for a level that begins or ends to be held: it would be one per tick at a threshold,
        # and the log tells it again.
        self.lives[direction] = step.life
        if step.suppressed is not None:
            effects.suppressed[step.suppressed.value] += 1
        if step.transition is not None and step.told is not None:
            self.sequence += 1
            effects.changed.add(self.pair.name)
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
        grounds = self._grounds(at_ns, confirmation, tape)
        return build_event(
            pair=self.pair,
            rule=self.rule,
            direction=direction,
            transition=transition,
            life=life,
            confirmation=confirmation,
            sequence=self.sequence,
            at_ns=at_ns,
            grounds=grounds,
            confirmed=self.values,
            code_version=self._code_version,
        )

    def _grounds(self, at_ns: int, confirmation: Confirmation, tape: LeadTape | None) -> Grounds:
        other = self.other.newest()
        if confirmation is Confirmation.PROVISIONAL and tape is not None and other is not None:
            return grounds_of_price(
                tape,
                other,
                lead=self.pair.lead,
                live=self.live_values(tape),
                confirmed=self.values,
                aligned=self.aligned,
                calendar=self.calendar,
                at_ns=at_ns,
            )
        session = self.aligned.sessions[-1]
        return grounds_of_close(
            tuple(bar for leg in (self.lead, self.other) if (bar := leg.get(session)) is not None),
            confirmed=self.values,
            aligned=self.aligned,
            calendar=self.calendar,
            at_ns=at_ns,
        )

    def judge_quietly(self, tape: LeadTape) -> None:
        """Find the prices of the lead between which no decision changes, and decide nothing."""
        z, other = self.live_z(tape), self.other.newest()
        if self.base is None or other is None:
            self.quiet_low, self.quiet_high = ALL_QUIET
        elif z is None or self._is_unjudged(z):
            self.quiet_low, self.quiet_high = NONE_QUIET
        else:
            # Only what this life listens to: a price that dwells at a level no one waits for stays in bulk.
            levels = [
                _SIGN[direction] * level
                for direction, life in self.lives.items()
                for level in lifecycle.levels_by_price(life, self.rule)
            ]
            self.quiet_low, self.quiet_high = quiet_prices(
                z, levels=levels, base=self.base, other_adj_close=other.adj_close
            )

    def _is_unjudged(self, z: float) -> bool:
        """Tell whether the next price decides something even if it is the same one.

        So it is after a hold was cut by silence, and when the windows were filled under a running price: the
        level is held, but nothing has begun to count how long.
        """
        return any(
            lifecycle.by_price(life, _SIGN[direction] * z, at_ns=0, rule=self.rule).life != life
            for direction, life in self.lives.items()
        )
