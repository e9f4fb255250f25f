"""The exponentially weighted correlation: warm-up, weights, flat legs."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.ewm import ewm_correlation


def test_each_half_life_back_counts_half() -> None:
    # Weights 1/4, 1/2, 1; x averages (0 + 1 + 0) / 1.75 = 4/7... worked as fractions of 7:
    # mean x 2/7, mean y 4/7; weighted squares 10/28, 12/28 and product 2/2 - 7/4 * 8/49, scaled below.
    x, y = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    # E[x] = 2/7, E[y] = 4/7, E[xx] = 2/7, E[yy] = 4/7, E[xy] = 0.
    expected = -(2 / 7 * 4 / 7) / math.sqrt((2 / 7 - 4 / 49) * (4 / 7 - 16 / 49))
    assert ewm_correlation(x, y, 1) == pytest.approx(expected, rel=1e-14)


def test_none_with_fewer_than_three_half_lives_of_returns() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=60), rng.normal(size=60)
    assert ewm_correlation(x, y, 20) is not None
    assert ewm_correlation(x[1:], y[1:], 20) is None
    assert ewm_correlation(x[:0], y[:0], 20) is None


def test_none_when_a_leg_never_moved() -> None:
    flat, moving = np.full(60, 0.1), np.arange(60.0)
    assert ewm_correlation(flat, moving, 20) is None
    assert ewm_correlation(moving, flat, 20) is None


def test_the_whole_history_counts_not_only_the_warm_up() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=61), rng.normal(size=61)
    assert ewm_correlation(x, y, 20) != ewm_correlation(x[1:], y[1:], 20)


def test_a_history_so_long_that_its_first_weights_vanish_still_has_a_value() -> None:
    x = np.tile([1.0, -1.0], 1000)
    assert ewm_correlation(x, x, 1) == 1.0
    assert ewm_correlation(x, -x, 1) == -1.0


def test_bad_shapes_and_half_lives_are_refused() -> None:
    with pytest.raises(ValueError, match="halflife must be at least 1, was 0"):
        ewm_correlation(np.arange(3.0), np.arange(3.0), 0)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        ewm_correlation(np.arange(3.0), np.arange(4.0), 1)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        ewm_correlation(np.ones((2, 2)), np.ones((2, 2)), 1)


def test_value_is_a_plain_float() -> None:
    assert type(ewm_correlation(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 1)) is float
