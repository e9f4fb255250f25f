"""The arithmetic of an explanation: sums over lists of floats, independent of the engine's code.

The engine computes with numpy, in numpy's order of additions. Here every sum is exact before it is rounded
(`math.fsum`). If both agree to rounding, an error in either is unlikely.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Final

# Fisher's interval needs more than three independent pairs.
_LEAST_EFFECTIVE: Final = 4.0
QUANTILE_975: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAndStd:
    """Mean and standard deviation (``n − 1``) of one list, with the sums they come from."""

    count: int
    total: float
    mean: float
    squares: float
    std: float


def mean_and_std(values: Sequence[float]) -> MeanAndStd:
    """Compute the mean and the standard deviation of at least two values.

    Examples
    --------
    >>> mean_and_std([2.0, 4.0, 6.0])
    MeanAndStd(count=3, total=12.0, mean=4.0, squares=8.0, std=2.0)
    >>> mean_and_std([0.1] * 90).std
    0.0
    """
    count, total = len(values), math.fsum(values)
    # If the mean is rounded in its last digit, a window of equal values must still have a spread of 0.
    mean = values[0] if min(values) == max(values) else total / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    return MeanAndStd(
        count=count, total=total, mean=mean, squares=squares, std=math.sqrt(squares / (count - 1))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Pearson's r and how sure it is.

    Parameters
    ----------
    phi_a, phi_b
        Each list's lag-1 autocorrelation.
    worth, effective
        The effective number of independent pairs, ``n(1 − φAφB)/(1 + φAφB)``, and the same within 4 and n.
    low, high
        The 95 % interval on Fisher's scale.
    """

    r: float
    phi_a: float
    phi_b: float
    worth: float
    effective: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comovement:
    """How two aligned lists move together, with the intermediate sums.

    Parameters
    ----------
    products
        Sum of the products of both deviations.
    correlation
        None when a list is flat.
    """

    a: MeanAndStd
    b: MeanAndStd
    products: float
    correlation: Correlation | None


def comovement(a: Sequence[float], b: Sequence[float]) -> Comovement:
    """Compute how two lists of one length, at least 4, move together.

    Examples
    --------
    >>> moved = comovement([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0])
    >>> moved.products, moved.correlation.r
    (3.0, 0.6)
    >>> comovement([1.0] * 4, [2.0, 1.0, 4.0, 3.0]).correlation is None
    True
    """
    one, two = mean_and_std(a), mean_and_std(b)
    da, db = [value - one.mean for value in a], [value - two.mean for value in b]
    products = math.fsum(x * y for x, y in zip(da, db, strict=True))
    if one.squares == 0 or two.squares == 0:
        return Comovement(a=one, b=two, products=products, correlation=None)
    r = max(-1.0, min(1.0, products / math.sqrt(one.squares * two.squares)))
    phi_a = math.fsum(x * y for x, y in pairwise(da)) / one.squares
    phi_b = math.fsum(x * y for x, y in pairwise(db)) / two.squares
    worth = one.count * (1 - phi_a * phi_b) / (1 + phi_a * phi_b)
    effective = min(max(worth, _LEAST_EFFECTIVE), float(one.count))
    low, high = fisher_interval(r, effective)
    found = Correlation(r=r, phi_a=phi_a, phi_b=phi_b, worth=worth, effective=effective, low=low, high=high)
    return Comovement(a=one, b=two, products=products, correlation=found)


def fisher_interval(r: float, effective: float) -> tuple[float, float]:
    """Return the ends of ``tanh(atanh r ± q/√(n_eff − 3))``, q the normal's 97.5% quantile; ±1 has no width.

    Examples
    --------
    >>> low, high = fisher_interval(0.5, 28.0)
    >>> round(low, 6), round(high, 6)
    (0.156028, 0.735818)
    """
    if abs(r) == 1:
        return r, r
    margin = QUANTILE_975 / math.sqrt(effective - 3)
    return math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin)


def fisher_difference(recent: Correlation | None, usual: Correlation | None) -> float | None:
    """Return ``z_F`` of two correlations, each with its effective size; None where one is undefined or ±1."""
    if recent is None or usual is None or 1.0 in (abs(recent.r), abs(usual.r)):
        return None
    return (math.atanh(recent.r) - math.atanh(usual.r)) / math.sqrt(
        1 / (recent.effective - 3) + 1 / (usual.effective - 3)
    )
