"""Standard deviations, z-scores and correlations of every window of a series at once.

They serve where the whole series is known: the outcomes of a filled history, and the calibration's synthetic
histories. The statistics of an event come from the estimators of one window, in ``correlation`` and
``moments``; the two agree to 1e-9.

The moments of a window are merged from those of its two halves, the moments of the halves from those of their
halves, and so on. That costs ``O(n log(size))`` instead of ``O(n size)``, and it never subtracts an old value
from a sum, so a bad value leaves no trace in the windows after it.

The last axis of every series is time. The result of a window stands at the position of the window's first
value. **NaN is undefined**, because an array has no None; no comparison with NaN holds.

References
----------
Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician
37(3), 242-247: how to merge the moments of two parts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.correlation import (
    LARGEST_IMPERFECT,
    LEAST_EFFECTIVE_SIZE,
    NORMAL_975,
)
from services.signals.core.statistics.moments import LEAST_SIZE
from services.signals.core.statistics.zscore import FLAT_STD

Floats = NDArray[np.float64]

_X, _Y = 0, 1
_PRODUCTS: Final = ((_X, _X), (_Y, _Y), (_X, _Y))


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingCorrelation:
    """The Pearson correlation of each window, and how many independent pairs the window is worth.

    Parameters
    ----------
    correlation, effective_size
        Shape ``(..., n - size + 1)``; NaN where a leg is flat.
    """

    correlation: Floats
    effective_size: Floats


def rolling_std(x: Floats, size: int) -> Floats:
    """Compute the standard deviation (``ddof=1``) of each window.

    Parameters
    ----------
    x
        Shape ``(..., n)``; finite.
    size
        Values in a window, at least 2.

    Returns
    -------
    array
        Shape ``(..., n - size + 1)``, empty with fewer than ``size`` values; exactly 0 where all are equal.

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> rolling_std(np.array([2.0, 4.0, 6.0, 6.0, 6.0]), 3).round(4)
    array([2.    , 1.1547, 0.    ])
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    (squares,) = _moments((x,), ((_X, _X),), size).products
    deviation: Floats = np.sqrt(squares / (size - 1))
    return deviation


