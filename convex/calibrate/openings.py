"""How often a rule opens over synthetic histories, decided by the engine's own lifecycle.

Nearly every close of a history without a change finds nothing open, no cooldown and no memory of flapping,
and opens nothing: those are passed over. Everything else is put before `decide_on_close`, close by close.
"""

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.readings import Readings
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from shared.domain.divergences import Transition


def count_openings(readings: Readings, rule: Rule, *, after: int) -> NDArray[np.int64]:
    """Count the openings of one direction of a kind.

    Parameters
    ----------
    readings
        What the closes of each path say, shape ``(paths, closes)``.
    rule
        Its levels, cooldown and gate decide as they do live.
    after
        So many closes only bring a path into its stride: they are judged, and their openings not counted.

    Returns
    -------
    array
        Openings of each path, shape ``(paths,)``.
    """
    # What cannot open from rest; not a number is below every level.
    could_open = readings.can_open & (readings.x >= rule.warning)
    return np.array(
        [_of_path(readings, path, np.flatnonzero(row), rule, after) for path, row in enumerate(could_open)],
        dtype=np.int64,
    )


def _of_path(readings: Readings, path: int, starts: NDArray[np.intp], rule: Rule, after: int) -> int:
    x, leave_value, can_open = readings.x[path], readings.leave_value[path], readings.can_open[path]
    count = at = 0
    for start in starts.tolist():
        if start < at:
            continue
        at, life, is_over = start, DivergenceState(), False
        while not is_over and at < x.size:
            reading = (
                Observation(x=float(x[at]), leave_value=float(leave_value[at]), can_open=bool(can_open[at]))
                if np.isfinite(x[at])
                else None
            )
            step = decide_on_close(
                life, reading, session=str(at), close_ns=at, at_ns=at, rule=rule, new_sessions=1
            )
            count += step.transition is Transition.OPEN and at >= after
            life = step.state
            at += 1
            # Nothing is open, cooling down or remembered: what comes next is judged as from the start.
            is_over = life == DivergenceState(last_onset=life.last_onset)
    return count
