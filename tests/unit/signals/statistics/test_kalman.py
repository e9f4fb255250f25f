"""The filtered hedge ratio against one weighted regression over all slopes at once."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from services.signals.core.statistics.kalman import kalman_ratio, noise_ratio
from shared.domain.divergences import Estimate


def _all_at_once(a: NDArray[np.float64], b: NDArray[np.float64], ratio: float) -> tuple[float, float]:
    # The slopes m that minimise sum (b - m a)^2 + sum (change of m)^2 / q, in the unit of the returns; the
    # last one is the filter's, and the minimum the sum of its squared standardised innovations.
    a, b = a - a.mean(), b - b.mean()
    q = ratio / np.mean(a**2)
    steps = np.diff(np.eye(a.size), axis=0)
    information = np.diag(a**2) + steps.T @ steps / q
    slopes = np.linalg.solve(information, a * b)
    residual = np.sum((b - slopes * a) ** 2) + np.sum(np.diff(slopes) ** 2) / q
    variance = np.linalg.inv(information)[-1, -1] * residual / (a.size - 1)
    return -slopes[-1], stats.t.ppf(0.975, a.size - 1) * np.sqrt(variance)


@pytest.mark.parametrize("seed", range(6))
def test_filter_is_the_last_of_all_slopes_fitted_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_t(4, size=150) * 0.01 + 0.002
    b = np.linspace(-1.0, 1.0, 150) * a + rng.standard_t(4, size=150) * 0.01
    ratio, margin = _all_at_once(a, b, noise_ratio(20))
    estimate = kalman_ratio(a, b)
    assert estimate.value == pytest.approx(ratio, rel=1e-9)
    assert estimate.high == pytest.approx(ratio + margin, rel=1e-9)
    assert estimate.low == pytest.approx(ratio - margin, rel=1e-9)


def test_steady_filter_forgets_half_in_a_halflife() -> None:
    # Legs that move by ±1 every day: the weight of a return k sessions ago is (1 - gain)^k.
    a = np.tile([1.0, -1.0], 400)
    answers = []
    for age in (300, 320):
        b = np.zeros(800)
        b[-1 - age] = a[-1 - age]
        # The other leg's mean must not move with the one return.
        b[-2 - age] = -b[-1 - age]
        answers.append(kalman_ratio(a, b).value or 0.0)
    assert answers[1] / answers[0] == pytest.approx(0.5, rel=1e-4)


def test_noise_ratio_is_the_one_whose_gain_halves() -> None:
    # The steady filter's gain k solves k^2 / (1 - k) = q.
    q = noise_ratio(20)
    gain = (-q + np.sqrt(q * q + 4.0 * q)) / 2.0
    assert (1.0 - gain) ** 20 == pytest.approx(0.5, rel=1e-12)
    assert noise_ratio(1) == 0.5


def test_perfect_hedge_has_a_point_for_an_interval() -> None:
    a = np.random.default_rng(1).normal(size=80)
    estimate = kalman_ratio(a, -2.0 * a)
    for value in (estimate.value, estimate.low, estimate.high):
        assert value == pytest.approx(2.0, rel=1e-12)


def test_returns_at_their_mean_say_nothing_of_the_slope() -> None:
    # Deviations 0 at first: the start waits for a move; what the other leg does meanwhile is noise.
    a, b = np.zeros(60), np.tile([1.0, -1.0], 30)
    a[-2:] = 1.0, -1.0
    ratio, margin = _all_at_once(a, b, noise_ratio(20))
    estimate = kalman_ratio(a, b)
    assert estimate.value == pytest.approx(ratio, rel=1e-9)
    assert estimate.high == pytest.approx(ratio + margin, rel=1e-9)


def test_none_before_three_halflives_and_for_a_flat_lead() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 60))
    assert kalman_ratio(a, b).value is not None
    assert kalman_ratio(a[1:], b[1:]) == Estimate(value=None)
    assert kalman_ratio(np.full(60, 0.1), b) == Estimate(value=None)
    flat = kalman_ratio(a, np.full(60, 0.1))
    assert flat == Estimate(value=0.0, low=0.0, high=0.0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="halflife must be at least 1, was 0"):
        kalman_ratio(np.ones(3), np.ones(3), 0)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        kalman_ratio(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        kalman_ratio(np.ones((2, 60)), np.ones((2, 60)))
