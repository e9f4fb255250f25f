"""Student's t distribution: its quantiles and its probabilities, for whole degrees of freedom."""

import math
from functools import lru_cache

from services.signals.core.statistics.correlation import NORMAL_975

_WANTED = 0.95


@lru_cache(maxsize=256)
def student_975(degrees: int) -> float:
    """Compute the 97.5 % quantile of Student's t distribution.

    Parameters
    ----------
    degrees
        Degrees of freedom, a whole number, at least 1.

    Returns
    -------
    float
        Above 1.96, and towards it for many degrees.

    Raises
    ------
    ValueError
        If ``degrees < 1``.

    References
    ----------
    The finite sums for whole degrees: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4. Solved by Newton's
    method, which comes from below and cannot overshoot, because the sums are concave.

    Examples
    --------
    >>> round(student_975(58), 6), round(student_975(1), 4)
    (2.001717, 12.7062)
    """
    # The normal's own quantile is always below the answer.
    return _quantile(_WANTED, degrees, start=NORMAL_975)


@lru_cache(maxsize=256)
def student_quantile(probability: float, degrees: int) -> float:
    """Compute the value that Student's t does not exceed with a probability.

    Parameters
    ----------
    probability
        From 0.5 to below 1.
    degrees
        Degrees of freedom, a whole number, at least 1.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> round(student_quantile(0.8, 8), 6), student_quantile(0.5, 8)
    (0.88889, 0.0)
    """
    if not 0.5 <= probability < 1:
        raise ValueError(f"probability must be at least 0.5 and below 1, was {probability}")
    return _quantile(2.0 * probability - 1.0, degrees, start=0.0)


def student_cdf(t: float, degrees: int) -> float:
    """Compute the probability that Student's t does not exceed a value.

    Parameters
    ----------
    t
        Finite or infinite.
    degrees
        Degrees of freedom, a whole number, at least 1.

    Raises
    ------
    ValueError
        If ``degrees < 1``.

    Examples
    --------
    >>> student_cdf(0.0, 8), round(student_cdf(-2.0, 8), 6)
    (0.5, 0.040258)
    """
    _check(degrees)
    return 0.5 + math.copysign(0.5 * _within(abs(t), degrees), t)


def _quantile(within: float, degrees: int, *, start: float) -> float:
    _check(degrees)
    t = start
    while (closer := t + (within - _within(t, degrees)) / (2.0 * _density(t, degrees))) > t:
        t = closer
    return t


def _check(degrees: int) -> None:
    if degrees < 1:
        raise ValueError(f"degrees must be at least 1, was {degrees}")


def _within(t: float, degrees: int) -> float:
    # The probability of [-t, t].
    angle = math.atan2(t, math.sqrt(degrees))
    is_odd = degrees % 2
    cosine_squared = math.cos(angle) ** 2
    term, total = (math.cos(angle) if is_odd else 1.0), 0.0
    for j in range((degrees - is_odd) // 2):
        total += term
        # 2/3 · 4/5 · … for odd degrees, 1/2 · 3/4 · … for even ones.
        term *= cosine_squared * ((2 * j + 2) / (2 * j + 3) if is_odd else (2 * j + 1) / (2 * j + 2))
    inside = math.sin(angle) * total
    return 2.0 / math.pi * (angle + inside) if is_odd else inside


def _density(t: float, degrees: int) -> float:
    half = (degrees + 1) / 2.0
    scale = math.lgamma(half) - math.lgamma(degrees / 2.0) - math.log(degrees * math.pi) / 2.0
    return math.exp(scale - half * math.log1p(t * t / degrees))
