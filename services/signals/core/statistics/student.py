"""How many standard errors a 95 % interval reaches when the error itself was estimated."""

import math
from functools import lru_cache

_WANTED = 0.95

# The normal's own: where the search starts, and always below the answer.
_NORMAL_975 = 1.959963984540054


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
    if degrees < 1:
        raise ValueError(f"degrees must be at least 1, was {degrees}")
    t = _NORMAL_975
    while (closer := t + (_WANTED - _within(t, degrees)) / (2.0 * _density(t, degrees))) > t:
        t = closer
    return t


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
