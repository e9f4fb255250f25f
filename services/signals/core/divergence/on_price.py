"""What a live price does to a divergence: the tables that decide by provisional statistics.

``x`` is the z that the next close is likely to reach or exceed, with the rule's probability; it is signed so
that it grows with the divergence. A price never opens or escalates by
itself: it starts and stops a *hold*. When a level has been held for the rule's ``hold_seconds`` of event
time, `decide_on_hold_end` opens or escalates. Three more inputs need no table: a feed that goes stale ends
every hold, a changed rule does the same, and a provisional divergence that no close has confirmed or refuted
in time expires.

``leave < warning`` is the hysteresis: each level ends at the threshold of the level below it. A live price
never closes a confirmed divergence; only a close does. A divergence that begins to flap reports that once, as
``revised``.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from services.signals.core.divergence.decision_table import DecisionTable, Row
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Phase,
    Situation,
    Suppressed,
    close_unless_flapping,
    end,
    keep,
    record_state,
    report,
    situation_of,
    to_idle,
    to_open,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339


class _Price(NamedTuple):
    """One likely value of the statistic: the input of the table's conditions and moves."""

    state: DivergenceState
    x: float
    at_ns: int
    rule: Rule

    # -- conditions ---------------------------------------------------------------------------------------

    def always(self) -> bool:
        return True

    def below_warning(self) -> bool:
        return self.x < self.rule.warning

    def at_leave(self) -> bool:
        return self.x <= self.rule.leave

    def critical_back_to_warning(self) -> bool:
        return self.state.severity is Severity.CRITICAL and self.x <= self.rule.warning

    def is_critical(self) -> bool:
        return self.state.severity is Severity.CRITICAL

    # -- moves --------------------------------------------------------------------------------------------

    def change_nothing(self) -> Decision:
        return keep(self.state)

    def start_hold(self) -> Decision:
        return keep(
            replace(
                self.state,
                phase=Phase.PENDING,
                warning_since_ns=self.at_ns,
                critical_since_ns=self._critical_since_ns(),
            )
        )

    def hold_critical(self) -> Decision:
        since_ns = self._critical_since_ns()
        if since_ns == self.state.critical_since_ns:
            return keep(self.state)
        return keep(replace(self.state, critical_since_ns=since_ns))

    def end_hold(self) -> Decision:
        return keep(to_idle(self.state))

    def leave(self) -> Decision:
        was_flapping, is_new = self.state.is_flapping, bool(self.state.recent_states & 1)
        # It stays open only because it flaps, not because a level is held.
        holds = self.state.critical_since_ns is not None
        state = replace(self.state, critical_since_ns=None) if holds else self.state
        if is_new:
            state = record_state(state, False)
        return close_unless_flapping(state, self.rule, was_flapping=was_flapping, is_new=is_new)

    def ease(self) -> Decision:
        eased = replace(self.state, severity=Severity.WARNING, critical_since_ns=None)
        return report(eased, Transition.EASED)

    def _critical_since_ns(self) -> int | None:
        if self.x < self.rule.critical:
            return None
        since_ns = self.state.critical_since_ns
        return self.at_ns if since_ns is None else since_ns


_PROVISIONAL: Final = (Situation.PROVISIONAL,)

