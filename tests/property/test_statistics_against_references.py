"""Each statistic against numpy, pandas or scipy on the slice, for any returns."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.signals.core.statistics.correlation import effective_size, fisher_interval, pearson, spearman
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.lead_lag import lead_lag
from services.signals.core.statistics.leg_summary import leg_summary
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import NEUTRAL, START, next_regime
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscore
from tests.oracle.pair_oracle import _regimes
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
    if _is_flat(b):
        assert beta(a, b, a.size) is None
    else:
        assert _close(beta(a, b, a.size), covariance[0, 1] / covariance[1, 1])
    if _is_flat(a):
        assert hedge_ratio(a, b, a.size) is None
    else:
        assert _close(hedge_ratio(a, b, a.size), -covariance[0, 1] / covariance[0, 0])


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


@_PATIENT
@given(st.integers(4, 60).flatmap(leg))
def test_half_life_is_that_of_scipys_slope(levels: Floats) -> None:
    value = half_life(levels, levels.size)
    if _is_flat(levels[:-1]):
        assert value is None
        return
    slope = stats.linregress(levels[:-1], np.diff(levels)).slope
    if -1.0 + 1e-4 < slope < -1e-4:
        assert value == pytest.approx(-math.log(2.0) / math.log(1.0 + slope), rel=1e-8)
    elif slope > 1e-9 or slope < -1.0 - 1e-9:
        assert value is None


@_PATIENT
@given(st.integers(3, 100).flatmap(leg))
def test_zscore_and_percentile_are_scipys_over_the_sessions_before(values: Floats) -> None:
    value, previous = float(values[-1]), values[:-1]
    rank = percentile_rank(value, previous, previous.size)
    assert _close(rank, stats.percentileofscore(previous, value, kind="mean") / 100.0)
    z = zscore(value, baseline(previous, previous.size))
    if _is_flat(previous):
        assert z is None
    else:
        assert z == pytest.approx(stats.zmap(value, previous, ddof=1), rel=1e-9, abs=1e-9)


_Z = st.none() | st.floats(-3.0, 3.0) | st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])


@_PATIENT
@given(st.lists(_Z, max_size=60))
def test_regime_is_that_of_a_walk_by_session_numbers(zscores: list[float | None]) -> None:
    state, states = START, []
    for z in zscores:
        state = next_regime(state, z)
        states.append(state)
    assert [each.name for each in states] == _regimes(pd.Series(zscores, dtype=float))
    held = [each.name or each.suspended or NEUTRAL for each in states]
    changes = [s for s in range(len(held)) if held[s] != (held[s - 1] if s else NEUTRAL)]
    assert all(later - earlier >= 3 for earlier, later in pairwise(changes))


@_PATIENT
@given(st.integers(1, 120).flatmap(leg))
def test_leg_summary_is_pandas(steps: Floats) -> None:
    closes = 100.0 + np.abs(steps)
    series = pd.Series(closes)
    summary = leg_summary(closes, 30)
    assert summary is not None
    assert summary.last == closes[-1]
    for sessions, change in (
        (1, summary.change_1), (5, summary.change_5), (20, summary.change_20), (90, summary.change_90)
    ):  # fmt: skip
        if closes.size <= sessions:
            assert change is None
        else:
            assert change is not None
            assert change.absolute == series.diff(sessions).iloc[-1]
            assert change.percent == pytest.approx(100.0 * series.pct_change(sessions).iloc[-1], abs=1e-9)
    window = series.iloc[-30:]
    if closes.size < 30:
        assert (summary.minimum, summary.maximum, summary.mean, summary.std, summary.drawdown) == (None,) * 5
    else:
        assert (summary.minimum, summary.maximum) == (window.min(), window.max())
        assert _close(summary.mean, window.mean())
        assert summary.std == pytest.approx(window.std(), rel=1e-9, abs=1e-9)
        assert _close(summary.drawdown, window.iloc[-1] / window.max() - 1.0)
    if closes.size < 31:
        assert (summary.percentile, summary.volatility) == (None, None)
    else:
        returns = pd.Series(np.log(closes)).diff()
        assert _close(summary.volatility, returns.iloc[-30:].std() * math.sqrt(252.0))
        assert summary.percentile is not None
        assert 0.0 <= summary.percentile <= 1.0
