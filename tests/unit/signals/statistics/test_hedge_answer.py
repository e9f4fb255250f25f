"""The six estimates together: equal to the statistics of their names, None where those are."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from services.signals.core.statistics.hedge_answer import effectiveness_estimate, hedge_answer
from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio
from services.signals.core.statistics.kalman import kalman_ratio
from services.signals.core.statistics.stress import stress_correlation
from services.signals.core.statistics.total_least_squares import total_least_squares_ratio
from shared.domain.divergences import Estimate

RNG = np.random.default_rng(17)
A = RNG.standard_t(4, size=400) * 0.01
B = -0.7 * A + RNG.standard_t(4, size=400) * 0.01
NOTHING = Estimate(value=None)


def test_values_are_the_statistics_to_the_last_bit() -> None:
    hedge = hedge_answer(A, B)
    assert hedge.ratio.value == hedge_ratio(A, B, 60)
    assert hedge.beta.value == beta(A, B, 60)
    assert hedge.effectiveness.value == hedge_effectiveness(A, B, 60)
    assert hedge.stress_corr.value == stress_correlation(A, B, 252)
    assert hedge.ratio_tls == total_least_squares_ratio(A, B, 60)
    assert hedge.ratio_kalman == kalman_ratio(A, B)


def test_every_value_lies_inside_its_interval() -> None:
    for each in astuple(hedge_answer(A, B)):
        value, low, high = each
        assert low < value < high


def test_stress_interval_is_fishers_with_the_effective_size_of_the_stressed_sessions() -> None:
    a, b = A[-252:], B[-252:]
    worst = b <= np.quantile(b, 0.1)
    x, y = a[worst], b[worst]
    product = 1.0
    for each in (x, y):
        deviations = each - each.mean()
        product *= np.sum(deviations[1:] * deviations[:-1]) / np.sum(deviations**2)
    effective = np.clip(26 * (1.0 - product) / (1.0 + product), 4.0, 26.0)
    margin = stats.norm.ppf(0.975) / math.sqrt(effective - 3.0)
    centre = math.atanh(np.corrcoef(x, y)[0, 1])
    stress = hedge_answer(A, B).stress_corr
    assert stress.low == pytest.approx(math.tanh(centre - margin), rel=1e-10)
    assert stress.high == pytest.approx(math.tanh(centre + margin), rel=1e-10)


@pytest.mark.parametrize(
    ("count", "defined"),
    [
        (59, set()),
        (60, {"ratio", "beta", "ratio_tls", "ratio_kalman"}),
        (120, {"ratio", "beta", "ratio_tls", "ratio_kalman", "effectiveness"}),
        (252, {"ratio", "beta", "ratio_tls", "ratio_kalman", "effectiveness", "stress_corr"}),
    ],
)
def test_each_estimate_is_there_once_its_window_is_full(count: int, defined: set[str]) -> None:
    names = ("ratio", "beta", "effectiveness", "stress_corr", "ratio_tls", "ratio_kalman")
    hedge = hedge_answer(A[:count], B[:count])
    assert {name for name in names if getattr(hedge, name) != NOTHING} == defined


def test_flat_legs_leave_what_they_define() -> None:
    flat = np.full(400, 0.1)
    of_flat_lead, of_flat_other = hedge_answer(flat, B), hedge_answer(A, flat)
    assert of_flat_lead.beta == Estimate(value=0.0, low=0.0, high=0.0)
    for name in ("ratio", "effectiveness", "stress_corr", "ratio_tls", "ratio_kalman"):
        assert getattr(of_flat_lead, name) == NOTHING
    assert of_flat_other.ratio == Estimate(value=0.0, low=0.0, high=0.0)
    for name in ("beta", "effectiveness", "stress_corr"):
        assert getattr(of_flat_other, name) == NOTHING


def test_effectiveness_interval_is_symmetric_in_the_log_of_what_is_left() -> None:
    estimate = effectiveness_estimate(A, B, 60)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    left, most, least = 1.0 - estimate.value, 1.0 - estimate.low, 1.0 - estimate.high
    assert most / left == pytest.approx(left / least, rel=1e-12)
    assert estimate.high < 1.0


def test_effectiveness_interval_holds_the_truth_as_often_as_it_says() -> None:
    # 1 - corr^2 is left of the variance by the best hedge; out of sample a little more is.
    rng = np.random.default_rng(23)
    held = 0
    for _ in range(400):
        a = rng.normal(size=120)
        b = -a + rng.normal(size=120)
        estimate = effectiveness_estimate(a, b, 60)
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 0.5 <= estimate.high
    assert 0.88 <= held / 400 <= 0.98


def test_ratio_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(29)
    held = {"ratio": 0, "ratio_tls": 0, "ratio_kalman": 0}
    for _ in range(400):
        a = rng.normal(size=60)
        hedge = hedge_answer(a, -0.8 * a + 0.3 * rng.normal(size=60))
        noisy = hedge_answer(a + 0.3 * rng.normal(size=60), -0.8 * a + 0.3 * rng.normal(size=60))
        for name, estimate in (
            ("ratio", hedge.ratio), ("ratio_kalman", hedge.ratio_kalman), ("ratio_tls", noisy.ratio_tls)
        ):  # fmt: skip
            assert estimate.low is not None
            assert estimate.high is not None
            held[name] += estimate.low <= 0.8 <= estimate.high
    for name, count in held.items():
        assert count / 400 >= 0.88, name


def test_effectiveness_without_a_variance_to_remove_is_none() -> None:
    assert effectiveness_estimate(A, np.full(400, 0.1), 60) == NOTHING
    assert effectiveness_estimate(np.full(400, 0.1), B, 60) == NOTHING
    assert effectiveness_estimate(A[:119], B[:119], 60) == NOTHING
