"""How often the regime changes over many histories, decided by the engine's own step."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.memoised_steps import MemoisedSteps
from services.signals.core.statistics.regime import ENTER, LEAVE, START, RegimeState, next_regime
from services.signals.core.statistics.rolling import Floats

# One z-score for each range between the levels that the step compares it with.
_PLACES: Final = (0.0, LEAVE, ENTER, -LEAVE, -ENTER)
_UNDEFINED: Final = len(_PLACES)
# Beyond as many sessions since the last change, their number no longer matters.
_SETTLED: Final = 10


class _Reported(NamedTuple):
    """The regime, and the one that the engine has reported or first seen."""

    regime: RegimeState
    name: str | None


def count_regime_changes(zscores: Floats, *, after: int) -> NDArray[np.int64]:
    """Count the regime changes that the engine would report.

    Parameters
    ----------
    zscores
        ``z_90`` at each close of each path, shape ``(paths, closes)``; not a number is undefined.
    after
        Changes at the first ``after`` closes of a path are not counted, though they are decided.

    Returns
    -------
    array
        Changes of each path, both directions together, shape ``(paths,)``.

    Examples
    --------
    The first regime is seen, not reported; the next change waits for the third session:

    >>> count_regime_changes(np.array([[0.0, 1.2, 0.0, 0.0, 0.0, -1.5]]), after=0)
    array([2])
    """
    size = np.abs(zscores)
    symbols = (size >= LEAVE).astype(np.uint8) + (size >= ENTER)
    symbols += 2 * ((zscores <= -LEAVE).astype(np.uint8))
    symbols[np.isnan(zscores)] = _UNDEFINED
    every = np.ones(symbols.shape, dtype=np.uint8)
    opened = (
        _steps().opened_at(path.tobytes(), may_open=may_open.tobytes())
        for path, may_open in zip(symbols, every, strict=True)
    )
    return np.array([sum(at >= after for at in each) for each in opened], dtype=np.int64)


@lru_cache(maxsize=1)
def _steps() -> MemoisedSteps[_Reported]:
    return MemoisedSteps(_Reported(START, None), _step, key_of=_key_of, symbols=_UNDEFINED + 1)


def _step(before: _Reported, symbol: int) -> tuple[_Reported, bool]:
    regime = next_regime(before.regime, None if symbol == _UNDEFINED else _PLACES[symbol])
    # The engine reports a regime that has a name and differs from the one it reported last.
    name = before.name if regime.name is None else regime.name
    return _Reported(regime, name), before.name is not None and name != before.name


def _key_of(state: _Reported) -> tuple[object, ...]:
    regime = state.regime
    return regime.name, regime.suspended, min(regime.sessions_since_change, _SETTLED), state.name