def rolling_zscore(x: Floats, size: int) -> Floats:
    """Compute each value's z-score against the ``size`` values before it, as `zscore` does.

    Parameters
    ----------
    x
        Shape ``(..., n)``; finite.
    size
        Values in a window, at least 2.

    Returns
    -------
    array
        Shape ``(..., n - size)``, empty with fewer values; NaN where the values before are flat.

    Raises
    ------
    ValueError
        If ``size < 2``.

    Examples
    --------
    >>> rolling_zscore(np.array([1.0, 2.0, 3.0, 4.0, 4.0]), 3).round(4)
    array([2., 1.])
    >>> rolling_zscore(np.array([1.0, 1.0, 2.0]), 2)
    array([nan])
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    before = _moments((x[..., :-1],), ((_X, _X),), size)
    (squares,), (mean,) = before.products, before.means
    deviation = np.sqrt(squares / (size - 1))
    deviation[deviation <= FLAT_STD] = np.nan
    z: Floats = (x[..., size:] - mean) / deviation
    return z


def rolling_correlation(x: Floats, y: Floats, size: int) -> RollingCorrelation:
    """Compute `pearson` and `effective_size` of each window.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(..., n)`` each; finite.
    size
        Pairs in a window, at least 4.

    Returns
    -------
    RollingCorrelation
        Empty with fewer than ``size`` pairs.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 4``.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 0.0, 7.0])
    >>> found = rolling_correlation(x, x**2, 4)
    >>> found.correlation.round(4), found.effective_size
    (array([0.9583, 0.9605]), array([4., 4.]))

    A flat leg has no correlation:

    >>> rolling_correlation(x, np.full(5, 0.1), 4).correlation
    array([nan, nan])
    """
    if x.shape != y.shape:
        raise ValueError(f"legs must be of one shape, were {x.shape} and {y.shape}")
    if size < LEAST_EFFECTIVE_SIZE:
        raise ValueError(f"size must be at least {LEAST_EFFECTIVE_SIZE}, was {size}")
    moments = _moments((x, y), _PRODUCTS, size)
    squares_x, squares_y, products = moments.products
    degrees = size - 1
    scale = np.sqrt((squares_x / degrees) * (squares_y / degrees))
    is_flat = scale == 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.clip(products / degrees / scale, -1.0, 1.0)
        persistence = _lag_products(x, moments.means[_X], size) / squares_x
        persistence *= _lag_products(y, moments.means[_Y], size) / squares_y
        worth = size * (1.0 - persistence) / (1.0 + persistence)
    effective = np.clip(worth, LEAST_EFFECTIVE_SIZE, size)
    correlation[is_flat] = effective[is_flat] = np.nan
    return RollingCorrelation(correlation=correlation, effective_size=effective)


def rolling_interval_low(of: RollingCorrelation) -> Floats:
    """Compute the lower end of each correlation's 95 % interval, as `fisher_interval` does.

    Examples
    --------
    >>> found = RollingCorrelation(correlation=np.array([0.5, 1.0]), effective_size=np.array([28.0, 28.0]))
    >>> rolling_interval_low(found).round(4)
    array([0.156, 1.   ])
    """
    r, perfect = of.correlation, _is_perfect(of.correlation)
    low = np.tanh(np.arctanh(np.where(perfect, 0.0, r)) - NORMAL_975 / np.sqrt(of.effective_size - 3.0))
    # The ends of Fisher's scale have a point for an interval.
    return np.where(perfect, r, low)


def rolling_fisher_z(recent: RollingCorrelation, usual: RollingCorrelation) -> Floats:
    """Compute the test of each recent correlation against the usual one of the same session.

    Parameters
    ----------
    recent, usual
        Over a shorter and a longer window of the same returns; both end with the newest session.

    Returns
    -------
    array
        One value for each of ``usual``. NaN also where a correlation is ±1, for Fisher's scale ends there.

    Examples
    --------
    >>> recent = RollingCorrelation(correlation=np.array([0.9, 0.5]), effective_size=np.array([9.0, 7.0]))
    >>> usual = RollingCorrelation(correlation=np.array([0.0]), effective_size=np.array([7.0]))
    >>> rolling_fisher_z(recent, usual).round(4)
    array([0.7768])
    """
    first = recent.correlation.shape[-1] - usual.correlation.shape[-1]
    r_recent, n_recent = recent.correlation[..., first:], recent.effective_size[..., first:]
    r_usual = usual.correlation
    undefined = _is_perfect(r_recent) | _is_perfect(r_usual)
    distance = np.arctanh(np.where(undefined, np.nan, r_recent))
    distance -= np.arctanh(np.where(undefined, np.nan, r_usual))
    z: Floats = distance / np.sqrt(1.0 / (n_recent - 3.0) + 1.0 / (usual.effective_size - 3.0))
    return z


def _is_perfect(correlation: Floats) -> NDArray[np.bool_]:
    perfect: NDArray[np.bool_] = np.abs(correlation) > LARGEST_IMPERFECT
    return perfect


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """The moments of each window.

    Parameters
    ----------
    means
        One array for each series.
    products
        Sums of products of deviations from those means, one array for each pair of series.
    """

    means: tuple[Floats, ...]
    products: tuple[Floats, ...]

    def part(self, begin: int, end: int | None) -> "_Moments":
        """Return the windows of a range of positions."""
        return _Moments(
            means=tuple(each[..., begin:end] for each in self.means),
            products=tuple(each[..., begin:end] for each in self.products),
        )


def _moments(series: tuple[Floats, ...], pairs: tuple[tuple[int, int], ...], size: int) -> _Moments:
    if size == 1:
        return _Moments(means=series, products=tuple(np.zeros(series[a].shape) for a, _ in pairs))
    half = size // 2
    halves = _moments(series, pairs, half)
    found = _merged(halves.part(0, -half), halves.part(half, None), pairs, (half, half))
    if size % 2:
        last = _moments(series, pairs, 1).part(size - 1, None)
        found = _merged(found.part(0, -1), last, pairs, (size - 1, 1))
    return found


def _merged(
    first: _Moments, second: _Moments, pairs: tuple[tuple[int, int], ...], sizes: tuple[int, int]
) -> _Moments:
    """Return the moments of windows that are made of two parts."""
    whole = sizes[0] + sizes[1]
    steps = [b - a for a, b in zip(first.means, second.means, strict=True)]
    weight = sizes[0] * sizes[1] / whole
    return _Moments(
        means=tuple(mean + step * (sizes[1] / whole) for mean, step in zip(first.means, steps, strict=True)),
        products=tuple(
            one + two + steps[a] * steps[b] * weight
            for one, two, (a, b) in zip(first.products, second.products, pairs, strict=True)
        ),
    )


def _lag_products(x: Floats, means: Floats, size: int) -> Floats:
    """Return each window's sum of products of neighbours, as deviations from the mean of the window."""
    neighbours = _moments((x[..., :-1], x[..., 1:]), ((_X, _Y),), size - 1)
    (products,) = neighbours.products
    earlier, later = (each - means for each in neighbours.means)
    total: Floats = products + (size - 1) * earlier * later
    return total
