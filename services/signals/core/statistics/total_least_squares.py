"""The hedge ratio of a line that does not take either leg's returns for exact.

Least squares puts all the noise into IWM and thereby flattens the line as soon as gold's returns are noisy,
too. The line here is the one from which the points have the least distance in both directions: their first
principal axis.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.long_run_error import long_run_margin
from services.signals.core.statistics.moments import centred, last_pairs
from shared.domain.divergences import Estimate

# The axis and two means.
_PARAMETERS = 2


def total_least_squares_ratio(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> Estimate:
    """Estimate the units of gold exposure per unit of IWM from the orthogonal line through the returns.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 3.

    Returns
    -------
    Estimate
        ``-tan(t)``, with ``t = atan2(2 cov(a, b), var(a) - var(b)) / 2`` the angle of the axis. The interval
        is symmetric in the angle; it has no ends where it would hold the vertical, because then any ratio is
        possible: unrelated legs of which IWM moves more end like that. The value is None with fewer than
        ``size`` pairs, for a vertical axis (flat gold) and for points without an axis.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 3``.

    References
    ----------
    Golub and Van Loan (1980), "An analysis of the total least squares problem", SIAM Journal on Numerical
    Analysis 17(6), 883-893; Deming (1943), "Statistical adjustment of data", with equal error variances.
    The influence of a point on an axis: Critchley (1985), Biometrika 72(3), 627-636.

    Examples
    --------
    >>> a = np.array([1.0, -1.0, 2.0, -2.0])
    >>> round(total_least_squares_ratio(a, -0.5 * a, 4).value, 12)
    0.5

    The same line whichever leg is hedged, unlike least squares:

    >>> b = np.array([1.0, -2.0, 1.0, 0.0])
    >>> one, other = (total_least_squares_ratio(*legs, 4).value for legs in ((a, b), (b, a)))
    >>> round(one * other, 12)
    1.0
    """
    if size <= _PARAMETERS:
        raise ValueError(f"size must be at least {_PARAMETERS + 1}, was {size}")
    pairs = last_pairs(a, b, size)
    if pairs is None:
        return Estimate(value=None)
    (_, a), (_, b) = map(centred, pairs)
    squares_a, squares_b, products = float(a @ a), float(b @ b), float(a @ b)
    if products == 0.0 and squares_a <= squares_b:
        return Estimate(value=None)
    angle = math.atan2(2.0 * products, squares_a - squares_b) / 2.0
    along = math.cos(angle) * a + math.sin(angle) * b
    across = math.cos(angle) * b - math.sin(angle) * a
    # The difference of the two axes' sums of squares: how much of an axis there is.
    length = math.hypot(squares_a - squares_b, 2.0 * products)
    margin = long_run_margin(along * across / length, _PARAMETERS)
    value = 0.0 - math.tan(angle)
    if abs(angle) + margin >= math.pi / 2.0:
        return Estimate(value=value)
    return Estimate(value=value, low=0.0 - math.tan(angle + margin), high=0.0 - math.tan(angle - margin))
