"""Moments against hand-worked sums, and the inputs that break one-pass formulas."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.moments import (
    MeanStd,
    last_pairs,
    mean_std,
    pair_moments,
    window_moments,
)

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([2.0, 1.0, 4.0, 3.0])


def test_moments_are_those_worked_out_by_hand() -> None:
    moments = pair_moments(X, Y)
    assert (moments.size, moments.mean_x, moments.mean_y) == (4, 2.5, 2.5)
    assert moments.variance_x == moments.variance_y == 5.0 / 3.0
    assert moments.covariance == 1.0
    assert moments.correlation == pytest.approx(0.6, rel=1e-15)


def test_every_field_is_a_plain_float() -> None:
    moments = pair_moments(X, Y)
    fields = (moments.mean_x, moments.mean_y, moments.variance_x, moments.variance_y, moments.covariance)
    assert {type(field) for field in (*fields, moments.correlation, *_fields(mean_std(X)))} == {float}


@pytest.mark.parametrize("value", [0.0, 0.1, -1.0 / 3.0, 1e-9, 123456.789])
def test_a_flat_leg_has_a_variance_of_exactly_zero_and_no_correlation(value: float) -> None:
    flat = np.full(60, value)
    moving = np.arange(60.0)
    assert pair_moments(flat, moving).variance_x == 0.0
    assert pair_moments(flat, moving).covariance == 0.0
    assert pair_moments(flat, moving).correlation is None
    assert pair_moments(moving, flat).variance_y == 0.0
    assert pair_moments(moving, flat).correlation is None
    assert mean_std(flat) == MeanStd(mean=value, std=0.0)


def test_a_leg_that_moved_once_by_the_least_there_is_is_not_flat() -> None:
    barely = np.full(60, 0.1)
    barely[-1] = math.nextafter(0.1, 1.0)
    assert mean_std(barely).std > 0.0
    # 29.5 / sqrt(59/60 * 60 * 3599/12), whatever the size of the one step.
    assert pair_moments(barely, np.arange(60.0)).correlation == pytest.approx(
        29.5 / math.sqrt(59 * 3599 / 12), rel=1e-12
    )


def test_a_large_level_does_not_eat_the_digits() -> None:
    # The one-pass formula gives 0 or a negative variance here.
    shifted = pair_moments(X + 1e9, Y - 1e9)
    assert shifted.variance_x == 5.0 / 3.0
    assert shifted.covariance == 1.0


def test_correlation_never_leaves_its_range_by_rounding() -> None:
    rng = np.random.default_rng(20120604)
    for _ in range(300):
        x = rng.normal(size=20)
        up, down = pair_moments(x, 0.1 * x).correlation, pair_moments(x, -0.3 * x).correlation
        assert up is not None
        assert down is not None
        assert pair_moments(x, x).correlation == 1.0
        assert 1.0 - 1e-15 <= up <= 1.0
        assert -1.0 <= down <= -1.0 + 1e-15


def test_mean_and_std_are_those_worked_out_by_hand() -> None:
    assert mean_std(np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])) == MeanStd(
        mean=5.0, std=math.sqrt(32.0 / 7.0)
    )


def test_the_input_is_left_as_it_was() -> None:
    x, y = X.copy(), Y.copy()
    pair_moments(x, y)
    mean_std(x)
    assert x.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert y.tolist() == [2.0, 1.0, 4.0, 3.0]


def test_a_window_is_the_last_pairs_and_none_before_it_is_full() -> None:
    window = window_moments(X, Y, 2)
    assert window is not None
    assert (window.mean_x, window.mean_y, window.covariance) == (3.5, 3.5, -0.5)
    assert window_moments(X, Y, 4) == pair_moments(X, Y)
    assert window_moments(X, Y, 5) is None


@pytest.mark.parametrize(
    ("x", "y"), [(X, Y[:3]), (X[:1], Y[:1]), (X[:0], Y[:0]), (X.reshape(2, 2), Y.reshape(2, 2))]
)
def test_pairs_of_unequal_length_or_fewer_than_two_are_refused(
    x: np.ndarray[tuple[int, ...], np.dtype[np.float64]], y: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    with pytest.raises(ValueError, match="a pair must be two rows of one length, at least 2, was"):
        pair_moments(x, y)


def test_a_window_of_one_and_unequal_legs_are_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        window_moments(X, Y, 1)
    with pytest.raises(ValueError, match="a pair must be two rows of one length, was"):
        last_pairs(X, Y[:3], 2)
    with pytest.raises(ValueError, match="a pair must be two rows of one length, was"):
        last_pairs(X.reshape(2, 2), Y.reshape(2, 2), 2)


def test_the_spread_of_a_single_value_is_refused() -> None:
    with pytest.raises(ValueError, match="a window must be one row of at least 2 values, was"):
        mean_std(X[:1])
    assert mean_std(X[:2]) == MeanStd(mean=1.5, std=math.sqrt(0.5))
    with pytest.raises(ValueError, match="a window must be one row of at least 2 values, was"):
        mean_std(X.reshape(2, 2))


def _fields(window: MeanStd) -> tuple[float, float]:
    return window.mean, window.std
