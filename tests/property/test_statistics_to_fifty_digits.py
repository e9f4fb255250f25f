"""Single statistics against 50 digits where rounding is hardest: moves that a leg's level dwarfs.

The floats of the window are taken as exact; what is measured is the rounding of the computation alone.
`test_statistics_after_faults` measures all statistics together, from the closes on.
"""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from statsmodels.tsa import adfvalues

from services.signals.core.statistics.cointegration import coint_p
from services.signals.core.statistics.correlation import effective_size, estimate_correlation, pearson
from services.signals.core.statistics.correlation_change import fisher_z
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.leg_summary import leg_summary
from services.signals.core.statistics.moments import mean_std
from services.signals.core.statistics.opposite_moves import opposite_moves
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.student import student_975
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscore, zscores
from tests.oracle import fifty_digits as exact
from tests.property.statistics_strategies import Floats, Pair

SEEDS = range(8)


def _market(seed: int, size: int) -> Pair:
    rng = np.random.default_rng(seed)
    a = rng.standard_t(4, size=size) * 0.01
    # Zero to strong, either sign; the level of some legs dwarfs their moves.
    b = (seed - 4) / 4.0 * a + rng.standard_t(4, size=size) * 0.01
    return a + (7.0 if seed % 2 else 0.0), b + (1000.0 if seed % 3 == 0 else 0.0)


def _digits(x: Floats) -> list[mpf]:
    return [mpf(float(each)) for each in x]


