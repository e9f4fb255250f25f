"""How often a rule opens over synthetic histories, decided by the state machine that the engine uses.

At nearly every close of such a history nothing is open, no cooldown runs, no recent state is kept for
flapping, and nothing opens. Those closes are skipped; `decide_on_close` decides all others.
"""

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.observations import Observations
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from shared.domain.divergences import Transition


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
    # The closes at which a rule can open when nothing is open; not a number is below every level.
    could_open = observations.can_open & (observations.x >= rule.warning)
    starts = (np.flatnonzero(row).tolist() for row in could_open)
    return np.array(
        [_of_path(_path(observations, path), at, rule, after) for path, at in enumerate(starts)],
        dtype=np.int64,
    )


def _path(observations: Observations, path: int) -> Observations:
    return Observations(
        x=observations.x[path],
        leave_value=observations.leave_value[path],
        can_open=observations.can_open[path],
    )


def _of_path(path: Observations, starts: list[int], rule: Rule, after: int) -> int:
    count = at = 0
    for start in starts:
        if start < at:
            continue
        at, state, is_over = start, DivergenceState(), False
        while not is_over and at < path.x.size:
            decision = decide_on_close(
                state, _at(path, at), session=str(at), close_ns=at, at_ns=at, rule=rule, new_sessions=1
            )
            count += decision.transition is Transition.OPEN and at >= after
            state = decision.state
            at += 1
            # Nothing is open, no cooldown runs and no recent state is kept: skip to the next start.
            is_over = state == DivergenceState(last_onset=state.last_onset)
    return count


def _at(path: Observations, at: int) -> Observation | None:
    x = float(path.x[at])
    if not np.isfinite(x):
        return None
    return Observation(x=x, leave_value=float(path.leave_value[at]), can_open=bool(path.can_open[at]))
