"""Statistics of a pair's returns against numpy, pandas or scipy on the slice, for any returns."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.signals.core.statistics.correlation import effective_size, fisher_interval, pearson
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.lead_lag import lead_lag
from services.signals.core.statistics.rank_correlation import spearman
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.volatility import annualised_volatility
from tests.property.statistics_strategies import Floats, Pair, leg, long_pair, pair

# Time per example says how busy the machine is, not whether the answer is right.
_PATIENT = settings(deadline=None)


def _is_flat(x: Floats) -> bool:
    return bool(np.ptp(x) == 0.0)


def _close(value: float | None, expected: float) -> bool:
    return value is not None and value == pytest.approx(expected, rel=1e-9, abs=1e-11)


@_PATIENT
@given(pair(2, 40))
def test_pearson_is_scipys_and_none_for_a_flat_leg_only(legs: Pair) -> None:
    x, y = legs
    value = pearson(x, y, x.size)
    if _is_flat(x) or _is_flat(y):
        assert value is None
    else:
        assert _close(value, np.corrcoef(x, y)[0, 1])


@_PATIENT
@given(pair(2, 40))
def test_spearman_is_scipys_and_none_for_a_flat_leg_only(legs: Pair) -> None:
    x, y = legs
    value = spearman(x, y, x.size)
    if _is_flat(x) or _is_flat(y):
        assert value is None
    else:
        assert _close(value, stats.spearmanr(x, y).statistic)


@_PATIENT
@given(pair(4, 60))
def test_the_interval_is_fishers_with_the_autocorrelations_of_the_window(legs: Pair) -> None:
    x, y = legs
    size, interval = effective_size(x, y, x.size), fisher_interval(x, y, x.size)
    if _is_flat(x) or _is_flat(y):
        assert size is None
        assert interval is None
        return
    product = 1.0
    for each in legs:
        deviations = each - each.mean()
        product *= np.correlate(deviations, deviations, "full")[each.size] / np.sum(deviations**2)
    expected = float(np.clip(x.size * (1.0 - product) / (1.0 + product), 4.0, x.size))
    assert _close(size, expected)
    assert interval is not None
    r = np.corrcoef(x, y)[0, 1]
    if abs(r) < 1.0 - 1e-6:
        low, high = np.tanh(
            np.arctanh(r) + np.array([-1.0, 1.0]) * stats.norm.ppf(0.975) / np.sqrt(expected - 3.0)
        )
        assert interval.low == pytest.approx(low, rel=1e-7, abs=1e-9)
        assert interval.high == pytest.approx(high, rel=1e-7, abs=1e-9)
    correlation = pearson(x, y, x.size)
    assert correlation is not None
    assert -1.0 <= interval.low <= correlation + 1e-15
    assert correlation - 1e-15 <= interval.high <= 1.0


@_PATIENT
@given(pair(60, 120))
def test_ewm_correlation_is_pandas(legs: Pair) -> None:
    x, y = legs
    value = ewm_correlation(x, y, 20)
    if _is_flat(x) or _is_flat(y):
        assert value is None
        return
    expected = pd.Series(x).ewm(halflife=20).corr(pd.Series(y)).iloc[-1]
    # pandas' recursion keeps what a bad tick did to its running sums; two passes do not.
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@_PATIENT
@given(pair(2, 40))
def test_beta_and_hedge_ratio_are_covariances_over_variances(legs: Pair) -> None:
    a, b = legs
    covariance = np.cov(a, b)
    # A slope is exact to the size it would have if the legs moved as one.
    steepest = math.sqrt(np.prod(np.diag(covariance)))
    if _is_flat(b):
        assert beta(a, b, a.size) is None
    else:
        expected, scale = covariance[0, 1] / covariance[1, 1], steepest / covariance[1, 1]
        assert beta(a, b, a.size) == pytest.approx(expected, rel=1e-9, abs=1e-11 * scale + 1e-15)
    if _is_flat(a):
        assert hedge_ratio(a, b, a.size) is None
    else:
        expected, scale = -covariance[0, 1] / covariance[0, 0], steepest / covariance[0, 0]
        assert hedge_ratio(a, b, a.size) == pytest.approx(expected, rel=1e-9, abs=1e-11 * scale + 1e-15)


@_PATIENT
@given(st.integers(3, 20).flatmap(lambda size: pair(2 * size, 2 * size + 5)))
def test_hedge_effectiveness_is_the_one_of_a_loop_over_sessions(legs: Pair) -> None:
    a, b = legs
    size = a.size // 2
    value = hedge_effectiveness(a, b, size)
    hedged = []
    for s in range(a.size - size, a.size):
        before = slice(s - size, s)
        if _is_flat(a[before]):
            assert value is None
            return
        hedged.append(b[s] - np.cov(a[before], b[before])[0, 1] / np.var(a[before], ddof=1) * a[s])
    if _is_flat(b[-size:]):
        assert value is None
        return
    expected = 1.0 - np.var(hedged, ddof=1) / np.var(b[-size:], ddof=1)
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@_PATIENT
@given(st.integers(2, 60).flatmap(leg))
def test_volatility_is_numpys_std_for_a_year(returns: Floats) -> None:
    expected = 0.0 if _is_flat(returns) else float(np.std(returns, ddof=1)) * math.sqrt(252.0)
    assert _close(annualised_volatility(returns, returns.size), expected)


@_PATIENT
@given(long_pair(130), st.integers(-10, 10))
def test_lead_lag_is_the_largest_of_all_lags(legs: Pair, moved: int) -> None:
    a, b = legs[0], np.roll(legs[1], moved)
    found = lead_lag(a, b, 120)
    assert found is not None
    a, b = a[-120:], b[-120:]
    by_lag = {}
    for lag in range(-10, 11):
        times = [t for t in range(120) if 0 <= t + lag < 120]
        by_lag[lag] = np.corrcoef([a[t] for t in times], [b[t + lag] for t in times])[0, 1]
    assert _close(found.correlation, by_lag[found.lag])
    assert abs(by_lag[found.lag]) >= max(map(abs, by_lag.values())) - 1e-11
    assert found.band == pytest.approx(1.96 / math.sqrt(120 - abs(found.lag)), rel=1e-15)


@_PATIENT
@given(pair(12, 12))
def test_lead_lag_prefers_small_lags_and_skips_flat_ones(legs: Pair) -> None:
    a, b = legs
    found = lead_lag(a, b, size=12, max_lag=4)
    by_lag = {}
    for lag in (0, 1, -1, 2, -2, 3, -3, 4, -4):
        x, y = (a[: 12 - lag], b[lag:]) if lag >= 0 else (a[-lag:], b[: 12 + lag])
        if not _is_flat(x) and not _is_flat(y):
            by_lag[lag] = abs(np.corrcoef(x, y)[0, 1])
    if found is None:
        assert not by_lag
        return
    largest = max(by_lag.values())
    assert by_lag[found.lag] >= largest - 2e-12
    for preferred in by_lag:
        if preferred == found.lag:
            break
        assert by_lag[preferred] < largest - 5e-13


@_PATIENT
@given(long_pair(260), st.booleans())
def test_stress_correlation_is_pandas_over_the_worst_tenth(legs: Pair, rounded: bool) -> None:
    a, b = legs
    if rounded:
        b = np.round(b, 2)
    x, y = pd.Series(a[-252:]), pd.Series(b[-252:])
    worst = y <= y.quantile(0.1)
    value = stress_correlation(a, b, 252)
    if _is_flat(np.asarray(y[worst], dtype=np.float64)):
        assert value is None
    else:
        assert _close(value, float(x[worst].corr(y[worst])))