# fmt: off
PRICE_TABLE: Final = DecisionTable(
    #   situation                       condition                        move                    # transition
    Row((Situation.IDLE,),              _Price.below_warning,            _Price.change_nothing), # -
    Row((Situation.IDLE,),              _Price.always,                   _Price.start_hold),     # -
    Row((Situation.PENDING,),           _Price.below_warning,            _Price.end_hold),       # -
    Row((Situation.PENDING,),           _Price.always,                   _Price.hold_critical),  # -
    # Flapping: revised once, then held open and counted.
    Row(_PROVISIONAL,                   _Price.at_leave,                 _Price.leave),          # closed
    Row(_PROVISIONAL,                   _Price.critical_back_to_warning, _Price.ease),           # eased
    Row(_PROVISIONAL,                   _Price.is_critical,              _Price.change_nothing), # -
    Row(_PROVISIONAL,                   _Price.always,                   _Price.hold_critical),  # -
    Row((Situation.WARNING,),           _Price.always,                   _Price.hold_critical),  # -
    Row((Situation.CRITICAL_BY_PRICE,), _Price.critical_back_to_warning, _Price.ease),           # eased
    Row((Situation.CRITICAL_BY_PRICE,), _Price.always,                   _Price.change_nothing), # -
    Row((Situation.CRITICAL,),          _Price.always,                   _Price.change_nothing), # -
)
# fmt: on


def decide_on_price(state: DivergenceState, x: float, *, at_ns: int, rule: Rule) -> Decision:
    """Decide by a likely value of the statistic: start or stop a hold, ease, or close."""
    return PRICE_TABLE.decide(situation_of(state), _Price(state, x, at_ns, rule))


def price_levels(state: DivergenceState, rule: Rule) -> tuple[float, ...]:
    """Return the levels at which `decide_on_price` changes something in this state; between them, nothing.

    Examples
    --------
    >>> price_levels(DivergenceState(), Rule(warning=2.0, critical=3.0, leave=1.0))
    (2.0,)
    """
    if state.phase is Phase.IDLE:
        return (rule.warning,)
    if state.phase is Phase.PENDING:
        return (rule.warning, rule.critical)
    ends = (rule.leave,) if state.confirmed_severity is None else ()
    if state.severity is Severity.WARNING:
        # Held open because it flaps, after its leave level was reached: reaching it again changes nothing.
        has_left = state.is_flapping and not state.recent_states & 1
        return (rule.critical,) if has_left else (*ends, rule.critical)
    return ends if state.confirmed_severity is Severity.CRITICAL else (*ends, rule.warning)


# -- the end of a hold ------------------------------------------------------------------------------------


class _HoldEnd(NamedTuple):
    """The end of a hold: the input of the table's conditions and moves."""

    state: DivergenceState
    at_ns: int
    price_ts_ns: int
    rule: Rule
    is_inhibited: bool

    # -- conditions ---------------------------------------------------------------------------------------

    def always(self) -> bool:
        return True

    def price_is_stale(self) -> bool:
        return self.at_ns - self.price_ts_ns > self.rule.stale_after_seconds * NS_PER_SECOND

    def data_at_fault(self) -> bool:
        return self.is_inhibited

    def cools_down_and_not_critical(self) -> bool:
        return self.state.cooldown_sessions_left > 0 and not self._critical_was_held()

    # -- moves --------------------------------------------------------------------------------------------

    def drop_stale(self) -> Decision:
        return keep(to_idle(self.state), Suppressed.STALE)

    def drop_inhibited(self) -> Decision:
        return keep(to_idle(self.state), Suppressed.INHIBITED)

    def mute(self) -> Decision:
        return keep(replace(self.state, is_muted=True), Suppressed.COOLDOWN)

    def open_provisional(self) -> Decision:
        is_critical = self._critical_was_held()
        opened = to_open(
            self.state,
            onset=format_rfc3339(self.at_ns),
            at_ns=self.at_ns,
            severity=Severity.CRITICAL if is_critical else Severity.WARNING,
            confirmed=None,
            rule=self.rule,
        )
        if not opened.recent_states & 1:
            opened = record_state(opened, True)
        since_ns = None if is_critical else self.state.critical_since_ns
        return report(replace(opened, critical_since_ns=since_ns), Transition.OPEN)

    def stop_stale(self) -> Decision:
        return keep(self._without_hold(), Suppressed.STALE)

    def stop_inhibited(self) -> Decision:
        return keep(self._without_hold(), Suppressed.INHIBITED)

    def escalate(self) -> Decision:
        escalated = replace(self.state, severity=Severity.CRITICAL, critical_since_ns=None)
        return report(escalated, Transition.ESCALATED)

    def _critical_was_held(self) -> bool:
        since_ns = self.state.critical_since_ns
        return since_ns is not None and self.at_ns - since_ns >= self.rule.hold_seconds * NS_PER_SECOND

    def _without_hold(self) -> DivergenceState:
        return replace(self.state, critical_since_ns=None)


