"""What a fault of a leg's data does.

============ ================================ =============== ====================
phase        condition                        becomes         transition
============ ================================ =============== ====================
IDLE         the leg is at fault              OPEN            open
OPEN         it is at fault                   OPEN            -
OPEN         it no longer is                  IDLE            closed
OPEN         it no longer is, begins to flap  OPEN, held      revised
OPEN         it no longer is, flapping        OPEN, held      - (flapping)
OPEN, held   settled                          IDLE            closed
============ ================================ =============== ====================

A fault comes and goes at any time, so its state is noted at each change and for each ten minutes of event
time without one: a feed that drops once a day does not flap, one that drops every minute does.
"""

from dataclasses import replace
from typing import Final

from services.signals.core.divergence.flapping import flaps, noted, states_until_settled
from services.signals.core.divergence.on_change import by_change
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Phase,
    Suppressed,
    end,
    opened,
    tell,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339

_STATE_EVERY_NS: Final = 600 * NS_PER_SECOND


def by_fault(life: DivergenceState, is_at_fault: bool, *, at_ns: int, rule: Rule) -> Decision:
    """Judge whether a leg's data can be trusted now."""
    was_flapping, was_at_fault = life.is_flapping, bool(life.recent_states & 1)
    if is_at_fault == was_at_fault:
        return Decision(life=life)
    life = _noted(life, is_at_fault, at_ns)
    if is_at_fault:
        if life.phase is Phase.OPEN:
            return Decision(life=life)
        warning = Severity.WARNING
        begun = opened(
            life, onset=format_rfc3339(at_ns), at_ns=at_ns, severity=warning, confirmed=warning, rule=rule
        )
        return tell(begun, Transition.OPEN)
    if not life.is_flapping:
        return end(life, Transition.CLOSED, rule)
    if not was_flapping:
        return tell(life, Transition.REVISED)
    return Decision(life=life, suppressed=Suppressed.FLAPPING)


def by_revision(life: DivergenceState, *, at_ns: int, rule: Rule) -> tuple[Decision, ...]:
    """Judge a correction of a close: a fault that is over in the instant in which it is seen."""
    return by_change(life, onset=format_rfc3339(at_ns), at_ns=at_ns, rule=rule, is_inhibited=False)


def settled_at_ns(life: DivergenceState) -> int | None:
    """Return when a divergence that is only held open by flapping ends; None when there is none."""
    if life.phase is not Phase.OPEN or life.recent_states & 1:
        return None
    return life.state_recorded_at_ns + states_until_settled(life.recent_states) * _STATE_EVERY_NS


def by_settling(life: DivergenceState, *, at_ns: int, rule: Rule) -> Decision:
    """End a divergence at `settled_at_ns`."""
    times = (at_ns - life.state_recorded_at_ns) // _STATE_EVERY_NS
    states = noted(life.recent_states, False, times=times)
    return end(
        replace(life, recent_states=states, state_recorded_at_ns=at_ns, is_flapping=False),
        Transition.CLOSED,
        rule,
    )


def _noted(life: DivergenceState, is_at_fault: bool, at_ns: int) -> DivergenceState:
    states, since_ns = life.recent_states, at_ns - life.state_recorded_at_ns
    if states:
        states = noted(states, bool(states & 1), times=since_ns // _STATE_EVERY_NS)
    states = noted(states, is_at_fault)
    return replace(
        life,
        recent_states=states,
        state_recorded_at_ns=at_ns,
        is_flapping=flaps(states, was_flapping=life.is_flapping),
    )
