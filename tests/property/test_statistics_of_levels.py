"""Statistics of levels (ratio, closes, z-scores) against numpy, pandas or scipy, for any history."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.signals.core.confirmed import regimes
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.leg_summary import leg_summary
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import NEUTRAL, START, next_regime, walk_regimes
from services.signals.core.statistics.zscore import baseline, zscore, zscores
from tests.oracle.pair_oracle import _regimes
from tests.property.statistics_strategies import Floats, leg

# Time per example says how busy the machine is, not whether the answer is right.
_PATIENT = settings(deadline=None)


def _is_flat(x: Floats) -> bool:
    return bool(np.ptp(x) == 0.0)


def _close(value: float | None, expected: float) -> bool:
    return value is not None and value == pytest.approx(expected, rel=1e-9, abs=1e-11)


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


@_PATIENT
@given(st.integers(3, 60).flatmap(leg), st.integers(2, 20))
def test_all_zscores_at_once_are_those_one_by_one(values: Floats, size: int) -> None:
    for s, score in enumerate(zscores(values, size)):
        one = zscore(float(values[s]), baseline(values[:s], size))
        assert one == pytest.approx(score, rel=1e-9, abs=1e-9) if one is not None else math.isnan(score)


# Few levels, so that windows are alike but for their order, and z falls on a level of the regime at times.
@_PATIENT
@given(st.lists(st.integers(-2, 2), min_size=91, max_size=130))
def test_regimes_of_a_history_are_those_its_sessions_had_when_they_came(steps: list[int]) -> None:
    ratios = np.array(steps) / 64.0
    state, states = START, []
    for s in range(ratios.size):
        state = next_regime(state, zscore(float(ratios[s]), baseline(ratios[:s], 90)))
        states.append(state)
    assert regimes(ratios) == states


_Z = st.none() | st.floats(-3.0, 3.0) | st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])


@_PATIENT
@given(st.lists(_Z, max_size=60))
def test_regime_is_that_of_a_walk_by_session_numbers(zscores: list[float | None]) -> None:
    state, states = START, []
    for z in zscores:
        state = next_regime(state, z)
        states.append(state)
    assert [each.name for each in states] == _regimes(pd.Series(zscores, dtype=float))
    assert walk_regimes(zscores) == states
    assert walk_regimes([math.nan if z is None else z for z in zscores]) == states
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
