"""Which leg moves first.

===== ======================== =============
lag   pairs compared           reading
===== ======================== =============
L > 0 ``a[t]`` and ``b[t+L]``  gold leads
L = 0 ``a[t]`` and ``b[t]``    together
L < 0 ``a[t]`` and ``b[t-|L|]`` IWM leads
===== ======================== =============
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import last_pairs, pair_moments

# Correlations closer than this are equal but for rounding: legs that repeat themselves tie for real,
# and the order of the additions must not pick the lag.
_TIE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLag:
    """The lag (sessions) with the largest absolute correlation, that correlation, and its noise band.

    ``correlation`` is inside ``±band`` for 95 % of unrelated legs at a lag chosen beforehand.
    """

    lag: int
    correlation: float
    band: float


def lead_lag(
    a: NDArray[np.float64], b: NDArray[np.float64], size: int = 120, max_lag: int = 10
) -> LeadLag | None:
    """Find the lag with the largest ``|corr(a[t], b[t+lag])|`` inside the last ``size`` pairs.

    Parameters
    ----------
    a, b
        Aligned returns of gold and IWM in session order, shape ``(n,)`` each; finite.
    size
        Pairs in the window; ``size - |lag|`` of them are compared at each lag.
    max_lag
        Largest lag tried on either side, in sessions, 0..``size - 2``.

    Returns
    -------
    LeadLag or None
        Positive lag: gold leads. Ties go to the smallest ``|lag|``, then to the positive one. A lag
        at which a leg's part of the window is flat is passed over. None with fewer than ``size``
        pairs, or when every lag was passed over (a flat leg).

    Raises
    ------
    ValueError
        If the shapes differ or ``max_lag`` is outside 0..``size - 2``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> shocks = rng.normal(size=130)
    >>> gold, iwm = shocks[3:], -shocks[:-3]
    >>> found = lead_lag(gold, iwm)
    >>> found.lag, round(found.correlation, 9), round(found.band, 4)
    (3, -1.0, 0.1812)

    Legs that only swing to and fro match at every lag; the simplest reading wins:

    >>> swing = np.tile([1.0, -1.0], 60)
    >>> lead_lag(swing, swing).lag
    0
    """
    if not 0 <= max_lag <= size - 2:
        raise ValueError(f"max_lag must be in 0..{size - 2} for a window of {size}, was {max_lag}")
    pairs = last_pairs(a, b, size)
    if pairs is None:
        return None
    found: list[tuple[int, float]] = []
    # In order of preference, so that the first of those tied is the answer.
    for lag in sorted(range(-max_lag, max_lag + 1), key=lambda lag: (abs(lag), lag < 0)):
        correlation = _correlation_at(*pairs, lag)
        if correlation is not None:
            found.append((lag, correlation))
    if not found:
        return None
    largest = max(abs(correlation) for _, correlation in found)
    lag, correlation = next(each for each in found if abs(each[1]) >= largest - _TIE)
    return LeadLag(lag=lag, correlation=correlation, band=1.96 / math.sqrt(size - abs(lag)))


def _correlation_at(a: NDArray[np.float64], b: NDArray[np.float64], lag: int) -> float | None:
    if lag >= 0:
        return pair_moments(a[: a.size - lag], b[lag:]).correlation
    return pair_moments(a[-lag:], b[: b.size + lag]).correlation