_OPEN_AT_WARNING: Final = (Situation.PROVISIONAL, Situation.WARNING)

# fmt: off
HOLD_TABLE: Final = DecisionTable(
    #   situation             condition                             move                        # transition
    Row((Situation.PENDING,), _HoldEnd.price_is_stale,              _HoldEnd.drop_stale),       # stale
    Row((Situation.PENDING,), _HoldEnd.data_at_fault,               _HoldEnd.drop_inhibited),   # inhibited
    Row((Situation.PENDING,), _HoldEnd.cools_down_and_not_critical, _HoldEnd.mute),             # cooldown
    Row((Situation.PENDING,), _HoldEnd.always,                      _HoldEnd.open_provisional), # open
    Row(_OPEN_AT_WARNING,     _HoldEnd.price_is_stale,              _HoldEnd.stop_stale),       # stale
    Row(_OPEN_AT_WARNING,     _HoldEnd.data_at_fault,               _HoldEnd.stop_inhibited),   # inhibited
    Row(_OPEN_AT_WARNING,     _HoldEnd.always,                      _HoldEnd.escalate),         # escalated
)
# fmt: on


def hold_ends_at_ns(state: DivergenceState, rule: Rule) -> int | None:
    """Return the event time at which the current hold is long enough; None when no level is held."""
    if state.phase is Phase.PENDING and not state.is_muted:
        since_ns = state.warning_since_ns
    elif state.phase is Phase.PENDING or (state.phase is Phase.OPEN and state.severity is Severity.WARNING):
        since_ns = state.critical_since_ns
    else:
        since_ns = None
    return since_ns + rule.hold_seconds * NS_PER_SECOND if since_ns is not None else None


def decide_on_hold_end(
    state: DivergenceState, *, at_ns: int, price_ts_ns: int, rule: Rule, is_inhibited: bool = False
) -> Decision:
    """Decide at the end of a hold, at the instant that `hold_ends_at_ns` returned.

    Parameters
    ----------
    price_ts_ns
        Event time of the last price. If it is too old, the hold does not count.
    is_inhibited
        A leg's data are at fault: nothing opens or escalates on them, and the hold must start again.
    """
    given = _HoldEnd(state, at_ns, price_ts_ns, rule, is_inhibited)
    return HOLD_TABLE.decide(situation_of(state), given)


# -- without a price --------------------------------------------------------------------------------------


def is_holding(state: DivergenceState) -> bool:
    """Return whether a level is being held, which a stale feed would end.

    Examples
    --------
    >>> is_holding(DivergenceState()), is_holding(DivergenceState(phase=Phase.PENDING, warning_since_ns=0))
    (False, True)
    """
    return state.phase is Phase.PENDING or state.critical_since_ns is not None


def decide_on_stale_feed(state: DivergenceState) -> Decision:
    """End the hold because the feed has gone stale."""
    if state.phase is Phase.PENDING:
        return keep(to_idle(state), Suppressed.STALE)
    return keep(replace(state, critical_since_ns=None))


def under_new_rule(state: DivergenceState) -> DivergenceState:
    """Return the state after a change of the rule: without a hold, because the hold was at other levels."""
    return decide_on_stale_feed(state).state


def decide_on_expiry(state: DivergenceState, rule: Rule) -> Decision:
    """End a provisional divergence that no close has confirmed or refuted in time."""
    return end(state, Transition.EXPIRED, rule)
