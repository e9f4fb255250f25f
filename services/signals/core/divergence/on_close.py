"""What a close does to a divergence: the table that decides by confirmed statistics.

``x`` is the statistic, signed so that it grows with the divergence. ``leave_value`` is compared with the
level at which the divergence closes; for most kinds it is ``x``. A rule has a warning, a critical and a leave
level.
A kind may set further conditions for an opening or an escalation: they must hold as well as the level.

Before the table is read, the new sessions are subtracted from the cooldown. An undefined statistic changes
nothing; while the divergence is open it is counted as suppressed.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from services.signals.core.divergence.comparison import Comparison, compare
from services.signals.core.divergence.decision_table import DecisionTable, Row
from services.signals.core.divergence.flapping import is_flapping, with_state
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Phase,
    Situation,
    Suppressed,
    close_unless_flapping,
    confirm,
    end,
    keep,
    open_and_close,
    report,
    situation_of,
    to_idle,
    to_open,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import format_rfc3339

_CONFIRMED: Final = (Situation.WARNING, Situation.CRITICAL, Situation.CRITICAL_BY_PRICE)
_PROVISIONAL: Final = (Situation.PROVISIONAL,)
_BY_PRICE: Final = (Situation.CRITICAL_BY_PRICE,)
_NOT_OPEN: Final = (Situation.IDLE, Situation.PENDING)


class _Close(NamedTuple):
    """One close: the input of the table's conditions and moves."""

    state: DivergenceState
    seen: Comparison
    rule: Rule
    onset: str
    expected_until_ns: int
    at_ns: int
    is_inhibited: bool
    was_flapping: bool

    # -- conditions ---------------------------------------------------------------------------------------

    def always(self) -> bool:
        return True

    def stays_below_warning(self) -> bool:
        return not self.seen.opens

    def data_at_fault(self) -> bool:
        return self.is_inhibited

    def cools_down_and_not_critical(self) -> bool:
        is_cooling = self.state.cooldown_sessions_left > 0 and not self.state.cooldown_provisional_only
        return is_cooling and not self.seen.at_critical

    def at_warning(self) -> bool:
        return self.seen.at_warning

    def is_about_this_close(self) -> bool:
        return self.state.opened_at_ns <= self.expected_until_ns

    def at_leave(self) -> bool:
        return not self.seen.above_leave

    def stays_below_critical(self) -> bool:
        return not self.seen.escalates

    def at_critical(self) -> bool:
        return self.seen.at_critical

    def back_to_warning(self) -> bool:
        return not self.seen.above_warning

    # -- moves --------------------------------------------------------------------------------------------

    def change_nothing(self) -> Decision:
        return keep(self.state)

    def count_inhibited(self) -> Decision:
        return keep(self.state, Suppressed.INHIBITED)

    def count_cooldown(self) -> Decision:
        return keep(self.state, Suppressed.COOLDOWN)

    def open_confirmed(self) -> Decision:
        severity = self._severity
        opened = to_open(
            self.state,
            onset=self.onset,
            at_ns=self.at_ns,
            severity=severity,
            confirmed=severity,
            rule=self.rule,
        )
        return report(opened, Transition.OPEN)

    def confirm_level(self) -> Decision:
        return report(confirm(self.state, self._severity), Transition.REVISED)

    def end_not_confirmed(self) -> Decision:
        return end(self.state, Transition.NOT_CONFIRMED, self.rule)

    def close(self) -> Decision:
        return close_unless_flapping(self.state, self.rule, was_flapping=self.was_flapping)

    def escalate(self) -> Decision:
        return report(confirm(self.state, Severity.CRITICAL), Transition.ESCALATED)

    def ease(self) -> Decision:
        return report(confirm(self.state, Severity.WARNING), Transition.EASED)

    def confirm_critical(self) -> Decision:
        return report(confirm(self.state, Severity.CRITICAL), Transition.REVISED)

    @property
    def _severity(self) -> Severity:
        return Severity.CRITICAL if self.at_critical() else Severity.WARNING


