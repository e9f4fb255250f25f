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
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import last_pairs

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
    parts = _parts(size, max_lag)
    deviations = _centred_rows(np.concatenate(pairs).take(parts.places), parts)
    x, y = deviations
    squares = np.add.reduce(deviations * deviations, axis=2)
    # One root of the product, as in `clamped_ratio`.
    scale = np.sqrt(squares[0] * squares[1])
    is_defined = scale > 0.0
    if not is_defined.any():
        return None
    correlations = np.zeros(scale.size)
    np.divide(np.add.reduce(x * y, axis=1), scale, out=correlations, where=is_defined)
    sizes = np.where(is_defined, np.abs(correlations), -1.0)
    best = int((sizes >= sizes.max() - _TIE).argmax())
    lag, correlation = parts.lags[best], max(-1.0, min(1.0, float(correlations[best])))
    return LeadLag(lag=lag, correlation=correlation, band=1.96 / math.sqrt(size - abs(lag)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Which places of either leg are compared at which lag, one row a lag; the other leg's follow the lead's.

    Every row of ``places`` is as long as the window; what lies beyond the ``counts`` pairs of its lag is
    there to make it so, and is 0 in ``inside``.
    """

    lags: list[int]
    places: NDArray[np.int64]
    counts: NDArray[np.int64]
    inside: NDArray[np.float64]


@lru_cache(maxsize=16)
def _parts(size: int, max_lag: int) -> _Parts:
    # In order of preference, so that the first of those tied is the answer.
    lags = sorted(range(-max_lag, max_lag + 1), key=lambda lag: (abs(lag), lag < 0))
    rows, steps = np.array(lags)[:, None], np.arange(size)
    counts = size - np.abs(rows)
    inside = steps < counts
    first_a, first_b = np.maximum(-rows, 0), np.maximum(rows, 0)
    return _Parts(
        lags=lags,
        places=np.stack(
            (np.where(inside, first_a + steps, first_a), size + np.where(inside, first_b + steps, first_b))
        ),
        counts=counts,
        inside=inside.astype(np.float64),
    )


def _centred_rows(rows: NDArray[np.float64], parts: _Parts) -> NDArray[np.float64]:
    # Each row's own first value is its origin, so that a row that is flat is exactly 0; and so are the
    # places beyond its end, which repeat that value.
    deviations = rows - rows[:, :, :1]
    deviations -= np.add.reduce(deviations, axis=2, keepdims=True) / parts.counts
    deviations *= parts.inside
    return deviations
