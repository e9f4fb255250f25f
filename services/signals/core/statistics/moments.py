"""Means, variances and covariances of one window, exact to rounding and never updated in place.

======================= ===============================================================
what goes wrong          what is done about it
======================= ===============================================================
large level, small moves the window's first value is subtracted before the mean is taken
a flat leg of 0.1s       after that subtraction it is all 0, so its variance is exactly 0
a bad tick that has left the window is read again on each call, nothing is un-added
======================= ===============================================================
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# One value has no spread: ``ddof=1`` leaves it without a degree of freedom.
LEAST_SIZE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanStd:
    """Mean and standard deviation (``ddof=1``) of one window, in the unit of its values."""

    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMoments:
    """First and second moments (``ddof=1``) of two aligned windows.

    A leg whose values are all equal has a variance of exactly 0.
    """

    size: int
    mean_x: float
    mean_y: float
    variance_x: float
    variance_y: float
    covariance: float

    @property
    def correlation(self) -> float | None:
        """Pearson correlation, clamped to [-1, 1]; None when a leg is flat."""
        return clamped_ratio(self.covariance, self.variance_x, self.variance_y)


class CentredPairs(NamedTuple):
    """The deviations of both legs of a window from their means, and the moments that follow from them.

    Parameters
    ----------
    x, y
        Shape ``(n,)`` each; all 0 for a leg that is flat.
    squares_x, squares_y
        The sums of their squares.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    squares_x: float
    squares_y: float
    moments: PairMoments


def pair_moments(x: NDArray[np.float64], y: NDArray[np.float64]) -> PairMoments:
    """Compute second moments by the two-pass method.

    The window is re-read on each call rather than updated and down-dated: down-dating keeps the
    rounding error of every value that ever passed through, one bad tick included.

    Parameters
    ----------
    x, y
        Observations, shape ``(n,)`` each, with ``n >= 2``; finite.

    Returns
    -------
    PairMoments
        Exact to rounding for this window alone; costs O(n) per call.

    Raises
    ------
    ValueError
        If the shapes differ or ``n < 2``.

    References
    ----------
    Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance",
    The American Statistician 37(3), 242-247.

    Examples
    --------
    >>> moments = pair_moments(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    >>> moments.covariance, moments.correlation
    (2.0, 1.0)

    A leg that did not move has no correlation, although 0.1 has no exact binary form:

    >>> flat = pair_moments(np.full(60, 0.1), np.arange(60.0))
    >>> flat.variance_x, flat.correlation
    (0.0, None)
    """
    if x.shape != y.shape or x.ndim != 1 or x.size < LEAST_SIZE:
        raise ValueError(f"a pair must be two rows of one length, at least 2, was {x.shape} and {y.shape}")
    return _centred_pairs(x, y).moments


