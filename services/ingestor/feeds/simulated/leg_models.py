"""How the further legs of the simulated market move: with the main pair's legs, and by a part of their own.

``ln price = w ln gold + (1 − w) ln other + x`` with ``x`` an Ornstein-Uhlenbeck process: it wanders and
reverts to zero, so that the ratio to gold stays in a band as the main pair's does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.domain.instants import NS_PER_SECOND

_MEMORY_NS: Final = 5 * 86_400 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class LegModel:
    """The parameters of a leg.

    Parameters
    ----------
    price_usd
        Where its history ends, roughly.
    gold_weight
        ``w``: its share in gold's moves, 0 to 1; ``1 − w`` is its share in the other leg's moves.
    own_std
        Standard deviation of ``x``, in logs.
    """

    price_usd: float
    gold_weight: float
    own_std: float


# Levels of early 2025, so that the numbers look familiar.
_MODELS: Final = {
    "SPY": LegModel(price_usd=560.0, gold_weight=0.15, own_std=0.008),
    "QQQ": LegModel(price_usd=480.0, gold_weight=0.1, own_std=0.012),
    "TLT": LegModel(price_usd=91.0, gold_weight=0.6, own_std=0.010),
    "SLV": LegModel(price_usd=30.0, gold_weight=0.9, own_std=0.020),
    "BTC/USD": LegModel(price_usd=83_000.0, gold_weight=0.5, own_std=0.030),
}
_ANY: Final = LegModel(price_usd=100.0, gold_weight=0.5, own_std=0.015)


def leg_model(instrument: str) -> LegModel:
    """Return the parameters of an instrument; average ones if it is not known.

    Examples
    --------
    >>> leg_model("BTC/USD.SIMULATED").price_usd
    83000.0
    """
    return _MODELS.get(instrument.rpartition(".")[0], _ANY)


class OrnsteinUhlenbeck:
    """The leg's own part ``x``, exact at any instant.

    Parameters
    ----------
    std
        Of ``x``, in logs.
    start_ns
        Event time of the first draw.
    """

    def __init__(self, rng: np.random.Generator, *, std: float, start_ns: int) -> None:
        self._rng = rng
        self._std = std
        self._at_ns = start_ns
        self._x = float(rng.normal(0.0, std))

    def at(self, ts_ns: int) -> float:
        """Return ``x`` at an instant that is not before the last one."""
        memory = float(np.exp(-(ts_ns - self._at_ns) / _MEMORY_NS))
        shock = self._std * float(np.sqrt(1 - memory**2))
        self._x = memory * self._x + shock * float(self._rng.standard_normal())
        self._at_ns = ts_ns
        return self._x

    def compensate(self, step: float) -> None:
        """Subtract a jump of the leg's other parts, so that its price does not jump with them."""
        self._x -= step
