"""The beta distribution for arrays of shapes: its distribution function and its quantiles, to 1e-12."""

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_TERMS: Final = 500
_MOST_STEPS: Final = 200
_ENOUGH: Final = 1e-15
# A step after this one changes nothing: each doubles the number of right digits.
_CLOSE: Final = 1e-8
_TINY: Final = 1e-300


def beta_cdf(x: Floats, a: Floats, b: Floats) -> Floats:
    """Compute the probability that a beta variable is at most ``x``.

    Parameters
    ----------
    x
        In [0, 1], shape ``(n,)``.
    a, b
        Positive shapes, shape ``(n,)``; up to about 10,000.

    Returns
    -------
    array
        Shape ``(n,)``.

    References
    ----------
    DLMF 8.17.22: the continued fraction of the incomplete beta function, by Lentz's method.

    Examples
    --------
    >>> beta_cdf(np.array([0.5, 0.2]), np.array([1.0, 2.0]), np.array([1.0, 1.0])).round(12).tolist()
    [0.5, 0.04]
    """
    # The fraction converges fast on one side of the mean; on the other the mirrored one is used.
    is_mirrored = x > (a + 1.0) / (a + b + 2.0)
    left = np.where(is_mirrored, 1.0 - x, x)
    p, q = np.where(is_mirrored, b, a), np.where(is_mirrored, a, b)
    with np.errstate(divide="ignore"):
        scale = np.exp(p * np.log(left) + q * np.log1p(-left) - _log_beta(p, q))
    part = scale * _fraction(left, p, q) / p
    probability: Floats = np.where(is_mirrored, 1.0 - part, part)
    return probability


def beta_quantile(level: Floats, a: Floats, b: Floats) -> Floats:
    """Compute the values below which a beta variable lies with given probabilities.

    Parameters
    ----------
    level
        In (0, 1), shape ``(n,)``.
    a, b
        Positive shapes, shape ``(n,)``; up to about 10,000.

    Returns
    -------
    array
        In [0, 1], shape ``(n,)``: by Newton's method, and by halving where a step would leave the bracket.

    Examples
    --------
    >>> beta_quantile(np.array([0.04]), np.array([2.0]), np.array([1.0])).round(12).tolist()
    [0.2]
    """
    log_beta = _log_beta(a, b)
    wanted = np.log(level)
    # The leading term of the distribution function near 0: a start below the answer where b is above 1. From
    # there Newton's method on logarithms cannot overshoot, because the function's logarithm is concave.
    x = np.exp(np.minimum((wanted + np.log(a) + log_beta) / a, np.log(a / (a + b))))
    low, high, steps = np.zeros_like(a), np.ones_like(a), 0
    while True:
        reached = beta_cdf(x, a, b)
        with np.errstate(all="ignore"):
            error = np.log(reached) - wanted
            log_slope = a * np.log(x) + (b - 1.0) * np.log1p(-x) - log_beta
            step = x * np.exp(-error * reached * np.exp(-log_slope))
        is_below = error < 0.0
        low, high = np.where(is_below, x, low), np.where(is_below, high, x)
        following = np.where((step >= low) & (step <= high), step, (low + high) / 2.0)
        steps += 1
        if steps == _MOST_STEPS or (np.abs(following - x) <= _CLOSE * x).all():
            return following
        x = following


def _fraction(x: Floats, a: Floats, b: Floats) -> Floats:
    c = np.ones_like(x)
    # Adding something tiny changes nothing but a zero, by which nothing can be divided.
    d = 1.0 / (1.0 - (a + b) * x / (a + 1.0) + _TINY)
    value, m = d, 0
    while True:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d + _TINY)
            c = 1.0 + term / c + _TINY
            factor = c * d
            value = value * factor
        if m == _MOST_TERMS or (np.abs(factor - 1.0) <= _ENOUGH).all():
            return value


def _log_beta(a: Floats, b: Floats) -> Floats:
    return np.array([_one_log_beta(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)])


@lru_cache(maxsize=1 << 12)
def _one_log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
