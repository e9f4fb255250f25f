"""What a fault of a leg's data does to the divergence that reports it.

``is_at_fault`` says that the leg's data cannot be trusted now. A fault can begin and end at any time, so for
the detection of flapping its state is recorded at each change, and once more for each ten minutes of event
time without a change. So a feed that drops once a day does not flap, and one that drops every minute does. A
fault that is over and held open only because it flaps ends by `decide_on_settled`.
"""

from dataclasses import replace
from typing import Final, NamedTuple

from services.signals.core.divergence.decision_table import DecisionTable, Row
from services.signals.core.divergence.flapping import is_flapping, states_until_settled, with_state
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Phase,
    Situation,
    close_unless_flapping,
    end,
    keep,
    open_and_close,
    report,
    situation_of,
    to_open,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339

_STATE_EVERY_NS: Final = 600 * NS_PER_SECOND


class _DataFault(NamedTuple):
    """A change of a leg's data quality: the input of the table's conditions and moves."""

    state: DivergenceState
    is_at_fault: bool
    at_ns: int
    rule: Rule
    was_flapping: bool

    # -- conditions ---------------------------------------------------------------------------------------

    def always(self) -> bool:
        return True

    def data_at_fault(self) -> bool:
        return self.is_at_fault

    # -- moves --------------------------------------------------------------------------------------------

    def change_nothing(self) -> Decision:
        return keep(self.state)

    def open(self) -> Decision:
        warning = Severity.WARNING
        opened = to_open(
            self.state,
            onset=format_rfc3339(self.at_ns),
            at_ns=self.at_ns,
            severity=warning,
            confirmed=warning,
            rule=self.rule,
        )
        return report(opened, Transition.OPEN)

    def close(self) -> Decision:
        return close_unless_flapping(self.state, self.rule, was_flapping=self.was_flapping)


# fmt: off
TABLE: Final = DecisionTable(
    #   situation             condition                 move                        # transition
    Row((Situation.IDLE,),    _DataFault.data_at_fault, _DataFault.open),           # open
    Row((Situation.WARNING,), _DataFault.data_at_fault, _DataFault.change_nothing), # -
    # Flapping: revised once, then held open and counted.
    Row((Situation.WARNING,), _DataFault.always,        _DataFault.close),          # closed
)
# fmt: on


def decide_on_data_fault(state: DivergenceState, is_at_fault: bool, *, at_ns: int, rule: Rule) -> Decision:
    """Decide about the data fault of a leg when its data become, or stop being, untrustworthy."""
    was_flapping, was_at_fault = state.is_flapping, bool(state.recent_states & 1)
    if is_at_fault == was_at_fault:
        return keep(state)
    state = _record_change(state, is_at_fault, at_ns)
    return TABLE.decide(situation_of(state), _DataFault(state, is_at_fault, at_ns, rule, was_flapping))


def decide_on_correction(state: DivergenceState, *, at_ns: int, rule: Rule) -> tuple[Decision, Decision]:
    """Decide about a correction of a close: a fault that opens and closes at one instant."""
    return open_and_close(state, onset=format_rfc3339(at_ns), at_ns=at_ns, rule=rule)


def settled_at_ns(state: DivergenceState) -> int | None:
    """Return when a divergence that is held open only because it flaps will end; None for any other."""
    if state.phase is not Phase.OPEN or state.recent_states & 1:
        return None
    return state.state_recorded_at_ns + states_until_settled(state.recent_states) * _STATE_EVERY_NS


def decide_on_settled(state: DivergenceState, *, at_ns: int, rule: Rule) -> Decision:
    """End a divergence at `settled_at_ns`."""
    times = (at_ns - state.state_recorded_at_ns) // _STATE_EVERY_NS
    settled = replace(
        state,
        recent_states=with_state(state.recent_states, False, times=times),
        state_recorded_at_ns=at_ns,
        is_flapping=False,
    )
    return end(settled, Transition.CLOSED, rule)


def _record_change(state: DivergenceState, is_at_fault: bool, at_ns: int) -> DivergenceState:
    recent, since_ns = state.recent_states, at_ns - state.state_recorded_at_ns
    if recent:
        recent = with_state(recent, bool(recent & 1), times=since_ns // _STATE_EVERY_NS)
    recent = with_state(recent, is_at_fault)
    return replace(
        state,
        recent_states=recent,
        state_recorded_at_ns=at_ns,
        is_flapping=is_flapping(recent, was_flapping=state.is_flapping),
    )
