"""What a divergence is when event time was too far and goes back.

What was reported stays reported. A divergence that opened at a time that had not come ends; if its level
holds, it opens again. What is measured is measured from the instant that event time goes back to, and the
cooldown of an end that came too early does not hold back the opening that makes up for it.
"""

from dataclasses import replace

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Decision, DivergenceState, Phase, end
from shared.domain.divergences import Transition


def opened_after(state: DivergenceState, at_ns: int) -> bool:
    """Return whether a divergence is open that opened after an instant."""
    return state.phase is Phase.OPEN and state.opened_at_ns > at_ns


def decide_on_undone_opening(state: DivergenceState, rule: Rule) -> Decision:
    """End a divergence that opened at a time that had not come; it begins no cooldown."""
    ended = end(state, Transition.CLOSED, rule)
    after = replace(ended.state, cooldown_sessions_left=0, cooldown_provisional_only=False)
    return replace(ended, state=after)


def undone_after(state: DivergenceState, at_ns: int) -> DivergenceState:
    """Return a state without what is after an instant.

    Examples
    --------
    >>> undone_after(DivergenceState(warning_since_ns=9, ended_at_ns=8, cooldown_sessions_left=5), 7)
    DivergenceState(..., warning_since_ns=7, ..., cooldown_sessions_left=0, ..., ended_at_ns=0)
    >>> state = DivergenceState(warning_since_ns=6)
    >>> undone_after(state, 7) is state
    True
    """
    warning_since_ns, critical_since_ns = (
        since_ns if since_ns is None else min(since_ns, at_ns)
        for since_ns in (state.warning_since_ns, state.critical_since_ns)
    )
    ended_early = state.ended_at_ns > at_ns
    undone = replace(
        state,
        warning_since_ns=warning_since_ns,
        critical_since_ns=critical_since_ns,
        opened_at_ns=min(state.opened_at_ns, at_ns),
        state_recorded_at_ns=min(state.state_recorded_at_ns, at_ns),
        ended_at_ns=0 if ended_early else state.ended_at_ns,
        cooldown_sessions_left=0 if ended_early else state.cooldown_sessions_left,
        cooldown_provisional_only=state.cooldown_provisional_only and not ended_early,
    )
    return state if undone == state else undone
