"""Daily closes of the simulated pair: two legs whose ratio wanders around a level and reverts to it.

With ``x = ln(gold / iwm)`` an AR(1), its step is split between the legs and both share a second factor,
so that their returns are weakly correlated while their ratio stays in a band.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Levels of early 2025, so that the numbers look familiar.
_GOLD_USD: Final = 2_900.0
_IWM_USD: Final = 205.0
_RATIO_STD: Final = 0.010
_RATIO_MEMORY: Final = 0.8
_SHARED_STD: Final = 0.006
_SHARED_DRIFT: Final = 0.0003
WINDOW: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Where the log ratio of the last 90 closes lies."""

    mean: float
    std: float


class DailyCloses:
    """The closes of both legs so far, and the prices that lead to a wanted z-score.

    Parameters
    ----------
    rng
        Source of the randomness.
    sessions
        How many closes of history to make, at least 90.
    """

    def __init__(self, rng: np.random.Generator, *, sessions: int) -> None:
        self._rng = rng
        self.gold, self.iwm = _history(rng, sessions)

    def band(self) -> Band:
        """Return mean and standard deviation (``ddof=1``) of the last 90 log ratios."""
        ratios = np.log(np.array(self.gold[-WINDOW:]) / np.array(self.iwm[-WINDOW:]))
        return Band(mean=float(ratios.mean()), std=float(ratios.std(ddof=1)))

    def gold_at(self, z: float) -> float:
        """Return the log price of gold at which the live z-score is ``z``, IWM being at its last close."""
        band = self.band()
        return float(np.log(self.iwm[-1])) + band.mean + z * band.std

    def next_iwm(self, gold_return: float) -> float:
        """Return IWM's next close in USD: it moves slightly against a large move of gold."""
        drawn = self._rng.normal(_SHARED_DRIFT, 0.003) - 0.08 * gold_return
        return round(self.iwm[-1] * float(np.exp(np.clip(drawn, -0.006, 0.006))), 2)

    def commit(self, *, gold: float, iwm: float) -> None:
        """Add a session's closes."""
        self.gold.append(gold)
        self.iwm.append(iwm)


def _history(rng: np.random.Generator, sessions: int) -> tuple[list[float], list[float]]:
    ratio = np.zeros(sessions)
    step_std = _RATIO_STD * np.sqrt(1 - _RATIO_MEMORY**2)
    for i in range(1, sessions):
        ratio[i] = _RATIO_MEMORY * ratio[i - 1] + rng.normal(0.0, step_std)
    # The last sessions return to the middle of the band: the simulation starts calm.
    fade = min(5, sessions)
    ratio[-fade:] *= np.linspace(1.0, 0.2, fade)
    shared = np.cumsum(rng.normal(_SHARED_DRIFT, _SHARED_STD, sessions))
    gold, iwm = shared + ratio / 2, shared - ratio / 2
    return (
        [round(price, 2) for price in (_GOLD_USD * np.exp(gold - gold[-1])).tolist()],
        [round(price, 2) for price in (_IWM_USD * np.exp(iwm - iwm[-1])).tolist()],
    )
