"""What a close does to a divergence (confirmed; ``W`` warning, ``C`` critical, ``L`` leave).

``x`` is the statistic, signed so that it grows with the divergence; ``e`` is what is held against ``L``, for
most kinds the same. "Opens" means that ``x`` and the kind's other conditions hold.

======================== ======================================== ==================== ==============
phase                    condition                                becomes              transition
======================== ======================================== ==================== ==============
IDLE, PENDING            opens at W, a leg's data at fault        same                 - (inhibited)
IDLE, PENDING            opens at W, in a cooldown, not at C      same                 - (cooldown)
IDLE, PENDING            opens at W                               OPEN, confirmed      open
OPEN provisional         x >= W                                   OPEN, confirmed      revised
OPEN provisional         x < W, opened by that close              IDLE, cooldown       not_confirmed
OPEN provisional         x < W, opened after that close           OPEN, provisional    -
OPEN confirmed           e <= L, begins to flap                   OPEN, held           revised
OPEN confirmed           e <= L, flapping                         OPEN, held           - (flapping)
OPEN confirmed           e <= L                                   IDLE, cooldown       closed
OPEN warning             opens at C, a leg's data at fault        same                 - (inhibited)
OPEN warning             opens at C                               OPEN critical        escalated
OPEN critical            x <= W                                   OPEN warning         eased
OPEN critical by price   x >= C                                   OPEN critical        revised
OPEN critical by price   x < C                                    OPEN warning         eased
OPEN                     x is None                                same                 - (undefined)
IDLE, PENDING            x is None                                same                 -
PENDING, muted           the cooldown is over                     IDLE                 -
======================== ======================================== ==================== ==============

After the end of a divergence that no close had confirmed the cooldown holds back provisional openings only:
an early warning that failed must not cost a confirmed one.
"""

from dataclasses import replace

from services.signals.core.divergence.flapping import flaps, noted
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import (
    Decision,
    DivergenceState,
    Observation,
    Phase,
    Suppressed,
    end,
    idle,
    opened,
    severity_at,
    tell,
)
from shared.domain.divergences import Severity, Transition
from shared.domain.instants import format_rfc3339


def by_close(
    life: DivergenceState,
    reading: Observation | None,
    *,
    session: str,
    close_ns: int,
    at_ns: int,
    rule: Rule,
    new_sessions: int,
    is_inhibited: bool = False,
) -> Decision:
    """Judge the statistic of a committed session.

    Parameters
    ----------
    reading
        What that session says; None is undefined.
    close_ns
        The session's close: an early warning from after it waits for the next one.
    at_ns
        Event time from which both legs' bars may be used.
    new_sessions
        Sessions that have passed since the last judgement, this one included: so much of a cooldown is over.
        0 when a known session is judged again after a correction.
    is_inhibited
        A leg's data are at fault: nothing opens or escalates on them.
    """
    if life.cooldown_sessions_left > 0:
        life = replace(life, cooldown_sessions_left=max(0, life.cooldown_sessions_left - new_sessions))
        if life.cooldown_sessions_left == 0 and life.is_muted:
            # The next price starts to be held anew: a level held in a cooldown is old news.
            life = idle(life)
    if reading is None:
        return Decision(life=life, suppressed=Suppressed.UNDEFINED if life.phase is Phase.OPEN else None)
    was_flapping = life.is_flapping
    if new_sessions > 0:
        life = _noted(life, reading, rule)
    if life.phase is not Phase.OPEN:
        # A session may have opened one already: what its correction opens is another, with its own onset.
        onset = session if new_sessions > 0 else format_rfc3339(at_ns)
        return _while_idle(life, reading, onset=onset, at_ns=at_ns, rule=rule, is_inhibited=is_inhibited)
    if life.confirmed_severity is None:
        return _while_provisional(life, reading.x, close_ns=close_ns, rule=rule)
    if reading.leave_value <= rule.leave:
        if not life.is_flapping:
            return end(life, Transition.CLOSED, rule)
        if not was_flapping:
            return tell(life, Transition.REVISED)
        return Decision(life=life, suppressed=Suppressed.FLAPPING)
    return _while_confirmed(life, reading, rule=rule, is_inhibited=is_inhibited)


def restate(life: DivergenceState) -> Decision:
    """Tell an open, confirmed divergence again, because the data it stands on were corrected."""
    return tell(life, Transition.REVISED)


def _noted(life: DivergenceState, reading: Observation, rule: Rule) -> DivergenceState:
    """Note what the state would be if nothing held it back."""
    if life.recent_states & 1:
        is_open = reading.leave_value > rule.leave
    else:
        is_open = reading.can_open and reading.x >= rule.warning
    states = noted(life.recent_states, is_open)
    if not states and not life.recent_states:
        return life
    return replace(life, recent_states=states, is_flapping=flaps(states, was_flapping=life.is_flapping))


def _while_idle(
    life: DivergenceState, reading: Observation, *, onset: str, at_ns: int, rule: Rule, is_inhibited: bool
) -> Decision:
    if reading.x < rule.warning or not reading.can_open:
        return Decision(life=life)
    if is_inhibited:
        return Decision(life=life, suppressed=Suppressed.INHIBITED)
    severity = severity_at(reading.x, rule)
    is_cooling = life.cooldown_sessions_left > 0 and not life.cooldown_provisional_only
    if is_cooling and severity is Severity.WARNING:
        return Decision(life=life, suppressed=Suppressed.COOLDOWN)
    begun = opened(life, onset=onset, at_ns=at_ns, severity=severity, confirmed=severity, rule=rule)
    return tell(begun, Transition.OPEN)


def _while_provisional(life: DivergenceState, x: float, *, close_ns: int, rule: Rule) -> Decision:
    if x >= rule.warning:
        return tell(_confirmed(life, severity_at(x, rule)), Transition.REVISED)
    if life.opened_at_ns <= close_ns:
        return end(life, Transition.NOT_CONFIRMED, rule)
    return Decision(life=life)


def _while_confirmed(
    life: DivergenceState, reading: Observation, *, rule: Rule, is_inhibited: bool
) -> Decision:
    x = reading.x
    is_critical = x >= rule.critical
    if life.severity is Severity.WARNING:
        if is_critical and reading.can_open:
            if is_inhibited:
                return Decision(life=life, suppressed=Suppressed.INHIBITED)
            return tell(_confirmed(life, Severity.CRITICAL), Transition.ESCALATED)
        return Decision(life=life)
    if life.confirmed_severity is Severity.CRITICAL:
        if x <= rule.warning:
            return tell(_confirmed(life, Severity.WARNING), Transition.EASED)
        return Decision(life=life)
    if is_critical:
        return tell(_confirmed(life, Severity.CRITICAL), Transition.REVISED)
    return tell(_confirmed(life, Severity.WARNING), Transition.EASED)


def _confirmed(life: DivergenceState, severity: Severity) -> DivergenceState:
    return replace(life, severity=severity, confirmed_severity=severity, critical_since_ns=None)