def centred_pairs(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> CentredPairs | None:
    """Compute the deviations and the moments of the last ``size`` pairs, for all that is computed from them.

    Parameters
    ----------
    x, y, size
        As for `window_moments`.

    Returns
    -------
    CentredPairs or None
        None with fewer than ``size`` pairs (warm-up).

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> x = np.array([9.0, 1.0, 2.0, 3.0])
    >>> centred_pairs(x, x, 3).x
    array([-1.,  0.,  1.])
    >>> centred_pairs(x, x, 5) is None
    True
    """
    pairs = last_pairs(x, y, size)
    return None if pairs is None else _centred_pairs(*pairs)


def _centred_pairs(x: NDArray[np.float64], y: NDArray[np.float64]) -> CentredPairs:
    mean_x, deviations_x = centred(x)
    mean_y, deviations_y = centred(y)
    squares_x, squares_y = float(deviations_x @ deviations_x), float(deviations_y @ deviations_y)
    degrees = x.size - 1
    moments = PairMoments(
        size=x.size,
        mean_x=mean_x,
        mean_y=mean_y,
        variance_x=squares_x / degrees,
        variance_y=squares_y / degrees,
        covariance=float(deviations_x @ deviations_y) / degrees,
    )
    return CentredPairs(deviations_x, deviations_y, squares_x, squares_y, moments)


def clamped_ratio(covariance: float, variance_x: float, variance_y: float) -> float | None:
    """Compute a correlation from second moments, whatever their common weight.

    Parameters
    ----------
    covariance, variance_x, variance_y
        Second moments of one window, all divided by the same number or by none; finite.

    Returns
    -------
    float or None
        In [-1, 1], exactly 1 for a leg with itself. None when a variance is 0.

    Examples
    --------
    >>> clamped_ratio(3.0, 5.0, 5.0)
    0.6

    Rounding alone can leave the range by an ulp, and ``atanh`` would raise on that:

    >>> clamped_ratio(1.0000000000000002, 1.0, 1.0)
    1.0
    """
    # One root of the product, not a product of two roots: the root of a square is exact.
    scale = math.sqrt(variance_x * variance_y)
    return None if scale == 0.0 else max(-1.0, min(1.0, covariance / scale))


def last_pairs(
    x: NDArray[np.float64], y: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Take the last ``size`` pairs of two aligned rows.

    Parameters
    ----------
    x, y
        Aligned observations in session order, shape ``(n,)`` each.
    size
        Pairs to take, at least 2.

    Returns
    -------
    tuple of arrays or None
        Views, shape ``(size,)`` each. None with fewer than ``size`` pairs (warm-up).

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> last_pairs(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), 2)
    (array([2., 3.]), array([5., 6.]))
    >>> last_pairs(np.array([1.0]), np.array([4.0]), 2) is None
    True
    """
    if size < LEAST_SIZE:
        raise ValueError(f"size must be at least {LEAST_SIZE}, was {size}")
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"a pair must be two rows of one length, was {x.shape} and {y.shape}")
    return None if x.size < size else (x[-size:], y[-size:])


def window_moments(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> PairMoments | None:
    """Compute the moments of the last ``size`` pairs.

    Parameters
    ----------
    x, y
        Aligned observations in session order, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    PairMoments or None
        None with fewer than ``size`` pairs (warm-up).

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> x = np.array([9.0, 1.0, 2.0, 3.0])
    >>> window_moments(x, x, 3).variance_x
    1.0
    >>> window_moments(x, x, 5) is None
    True
    """
    pairs = last_pairs(x, y, size)
    return None if pairs is None else pair_moments(*pairs)


def mean_std(x: NDArray[np.float64]) -> MeanStd:
    """Compute the mean and the standard deviation of all of ``x``.

    Parameters
    ----------
    x
        Observations, shape ``(n,)`` with ``n >= 2``; finite.

    Returns
    -------
    MeanStd
        ``std`` has ``ddof=1`` and is exactly 0 when all values are equal.

    Raises
    ------
    ValueError
        If ``x`` is not one row of at least 2 values.

    Examples
    --------
    >>> mean_std(np.array([2.0, 4.0, 6.0]))
    MeanStd(mean=4.0, std=2.0)
    >>> mean_std(np.full(90, 0.1))
    MeanStd(mean=0.1, std=0.0)
    """
    if x.ndim != 1 or x.size < LEAST_SIZE:
        raise ValueError(f"a window must be one row of at least 2 values, was {x.shape}")
    mean, deviations = centred(x)
    return MeanStd(mean=mean, std=math.sqrt(float(deviations @ deviations) / (x.size - 1)))


def centred(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the mean of ``x`` and its deviations from it, exactly 0 for a flat leg.

    Examples
    --------
    >>> centred(np.full(3, 0.1))
    (0.1, array([0., 0., 0.]))
    """
    first = x[0]
    deviations = x - first
    # add.reduce, not mean(): the same pairwise sum at a third of the call's cost.
    shift = np.add.reduce(deviations) / x.size
    deviations -= shift
    return float(first + shift), deviations
