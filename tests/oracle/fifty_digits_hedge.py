"""The hedge answer and its 95 % intervals by textbook formulas, in 50-digit arithmetic with mpmath.

As `fifty_digits`, it imports nothing of what it checks. The Kalman filter's answer is found without a filter:
as the last of all slopes, fitted together by one weighted least squares.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
from mpmath import mpf

DIGITS = 50
Row = list[mpf]
Interval = tuple[mpf, mpf | None, mpf | None]

mpmath.mp.dps = DIGITS


def hedge_of(a: Iterable[float], b: Iterable[float]) -> dict[str, Interval]:
    """Compute value, low and high of what needs 120 returns, of two legs that move, by name."""
    x, y = [mpf(each) for each in a], [mpf(each) for each in b]
    answer = {
        "ratio": _negative(_slope(x[-60:], y[-60:])),
        "beta": _slope(y[-60:], x[-60:]),
        "effectiveness": _effectiveness(x, y),
        "ratio_tls": _orthogonal(x[-60:], y[-60:]),
        "ratio_kalman": _wandering(x, y),
    }
    if len(x) >= 252:
        answer["stress_corr"] = _stress(x[-252:], y[-252:])
    return answer


def _centred(x: Row) -> Row:
    mean = mpmath.fsum(x) / len(x)
    return [each - mean for each in x]


def _dot(x: Row, y: Row) -> mpf:
    return mpmath.fsum(p * q for p, q in zip(x, y, strict=True))


@lru_cache
def _student_975(degrees: int) -> mpf:
    def above(t: mpf) -> mpf:
        return mpmath.betainc(mpf(degrees) / 2, mpf("0.5"), 0, degrees / (degrees + t * t), regularized=True)

    return mpmath.findroot(lambda t: above(t) - mpf("0.05"), 2)


def _margin(influences: Row, parameters: int) -> mpf:
    n = len(influences)
    lags = int(mpmath.floor(4 * (mpf(n) / 100) ** (mpf(2) / 9)))
    variance = _dot(influences, influences)
    for lag in range(1, lags + 1):
        weight = 1 - mpf(lag) / (lags + 1)
        variance += 2 * weight * _dot(influences[lag:], influences[:-lag])
    return _student_975(n - parameters) * mpmath.sqrt(variance * n / (n - parameters))


def _slope(x: Row, y: Row) -> Interval:
    x, y = _centred(x), _centred(y)
    slope = _dot(x, y) / _dot(x, x)
    margin = _margin([p * (q - slope * p) / _dot(x, x) for p, q in zip(x, y, strict=True)], 2)
    return slope, slope - margin, slope + margin


def _negative(interval: Interval) -> Interval:
    value, low, high = interval
    return -value, None if high is None else -high, None if low is None else -low


def _effectiveness(a: Row, b: Row) -> Interval:
    hedged = []
    for s in range(len(a) - 60, len(a)):
        x, y = _centred(a[s - 60 : s]), _centred(b[s - 60 : s])
        hedged.append(b[s] - _dot(x, y) / _dot(x, x) * a[s])
    alone, both = _centred(b[-60:]), _centred(hedged)
    left = _dot(both, both) / _dot(alone, alone)
    influences = [
        p * p / _dot(both, both) - q * q / _dot(alone, alone) for p, q in zip(both, alone, strict=True)
    ]
    factor = mpmath.exp(_margin(influences, 1))
    return 1 - left, 1 - left * factor, 1 - left / factor


def _stress(a: Row, b: Row) -> Interval:
    ordered, place = sorted(b), mpf(len(b) - 1) / 10
    below = int(mpmath.floor(place))
    quantile = ordered[below] + (ordered[below + 1] - ordered[below]) * (place - below)
    x = _centred([p for p, q in zip(a, b, strict=True) if q <= quantile])
    y = _centred([q for q in b if q <= quantile])
    product = mpf(1)
    for row in (x, y):
        product *= mpmath.fsum(p * q for p, q in pairwise(row)) / _dot(row, row)
    effective = min(max(len(x) * (1 - product) / (1 + product), mpf(4)), mpf(len(x)))
    r = _dot(x, y) / mpmath.sqrt(_dot(x, x) * _dot(y, y))
    margin = mpmath.sqrt(2) * mpmath.erfinv(mpf("0.95")) / mpmath.sqrt(effective - 3)
    return r, mpmath.tanh(mpmath.atanh(r) - margin), mpmath.tanh(mpmath.atanh(r) + margin)


def _orthogonal(a: Row, b: Row) -> Interval:
    # Deming's closed form of the slope; the angle only for its interval.
    a, b = _centred(a), _centred(b)
    aa, bb, ab = _dot(a, a), _dot(b, b), _dot(a, b)
    slope = (bb - aa + mpmath.sqrt((bb - aa) ** 2 + 4 * ab**2)) / (2 * ab)
    angle = mpmath.atan(slope)
    length = mpmath.sqrt((aa - bb) ** 2 + 4 * ab**2)
    cos, sin = mpmath.cos(angle), mpmath.sin(angle)
    influences = [(cos * p + sin * q) * (cos * q - sin * p) / length for p, q in zip(a, b, strict=True)]
    margin = _margin(influences, 2)
    if abs(angle) + margin >= mpmath.pi / 2:
        return -slope, None, None
    return -slope, -mpmath.tan(angle + margin), -mpmath.tan(angle - margin)


def _wandering(a: Row, b: Row) -> Interval:
    a, b = _centred(a), _centred(b)
    gain = 1 - mpf(2) ** (-mpf(1) / 20)
    q = gain**2 / (1 - gain) / (_dot(a, a) / len(a))
    # The normal equations of  sum (b - m a)^2 + sum (change of m)^2 / q  are tridiagonal: eliminate down.
    diagonal: list[Any] = [p * p + (2 if 0 < s < len(a) - 1 else 1) / q for s, p in enumerate(a)]
    right = [p * r for p, r in zip(a, b, strict=True)]
    for s in range(1, len(a)):
        factor = 1 / (q * diagonal[s - 1])
        diagonal[s] -= factor / q
        right[s] += factor * right[s - 1]
    slopes = [right[-1] / diagonal[-1]]
    for s in range(len(a) - 2, -1, -1):
        slopes.append((right[s] + slopes[-1] / q) / diagonal[s])
    slopes.reverse()
    least = mpmath.fsum((r - m * p) ** 2 for m, p, r in zip(slopes, a, b, strict=True))
    least += mpmath.fsum((m - before) ** 2 for before, m in pairwise(slopes)) / q
    # The last diagonal element that elimination leaves is the reciprocal of the last slope's variance.
    margin = _student_975(len(a) - 1) * mpmath.sqrt(least / (len(a) - 1) / diagonal[-1])
    return _negative((slopes[-1], slopes[-1] - margin, slopes[-1] + margin))
