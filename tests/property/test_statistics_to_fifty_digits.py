"""Each statistic against its textbook formula in 50-digit decimal arithmetic, to 1e-12.

The floats of the window are taken as exact; what is measured is the rounding of the computation alone.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest

from services.signals.core.statistics.correlation import fisher_interval, pearson
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.moments import mean_std
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscore
from tests.property.statistics_strategies import Floats, Pair

SEEDS = range(8)
_Digits = Sequence[Decimal]


@pytest.fixture(autouse=True)
def _fifty_digits() -> object:
    with localcontext() as context:
        context.prec = 50
        yield context


def _market(seed: int, size: int) -> Pair:
    rng = np.random.default_rng(seed)
    a = rng.standard_t(4, size=size) * 0.01
    # Zero to strong, either sign; the level of some legs dwarfs their moves.
    b = (seed - 4) / 4.0 * a + rng.standard_t(4, size=size) * 0.01
    return a + (7.0 if seed % 2 else 0.0), b + (1000.0 if seed % 3 == 0 else 0.0)


def _exact(x: Floats) -> _Digits:
    return [Decimal(float(each)) for each in x]


def _sum(terms: Iterable[Decimal]) -> Decimal:
    return sum(terms, Decimal(0))


def _mean(x: _Digits) -> Decimal:
    return _sum(x) / len(x)


def _covariance(x: _Digits, y: _Digits) -> Decimal:
    mean_x, mean_y = _mean(x), _mean(y)
    return _sum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True)) / (len(x) - 1)


def _correlation(x: _Digits, y: _Digits) -> Decimal:
    return _covariance(x, y) / (_covariance(x, x) * _covariance(y, y)).sqrt()


def _agree(value: float | None, expected: Decimal, *, absolute: str = "0") -> bool:
    assert value is not None
    return abs(Decimal(value) - expected) <= max(Decimal("1e-12") * abs(expected), Decimal(absolute))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [20, 60, 90, 252])
def test_correlation_and_ratios(seed: int, size: int) -> None:
    a, b = _market(seed, size)
    x, y = _exact(a), _exact(b)
    # On a scale of -1..1: near 0 no arithmetic of floats has 12 digits of its own.
    assert _agree(pearson(a, b, size), _correlation(x, y), absolute="1e-13")
    assert _agree(beta(a, b, size), _covariance(x, y) / _covariance(y, y), absolute="1e-13")
    assert _agree(hedge_ratio(a, b, size), -_covariance(x, y) / _covariance(x, x), absolute="1e-13")


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_std_and_volatility(seed: int) -> None:
    for each in _market(seed, 90):
        digits = _exact(each)
        std = _covariance(digits, digits).sqrt()
        # A mean near 0 is exact to the size of what was averaged.
        assert _agree(mean_std(each).mean, _mean(digits), absolute="1e-17")
        assert _agree(mean_std(each).std, std)
        assert _agree(annualised_volatility(each, 90), std * Decimal(252).sqrt())


@pytest.mark.parametrize("seed", SEEDS)
def test_zscore_of_a_log_ratio(seed: int) -> None:
    ratios = 2.5 + np.cumsum(np.random.default_rng(seed).normal(size=91)) * 0.01
    previous = _exact(ratios[:-1])
    expected = (Decimal(float(ratios[-1])) - _mean(previous)) / _covariance(previous, previous).sqrt()
    assert _agree(zscore(float(ratios[-1]), baseline(ratios[:-1], 90)), expected, absolute="1e-13")


@pytest.mark.parametrize("seed", SEEDS)
def test_half_life_of_a_log_ratio(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratios = np.empty(252)
    ratios[0] = 2.5
    for s in range(1, 252):
        ratios[s] = 2.5 + 0.9 * (ratios[s - 1] - 2.5) + rng.normal() * 0.01
    before = _exact(ratios[:-1])
    # The changes as floats subtract them, which is exact for values this close to each other.
    changes = [Decimal(float(q)) - Decimal(float(p)) for p, q in pairwise(ratios)]
    slope = _covariance(before, changes) / _covariance(before, before)
    assert _agree(half_life(ratios), -Decimal(2).ln() / (1 + slope).ln())


@pytest.mark.parametrize("seed", SEEDS)
def test_ewm_correlation(seed: int) -> None:
    a, b = _market(seed, 200)
    x, y = _exact(a), _exact(b)
    weights = [Decimal(2) ** (Decimal(s - 199) / 20) for s in range(200)]
    total = _sum(weights)
    mean_x = _sum(w * p for w, p in zip(weights, x, strict=True)) / total
    mean_y = _sum(w * q for w, q in zip(weights, y, strict=True)) / total
    xx = _sum(w * (p - mean_x) ** 2 for w, p in zip(weights, x, strict=True))
    yy = _sum(w * (q - mean_y) ** 2 for w, q in zip(weights, y, strict=True))
    xy = _sum(w * (p - mean_x) * (q - mean_y) for w, p, q in zip(weights, x, y, strict=True))
    assert _agree(ewm_correlation(a, b, 20), xy / (xx * yy).sqrt(), absolute="1e-13")


@pytest.mark.parametrize("seed", SEEDS)
def test_hedge_effectiveness(seed: int) -> None:
    a, b = _market(seed - seed % 2, 120)
    x, y = _exact(a), _exact(b)
    hedged = []
    for s in range(60, 120):
        before_x, before_y = x[s - 60 : s], y[s - 60 : s]
        hedged.append(y[s] - _covariance(before_x, before_y) / _covariance(before_x, before_x) * x[s])
    expected = 1 - _covariance(hedged, hedged) / _covariance(y[60:], y[60:])
    assert _agree(hedge_effectiveness(a, b, 60), expected, absolute="1e-12")


@pytest.mark.parametrize("seed", SEEDS)
def test_fisher_interval(seed: int) -> None:
    a, b = _market(seed, 60)
    x, y = _exact(a), _exact(b)
    product = Decimal(1)
    for each in (x, y):
        mean = _mean(each)
        lagged = _sum((p - mean) * (q - mean) for p, q in pairwise(each))
        product *= lagged / _sum((p - mean) ** 2 for p in each)
    size = min(max(60 * (1 - product) / (1 + product), Decimal(4)), Decimal(60))
    correlation = _correlation(x, y)
    centre = ((1 + correlation) / (1 - correlation)).ln() / 2
    # The 97.5 % quantile of the normal distribution, from published tables of many digits.
    margin = Decimal("1.95996398454005423552459443052055152795555") / (size - 3).sqrt()
    interval = fisher_interval(a, b, 60)
    assert interval is not None
    for value, z in ((interval.low, centre - margin), (interval.high, centre + margin)):
        assert _agree(value, (z.exp() - (-z).exp()) / (z.exp() + (-z).exp()), absolute="1e-13")
