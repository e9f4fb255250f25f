"""What holds for every windowed statistic: bits come from the window's values and from nothing else.

Live, after a restart and in a backtest the same window lies elsewhere in memory, with another history
before it; events are compared byte for byte, so the last bit counts.
"""

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.statistics.correlation import (
    effective_size,
    estimate_correlation,
    fisher_interval,
    pearson,
)
from services.signals.core.statistics.correlation_change import fisher_z
from services.signals.core.statistics.ewm import ewm_correlation
from services.signals.core.statistics.half_life import half_life
from services.signals.core.statistics.hedge_answer import effectiveness_estimate, hedge_answer
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.kalman import kalman_ratio
from services.signals.core.statistics.lead_lag import lead_lag
from services.signals.core.statistics.leg_summary import leg_summary
from services.signals.core.statistics.opposite_moves import opposite_moves
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.rank_correlation import spearman
from services.signals.core.statistics.slope_interval import slope_margin
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.total_least_squares import total_least_squares_ratio
from services.signals.core.statistics.volatility import annualised_volatility
from services.signals.core.statistics.zscore import baseline, zscores
from tests.property.statistics_strategies import Floats, Pair, leg, long_pair, pair

# Most tests run for a dozen statistics. Time per example says how busy the machine is, nothing else.
_FEWER = settings(max_examples=25, deadline=None)

_Statistic = Callable[[Floats, Floats], object]

# Each reads at most the last 40 pairs.
WINDOWED: dict[str, _Statistic] = {
    "pearson": lambda a, b: pearson(a, b, 20),
    "spearman": lambda a, b: spearman(a, b, 20),
    "effective_size": lambda a, b: effective_size(a, b, 20),
    "fisher_interval": lambda a, b: fisher_interval(a, b, 20),
    "beta": lambda a, b: beta(a, b, 20),
    "hedge_ratio": lambda a, b: hedge_ratio(a, b, 20),
    "hedge_effectiveness": lambda a, b: hedge_effectiveness(a, b, 20),
    "volatility": lambda a, _: annualised_volatility(a, 20),
    "lead_lag": lambda a, b: lead_lag(a, b, 40, 5),
    "half_life": lambda a, _: half_life(a, 40),
    "baseline": lambda a, _: baseline(a, 20),
    "percentile": lambda a, b: percentile_rank(float(b[-1]), a, 20),
    "fisher_z": lambda a, b: fisher_z(estimate_correlation(a, b, 10), estimate_correlation(a, b, 40)),
    "opposite_moves": lambda a, b: opposite_moves(a, b, 40, 5),
    "slope_margin": lambda a, b: slope_margin(a, b, 20),
    "total_least_squares": lambda a, b: total_least_squares_ratio(a, b, 20),
    "effectiveness": lambda a, b: effectiveness_estimate(a, b, 20),
    "zscores": lambda a, _: [None if math.isnan(z) else z for z in zscores(a[-40:], 20).tolist()],
}
WHOLE: dict[str, _Statistic] = {
    "ewm_correlation": lambda a, b: ewm_correlation(a, b, 10),
    "leg_summary": lambda a, _: leg_summary(1.0 + np.abs(a), 20),
    "kalman": lambda a, b: kalman_ratio(a, b, 10),
}


@pytest.mark.parametrize("name", WINDOWED)
@_FEWER
@given(legs=pair(40, 40), before=st.integers(1, 5).flatmap(leg))
def test_what_has_left_the_window_leaves_no_trace(name: str, legs: Pair, before: Floats) -> None:
    a, b = legs
    statistic = WINDOWED[name]
    assert statistic(np.append(1e6 * before, a), np.append(-1e6 * before, b)) == statistic(a, b)


@_FEWER
@given(legs=long_pair(252), before=st.integers(1, 5).flatmap(leg))
def test_stress_correlation_forgets_too(legs: Pair, before: Floats) -> None:
    a, b = legs
    assert stress_correlation(np.append(1e6 * before, a), np.append(-1e6 * before, b)) == stress_correlation(
        a, b
    )


@pytest.mark.parametrize("name", [*WINDOWED, *WHOLE])
@_FEWER
@given(legs=pair(40, 45), offset=st.integers(0, 7), stride=st.integers(1, 3))
def test_where_the_window_lies_in_memory_does_not_matter(
    name: str, legs: Pair, offset: int, stride: int
) -> None:
    statistic = {**WINDOWED, **WHOLE}[name]
    a, b = (_elsewhere(each, offset, stride) for each in legs)
    assert statistic(a, b) == statistic(*legs)


@pytest.mark.parametrize("name", [*WINDOWED, *WHOLE])
@_FEWER
@given(legs=pair(40, 45))
def test_a_value_is_none_or_finite_and_the_input_stays(name: str, legs: Pair) -> None:
    a, b = legs[0].copy(), legs[1].copy()
    value = {**WINDOWED, **WHOLE}[name](a, b)
    assert all(math.isfinite(number) for number in _numbers(value))
    assert a.tobytes() == legs[0].tobytes()
    assert b.tobytes() == legs[1].tobytes()


@_FEWER
@given(legs=long_pair(400), offset=st.integers(0, 7), stride=st.integers(1, 3))
def test_where_the_legs_of_a_hedge_answer_lie_in_memory_does_not_matter(
    legs: Pair, offset: int, stride: int
) -> None:
    a, b = (_elsewhere(each, offset, stride) for each in legs)
    assert hedge_answer(a, b) == hedge_answer(*legs)


@_FEWER
@given(pair(20, 20), st.integers(-20, 20), st.integers(-20, 20))
def test_correlation_does_not_change_with_the_unit_or_the_order_of_the_legs(
    legs: Pair, scale_a: int, scale_b: int
) -> None:
    a, b = legs
    for statistic in (pearson, spearman):
        value = statistic(a, b, 20)
        assert statistic(b, a, 20) == value
        # Powers of two, so that not even rounding changes.
        assert statistic(math.ldexp(1.0, scale_a) * a, math.ldexp(1.0, scale_b) * b, 20) == value
        turned = statistic(-a, b, 20)
        assert turned == (None if value is None else -value)


@_FEWER
@given(pair(20, 20))
def test_a_moving_leg_correlates_perfectly_with_itself(legs: Pair) -> None:
    for each in legs:
        for statistic in (pearson, spearman):
            assert statistic(each, each, 20) == (None if np.ptp(each) == 0.0 else 1.0)


def _numbers(value: object) -> list[float]:
    if isinstance(value, int | float):
        return [value]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    if is_dataclass(value):
        return [number for each in fields(value) for number in _numbers(getattr(value, each.name))]
    assert value is None
    return []


def _elsewhere(x: Floats, offset: int, stride: int) -> Floats:
    room = np.full(offset + stride * x.size, 99.0)
    placed = room[offset::stride][: x.size]
    placed[:] = x
    return placed
