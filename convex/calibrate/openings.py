"""How often a rule with levels opens over many histories, decided by the engine's own state machine.

The machine compares a statistic with the levels of its rule, and nothing else about it matters. So each close
becomes a symbol for these comparisons, and `MemoisedSteps` asks the machine once about each state and symbol.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.memoised_steps import MemoisedSteps
from convex.calibrate.observations import Observations
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from shared.domain.divergences import Kind, Transition

_WARNING, _CRITICAL, _LEAVE = 2.0, 3.0, 1.0
# A statistic below the warning level, at it, between the levels, and at critical.
_PLACES: Final = (_WARNING - 0.5, _WARNING, _WARNING + 0.5, _CRITICAL)
_UNDEFINED: Final = 4 * len(_PLACES)


def count_openings(observations: Observations, rule: Rule, *, after: int) -> NDArray[np.int64]:
    """Count the openings of one direction of a kind.

    Parameters
    ----------
    observations
        Of each close of each path, shape ``(paths, closes)``.
    rule
        Its levels, cooldown and further conditions apply as they do live.
    after
        Openings at the first ``after`` closes of a path are not counted, though they are decided.

    Returns
    -------
    array
        Openings of each path, shape ``(paths,)``.
    """
    return np.array(
        [sum(at >= after for at in each) for each in find_openings(observations, rule)], dtype=np.int64
    )


def find_openings(observations: Observations, rule: Rule) -> list[list[int]]:
    """Return the closes of each path at which one direction of a kind opens, ascending.

    Parameters
    ----------
    observations
        Of each close of each path, shape ``(paths, closes)``.
    rule
        Its levels, cooldown and further conditions apply as they do live.
    """
    x, can_open = observations.x, observations.can_open
    # No comparison with not a number holds.
    reached = x >= rule.warning
    place = reached.astype(np.uint8) + (x > rule.warning) + (x >= rule.critical)
    has_left = (observations.leave_value <= rule.leave).astype(np.uint8)
    symbols = (place << 2) + (has_left << 1) + can_open
    symbols[~np.isfinite(x)] = _UNDEFINED
    may_open = (reached & can_open & np.isfinite(x)).astype(np.uint8)
    steps = _steps(rule.cooldown_sessions)
    return [
        steps.opened_at(path.tobytes(), may_open=starts.tobytes())
        for path, starts in zip(symbols, may_open, strict=True)
    ]


# Of one run: a command compares few cooldowns.
@lru_cache(maxsize=4)
def _steps(cooldown_sessions: int) -> MemoisedSteps[DivergenceState]:
    """Return the machine's answers for every rule with this cooldown: one set of levels stands for all."""
    rule = Rule(
        kind=Kind.CORRELATION_BREAK,
        warning=_WARNING,
        critical=_CRITICAL,
        leave=_LEAVE,
        cooldown_sessions=cooldown_sessions,
    )

    def step(state: DivergenceState, symbol: int) -> tuple[DivergenceState, bool]:
        decision = decide_on_close(
            state, _observation(symbol), session="", close_ns=0, at_ns=0, rule=rule, new_sessions=1
        )
        return decision.state, decision.transition is Transition.OPEN

    return MemoisedSteps(DivergenceState(), step, key_of=_key_of, symbols=_UNDEFINED + 1)


def _observation(symbol: int) -> Observation | None:
    """Return values that compare with the levels as the symbol says."""
    if symbol == _UNDEFINED:
        return None
    place, has_left, can_open = symbol >> 2, symbol >> 1 & 1, symbol & 1
    return Observation(
        x=_PLACES[place], leave_value=_LEAVE if has_left else _WARNING, can_open=bool(can_open)
    )


def _key_of(state: DivergenceState) -> tuple[object, ...]:
    """Return everything of a state but when it opened, its names and its counts: no decision reads them."""
    return (
        state.phase,
        state.severity,
        state.confirmed_severity,
        state.is_muted,
        state.cooldown_sessions_left,
        state.cooldown_provisional_only,
        state.recent_states,
        state.is_flapping,
    )
