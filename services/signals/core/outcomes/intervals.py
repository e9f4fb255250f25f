"""95 % intervals of a share and of a median that are valid for few openings.

Wilson's interval stays inside [0, 1] and has a width even if every opening was a hit. The median's interval
assumes nothing about the returns but that they are independent. Openings whose horizons overlap are not
independent, so the true intervals are wider.
"""

import math
from collections.abc import Sequence
from functools import cache

from shared.domain.divergences import Estimate

# The standard normal's 97.5 % quantile: 2.5 % is left out on either side of a 95 % interval.
_NORMAL_975 = 1.959963984540054


def hit_rate(hits: int, count: int) -> Estimate:
    """Compute a share with Wilson's 95 % interval, without a correction for continuity.

    Parameters
    ----------
    hits, count
        With ``0 <= hits <= count``.

    Returns
    -------
    Estimate
        In [0, 1]; value None without an opening.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22(158), 209-212; recommended for few trials by Brown, Cai and DasGupta
    (2001), "Interval estimation for a binomial proportion", Statistical Science 16(2), 101-133.

    Examples
    --------
    >>> rate = hit_rate(9, 10)
    >>> rate.value, round(rate.low, 4), round(rate.high, 4)
    (0.9, 0.5958, 0.9821)
    >>> hit_rate(0, 0)
    Estimate(value=None, low=None, high=None)
    """
    if not count:
        return Estimate(value=None)
    rate = hits / count
    weight = _NORMAL_975**2 / count
    centre = (rate + weight / 2.0) / (1.0 + weight)
    margin = math.sqrt(rate * (1.0 - rate) * weight + weight * weight / 4.0) / (1.0 + weight)
    return Estimate(
        value=rate,
        # Exactly 0 without a hit and exactly 1 with only hits; the formula may miss them by rounding.
        low=centre - margin if hits else 0.0,
        high=centre + margin if hits < count else 1.0,
    )


def median(values: Sequence[float]) -> Estimate:
    """Compute a median with the narrowest exact 95 % interval from the k-th smallest to the k-th largest.

    Parameters
    ----------
    values
        In any order; finite.

    Returns
    -------
    Estimate
        The middle value, or the mean of the middle two; None without a value. The interval is None with fewer
        than 6 values: even the smallest and the largest then enclose the median less than 95 times in 100.

    References
    ----------
    David and Nagaraja (2003), "Order statistics", 3rd ed., section 7.1.

    Examples
    --------
    >>> median([0.03, -0.01, 0.02, 0.01, 0.05, 0.04])
    Estimate(value=0.025, low=-0.01, high=0.05)
    >>> median([0.03, 0.01])
    Estimate(value=0.02, low=None, high=None)
    """
    if not values:
        return Estimate(value=None)
    ordered = sorted(values)
    size = len(ordered)
    middle = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2.0
    rank = median_rank(size)
    if rank is None:
        return Estimate(value=middle)
    return Estimate(value=middle, low=ordered[rank - 1], high=ordered[size - rank])


@cache
def median_rank(size: int) -> int | None:
    """Return the largest k for which the k-th smallest and the k-th largest enclose the median in 95 of 100.

    Each value is above or below the median with probability 1/2. The interval misses the median when fewer
    than k values lie on one side of it: with probability ``2 * P(Binomial(size, 1/2) < k)``, which must not
    exceed 1/20. Computed in integers, so exact.

    Returns
    -------
    int or None
        From 1; None where no k is large enough, below 6 values.

    Examples
    --------
    >>> median_rank(5), median_rank(6), median_rank(20)
    (None, 1, 6)
    """
    below, rank = 0, 0
    while 40 * (below := below + math.comb(size, rank)) <= 2**size:
        rank += 1
    return rank or None
