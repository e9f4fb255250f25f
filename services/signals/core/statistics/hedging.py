"""How much gold offsets an IWM position, and whether it really did.

``a`` is the lead leg (gold), ``b`` the other (IWM); both are aligned log returns in session order.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import (
    LEAST_SIZE,
    PairMoments,
    last_pairs,
    pair_moments,
    window_moments,
)


def beta(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> float | None:
    """Compute how much ``a`` moves per unit move of ``b``: ``cov(a, b) / var(b)``.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    float or None
        Dimensionless. None with fewer than ``size`` pairs or when ``b`` is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> beta(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]), 3)
    0.5

    A flat ``a`` is a defined answer, a flat ``b`` is none:

    >>> beta(np.full(3, 0.1), np.array([2.0, 4.0, 6.0]), 3)
    0.0
    >>> beta(np.array([2.0, 4.0, 6.0]), np.full(3, 0.1), 3) is None
    True
    """
    moments = window_moments(a, b, size)
    return None if moments is None else beta_of(moments)


def beta_of(moments: PairMoments) -> float | None:
    """Compute `beta` from the moments of a window."""
    return None if moments.variance_y == 0.0 else moments.covariance / moments.variance_y


def hedge_ratio(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> float | None:
    """Compute the units of gold exposure per unit of IWM that minimise variance: ``-cov(a, b) / var(a)``.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    float or None
        Dimensionless; positive: hold gold long against IWM long. None with fewer than ``size``
        pairs or when ``a`` is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> hedge_ratio(np.array([3.0, 2.0, 1.0]), np.array([2.0, 4.0, 6.0]), 3)
    2.0

    It is not the inverse of `beta`, nor its negative:

    >>> a, b = np.array([1.0, -1.0, 2.0]), np.array([1.0, 0.0, -1.0])
    >>> beta(a, b, 3), round(hedge_ratio(a, b, 3), 6)
    (-0.5, 0.214286)
    """
    moments = window_moments(a, b, size)
    return None if moments is None else hedge_ratio_of(moments)


def hedge_ratio_of(moments: PairMoments) -> float | None:
    """Compute `hedge_ratio` from the moments of a window."""
    if moments.variance_x == 0.0:
        return None
    # Subtracted from 0, so that legs without covariance give 0.0 and not -0.0.
    return 0.0 - moments.covariance / moments.variance_x


def hedge_effectiveness(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> float | None:
    """Compute the share of IWM's variance that the hedge would have removed, out of sample.

    ``1 - var(b + h * a) / var(b)`` over the last ``size`` sessions, where each session's ``h`` is
    the `hedge_ratio` of the ``size`` sessions before it, as a holder would have known it.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Sessions scored, and sessions each ratio is taken from; at least 2.

    Returns
    -------
    float or None
        At most 1; **negative when the hedge added variance**. None with fewer than ``2 * size``
        pairs, when ``a`` is flat in one of the earlier windows, or ``b`` in the last one.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    References
    ----------
    Ederington (1979), "The hedging performance of the new futures markets", Journal of Finance
    34(1), 157-170; out of sample as in Lien and Tse (2002), Journal of Economic Surveys 16(3).

    Examples
    --------
    >>> a = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0])
    >>> hedge_effectiveness(a, -2.0 * a, 3)
    1.0

    When the relation turns over, yesterday's ratio doubles the risk instead of removing it:

    >>> b = np.concatenate([-a, a])
    >>> hedge_effectiveness(np.concatenate([a, a]), b, 6) < 0.0
    True
    """
    series = hedged_returns(a, b, size)
    if series is None:
        return None
    scored = pair_moments(*series)
    return None if scored.variance_x == 0.0 else 1.0 - scored.variance_y / scored.variance_x


def hedged_returns(
    a: NDArray[np.float64], b: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return what ``b`` alone, and ``b`` with its hedge, gave in each of the last ``size`` sessions.

    Parameters
    ----------
    a, b
        As for `hedge_effectiveness`.
    size
        Sessions returned, and sessions each ratio is taken from; at least 2.

    Returns
    -------
    tuple of arrays or None
        Shape ``(size,)`` each. None with fewer than ``2 * size`` pairs or when ``a`` is flat in one of the
        earlier windows.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> a = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0])
    >>> alone, hedged = hedged_returns(a, -2.0 * a, 3)
    >>> alone, np.abs(hedged).max() < 1e-12
    (array([-6.,  2., -4.]), np.True_)
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    pairs = last_pairs(a, b, 2 * size)
    if pairs is None:
        return None
    a, b = pairs
    deviations_a, deviations_b = _centred_rows(np.concatenate(pairs).take(_windows(size)))
    squares = np.add.reduce(deviations_a * deviations_a, axis=1)
    if not squares.all():
        return None
    ratios = -np.add.reduce(deviations_a * deviations_b, axis=1) / squares
    return b[size:], b[size:] + ratios * a[size:]


@lru_cache(maxsize=16)
def _windows(size: int) -> NDArray[np.intp]:
    # Row i is the window of the i-th scored session: it ends with the session before that one. Those of the
    # other leg follow those of the lead.
    rows = np.arange(size)[:, None] + np.arange(size)
    return np.stack((rows, rows + 2 * size))


def _centred_rows(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    # Each row's own first value is its origin, so that a row that is flat is exactly 0.
    deviations = windows - windows[:, :, :1]
    deviations -= np.add.reduce(deviations, axis=2, keepdims=True) / windows.shape[2]
    return deviations