def _agree(value: float | None, expected: mpf, *, absolute: float = 0.0) -> bool:
    assert value is not None
    return bool(abs(mpf(value) - expected) <= max(mpf("1e-12") * abs(expected), mpf(absolute)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [20, 60, 90, 252])
def test_correlation_and_ratios(seed: int, size: int) -> None:
    a, b = _market(seed, size)
    x, y = _digits(a), _digits(b)
    r = exact.correlation(x, y)
    # On a scale of -1..1: near 0 no arithmetic of floats has 12 digits of its own.
    assert _agree(pearson(a, b, size), r, absolute=1e-13)
    assert _agree(effective_size(a, b, size), exact.effective_size(x, y))
    assert _agree(beta(a, b, size), exact.covariance(x, y) / exact.covariance(y, y), absolute=1e-13)
    assert _agree(hedge_ratio(a, b, size), -exact.covariance(x, y) / exact.covariance(x, x), absolute=1e-13)
    estimate = estimate_correlation(a, b, size)
    assert estimate is not None
    low, high = exact.fisher_interval(r, exact.effective_size(x, y))
    assert _agree(estimate.interval.low, low, absolute=1e-13)
    assert _agree(estimate.interval.high, high, absolute=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_change_of_a_correlation(seed: int) -> None:
    a, b = _market(seed, 252)
    x, y = _digits(a), _digits(b)
    r1, r2 = exact.correlation(x[-20:], y[-20:]), exact.correlation(x, y)
    n1, n2 = exact.effective_size(x[-20:], y[-20:]), exact.effective_size(x, y)
    expected = (mpmath.atanh(r1) - mpmath.atanh(r2)) / mpmath.sqrt(1 / (n1 - 3) + 1 / (n2 - 3))
    value = fisher_z(estimate_correlation(a, b, 20), estimate_correlation(a, b, 252))
    assert _agree(value, expected, absolute=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_opposite_moves(seed: int) -> None:
    a, b = _market(seed - seed % 6, 90)
    x, y = _digits(a), _digits(b)
    gaps = [p - q for p, q in zip(x, y, strict=True)]
    moved = opposite_moves(a, b)
    std = mpmath.sqrt(exact.covariance(gaps, gaps))
    assert _agree(moved.gap_std, std)
    assert _agree(moved.distance, mpmath.fsum(gaps[-5:]) / std / mpmath.sqrt(5), absolute=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_stress_correlation(seed: int) -> None:
    a, b = _market(seed, 252)
    worst = exact.stressed(_digits(a), _digits(b))
    assert worst is not None
    assert _agree(stress_correlation(a, b), exact.correlation(*worst), absolute=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_std_and_volatility(seed: int) -> None:
    for each in _market(seed, 90):
        digits = _digits(each)
        std = mpmath.sqrt(exact.covariance(digits, digits))
        # A mean near 0 is exact to the size of what was averaged.
        assert _agree(mean_std(each).mean, exact.mean(digits), absolute=1e-17)
        assert _agree(mean_std(each).std, std)
        assert _agree(annualised_volatility(each, 90), std * mpmath.sqrt(252))


@pytest.mark.parametrize("seed", SEEDS)
def test_leg_summary(seed: int) -> None:
    closes = 1_300.0 * np.exp(np.cumsum(_market(seed - seed % 6, 120)[0]))
    prices = _digits(closes)
    window, returns = prices[-90:], exact.log_returns(prices)[-90:]
    summary = leg_summary(closes)
    assert summary is not None
    assert _agree(summary.mean, exact.mean(window))
    assert _agree(summary.std, mpmath.sqrt(exact.covariance(window, window)))
    assert _agree(summary.drawdown, prices[-1] / max(window) - 1, absolute=1e-15)
    assert _agree(summary.volatility, mpmath.sqrt(exact.covariance(returns, returns) * 252))
    assert _agree(summary.percentile, mpf(sum(each < prices[-1] for each in prices[-91:-1])) / 90)
    changes = {1: summary.change_1, 5: summary.change_5, 20: summary.change_20, 90: summary.change_90}
    for sessions, change in changes.items():
        before = prices[-1 - sessions]
        assert change is not None
        assert _agree(change.absolute, prices[-1] - before)
        assert _agree(change.percent, (prices[-1] / before - 1) * 100, absolute=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_zscore_of_a_log_ratio(seed: int) -> None:
    ratios = 2.5 + np.cumsum(np.random.default_rng(seed).normal(size=91)) * 0.01
    previous = _digits(ratios[:-1])
    expected = (mpf(float(ratios[-1])) - exact.mean(previous)) / mpmath.sqrt(
        exact.covariance(previous, previous)
    )
    assert _agree(zscore(float(ratios[-1]), baseline(ratios[:-1], 90)), expected, absolute=1e-13)
    assert _agree(float(zscores(ratios, 90)[-1]), expected, absolute=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_half_life_of_a_log_ratio(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratios = np.empty(252)
    ratios[0] = 2.5
    for s in range(1, 252):
        ratios[s] = 2.5 + 0.9 * (ratios[s - 1] - 2.5) + rng.normal() * 0.01
    digits = _digits(ratios)
    changes = [q - p for p, q in pairwise(digits)]
    slope = exact.covariance(digits[:-1], changes) / exact.covariance(digits[:-1], digits[:-1])
    assert _agree(half_life(ratios), -mpmath.log(2) / mpmath.log(1 + slope))


@pytest.mark.parametrize("seed", SEEDS)
def test_ewm_correlation_and_hedge_effectiveness(seed: int) -> None:
    a, b = _market(seed - seed % 6, 200)
    x, y = _digits(a), _digits(b)
    weights = [mpf(2) ** (mpf(s - 199) / 20) for s in range(200)]
    mean_x, mean_y = (
        mpmath.fsum(w * p for w, p in zip(weights, each, strict=True)) / mpmath.fsum(weights)
        for each in (x, y)
    )
    rows = [(w, p - mean_x, q - mean_y) for w, p, q in zip(weights, x, y, strict=True)]
    xy, xx, yy = (
        mpmath.fsum(terms)
        for terms in (
            [w * p * q for w, p, q in rows], [w * p * p for w, p, _ in rows], [w * q * q for w, _, q in rows]
        )
    )  # fmt: skip
    assert _agree(ewm_correlation(a, b, 20), xy / mpmath.sqrt(xx * yy), absolute=1e-13)
    series = exact.hedged(x, y)
    assert series is not None
    alone, both = series
    left = exact.covariance(both, both) / exact.covariance(alone, alone)
    assert _agree(hedge_effectiveness(a, b, 60), 1 - left, absolute=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 25, 58, 59, 798])
def test_student_quantile(degrees: int) -> None:
    t = mpf(student_975(degrees))
    outside = mpmath.betainc(mpf(degrees) / 2, mpf("0.5"), 0, degrees / (degrees + t * t), regularized=True)
    assert abs(outside - mpf("0.05")) < mpf("1e-14")


@pytest.mark.parametrize("seed", range(3))
def test_cointegration_is_mackinnons_p_of_the_dickey_fuller_t_with_the_lags_of_the_least_aic(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    b = np.cumsum(rng.normal(size=252)) * 0.01
    a = 0.5 * b + np.cumsum(rng.normal(size=252)) * 0.01 * seed / 2.0 + rng.normal(size=252) * 0.01
    x, y = _digits(b), _digits(a)
    slope = exact.covariance(x, y) / exact.covariance(x, x)
    level = exact.mean(y) - slope * exact.mean(x)
    residuals = [q - level - slope * p for p, q in zip(x, y, strict=True)]
    # ceil(12 (252 / 100)^(1/4)) lags at most, compared over the same changes.
    products = _dickey_fuller_products(residuals, 16)
    lags = min(range(17), key=lambda lags: _dickey_fuller(products, lags)[1])
    t, _ = _dickey_fuller(_dickey_fuller_products(residuals, lags), lags)
    is_small = t <= adfvalues.tau_star_c[1]
    # MacKinnon (1994), the surface for two series and a constant, as statsmodels keeps it.
    surface = (adfvalues.tau_c_smallp if is_small else adfvalues.tau_c_largep)[1]
    p_value = mpmath.ncdf(mpmath.fsum(mpf(float(c)) * t**power for power, c in enumerate(surface)))
    # statsmodels' own rounding: it solves by a pseudo-inverse.
    assert abs(mpf(coint_p(a, b) or 0.0) - p_value) <= mpf("1e-12") * p_value


def _dickey_fuller_products(u: list[mpf], lags: int) -> tuple[mpmath.matrix, int]:
    changes = [q - p for p, q in pairwise(u)]
    # The level before, the lagged changes, and last what they answer for.
    columns = [
        u[lags:-1],
        *(changes[lags - lag : len(changes) - lag] for lag in range(1, lags + 1)),
        changes[lags:],
    ]
    products = mpmath.matrix(lags + 2)
    for i, x in enumerate(columns):
        for j, y in enumerate(columns[: i + 1]):
            products[i, j] = products[j, i] = mpmath.fsum(p * q for p, q in zip(x, y, strict=True))
    return products, len(changes) - lags


def _dickey_fuller(known: tuple[mpmath.matrix, int], lags: int) -> tuple[mpf, mpf]:
    products, count = known
    last = products.rows - 1
    inverse = mpmath.inverse(products[: lags + 1, : lags + 1])
    answers = products[: lags + 1, last]
    fitted = inverse * answers
    left = products[last, last] - (answers.T * fitted)[0]
    aic = count * (mpmath.log(2 * mpmath.pi * left / count) + 1) + 2 * (lags + 1)
    return fitted[0] / mpmath.sqrt(inverse[0, 0] * left / (count - lags - 1)), aic