# fmt: off
TABLE: Final = DecisionTable(
    #   situation              condition                           move                         # transition
    Row(_NOT_OPEN,             _Close.stays_below_warning,         _Close.change_nothing),      # -
    Row(_NOT_OPEN,             _Close.data_at_fault,               _Close.count_inhibited),     # inhibited
    Row(_NOT_OPEN,             _Close.cools_down_and_not_critical, _Close.count_cooldown),      # cooldown
    Row(_NOT_OPEN,             _Close.always,                      _Close.open_confirmed),      # open
    Row(_PROVISIONAL,          _Close.at_warning,                  _Close.confirm_level),       # revised
    Row(_PROVISIONAL,          _Close.is_about_this_close,         _Close.end_not_confirmed),  # not_confirmed
    Row(_PROVISIONAL,          _Close.always,                      _Close.change_nothing),      # -
    # Flapping: revised once, then held open and counted.
    Row(_CONFIRMED,            _Close.at_leave,                    _Close.close),               # closed
    Row((Situation.WARNING,),  _Close.stays_below_critical,        _Close.change_nothing),      # -
    Row((Situation.WARNING,),  _Close.data_at_fault,               _Close.count_inhibited),     # inhibited
    Row((Situation.WARNING,),  _Close.always,                      _Close.escalate),            # escalated
    Row((Situation.CRITICAL,), _Close.back_to_warning,             _Close.ease),                # eased
    Row((Situation.CRITICAL,), _Close.always,                      _Close.change_nothing),      # -
    Row(_BY_PRICE,             _Close.at_critical,                 _Close.confirm_critical),    # revised
    Row(_BY_PRICE,             _Close.always,                      _Close.ease),                # eased
)
# fmt: on


def decide_on_close(
    state: DivergenceState,
    observation: Observation | None,
    *,
    session: str,
    close_ns: int,
    at_ns: int,
    rule: Rule,
    new_sessions: int,
    expected_until_ns: int | None = None,
    is_inhibited: bool = False,
) -> Decision:
    """Decide by the statistic of a committed session.

    Parameters
    ----------
    observation
        What the kind observes at that close; None is undefined.
    close_ns, expected_until_ns
        The session's close, and until when an early warning was about it; the close itself unless said
        otherwise. It cannot end a later one; the next close can.
    at_ns
        Event time from which both legs' bars may be used.
    new_sessions
        Sessions since the last decision, this one included; they are subtracted from the cooldown. 0 when a
        known session is decided again after a correction.
    is_inhibited
        A leg's data are at fault: nothing opens or escalates on them.
    """
    return decide_on_comparison(
        state,
        None if observation is None else compare(observation, rule),
        session=session,
        expected_until_ns=close_ns if expected_until_ns is None else expected_until_ns,
        at_ns=at_ns,
        rule=rule,
        new_sessions=new_sessions,
        is_inhibited=is_inhibited,
    )


def decide_on_comparison(
    state: DivergenceState,
    seen: Comparison | None,
    *,
    session: str,
    expected_until_ns: int,
    at_ns: int,
    rule: Rule,
    new_sessions: int,
    is_inhibited: bool,
) -> Decision:
    """Decide as `decide_on_close` does, by how the statistic compares with the levels of its rule.

    Parameters
    ----------
    expected_until_ns
        An early warning that opened later is about the next session.
    """
    if state.cooldown_sessions_left > 0:
        left = max(0, state.cooldown_sessions_left - new_sessions)
        state = replace(state, cooldown_sessions_left=left)
        if left == 0 and state.is_muted:
            # A hold from the cooldown must not open anything: the next price starts a new one.
            state = to_idle(state)
    if seen is None:
        return keep(state, Suppressed.UNDEFINED if state.phase is Phase.OPEN else None)
    was_flapping = state.is_flapping
    if new_sessions > 0:
        state = _record_close(state, seen)
    given = _Close(
        state=state,
        seen=seen,
        rule=rule,
        # The session may have opened a divergence already. One that its correction opens is another
        # divergence, so it needs an onset of its own.
        onset=session if new_sessions > 0 else format_rfc3339(at_ns),
        expected_until_ns=expected_until_ns,
        at_ns=at_ns,
        is_inhibited=is_inhibited,
        was_flapping=was_flapping,
    )
    return TABLE.decide(situation_of(state), given)


def restate(state: DivergenceState) -> Decision:
    """Report an open, confirmed divergence again, because its data were corrected."""
    return report(state, Transition.REVISED)


def decide_on_change(
    state: DivergenceState, *, onset: str, at_ns: int, rule: Rule, is_inhibited: bool
) -> tuple[Decision, ...]:
    """Decide about a change at a close that has no duration, such as a change of regime.

    Returns
    -------
    tuple
        ``open`` and ``closed``, at the same instant. While a leg's data are at fault: one decision that
        reports nothing and carries the reason.
    """
    if is_inhibited:
        return (keep(state, Suppressed.INHIBITED),)
    return open_and_close(state, onset=onset, at_ns=at_ns, rule=rule)


def _record_close(state: DivergenceState, seen: Comparison) -> DivergenceState:
    """Record whether the statistic alone would have the divergence open, for the detection of flapping."""
    is_open = seen.above_leave if state.recent_states & 1 else seen.opens
    recent = with_state(state.recent_states, is_open)
    if not recent and not state.recent_states:
        return state
    return replace(
        state, recent_states=recent, is_flapping=is_flapping(recent, was_flapping=state.is_flapping)
    )
