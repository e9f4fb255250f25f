"""Pearson, Spearman, effective size and the Fisher interval, worked by hand."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.correlation import (
    Interval,
    effective_size,
    fisher_interval,
    pearson,
)
from services.signals.core.statistics.rank_correlation import spearman

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([2.0, 1.0, 4.0, 3.0])
FLAT = np.full(4, 0.1)


def test_pearson_is_the_one_worked_out_by_hand() -> None:
    assert pearson(X, Y, 4) == pytest.approx(0.6, rel=1e-15)
    assert pearson(np.append(99.0, X), np.append(-99.0, Y), 4) == pearson(X, Y, 4)


def test_spearman_shares_ranks_among_equal_values() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: sums of squares 4.5 and 5, of products 4.5.
    x, y = np.array([0.0, 7.0, 7.0, 9.0]), np.array([-5.0, 2.0, 1.0, 1000.0])
    assert spearman(x, y, 4) == pytest.approx(4.5 / math.sqrt(4.5 * 5.0), rel=1e-15)


def test_spearman_sees_order_where_pearson_sees_distance() -> None:
    steep = np.exp(10.0 * X)
    assert spearman(X, steep, 4) == 1.0
    assert spearman(X, -steep, 4) == -1.0
    straight = pearson(X, steep, 4)
    assert straight is not None
    assert straight < 0.8


def test_spearman_ranks_signed_zeros_as_equal() -> None:
    assert spearman(np.array([0.0, -0.0, 0.0, -0.0]), X, 4) is None


@pytest.mark.parametrize("statistic", [pearson, spearman, effective_size, fisher_interval])
def test_none_one_pair_before_the_window_is_full(statistic: object) -> None:
    assert callable(statistic)
    assert statistic(X, Y, 4) is not None
    assert statistic(X, Y, 5) is None
    assert statistic(X[:0], Y[:0], 4) is None


@pytest.mark.parametrize("statistic", [pearson, spearman, effective_size, fisher_interval])
def test_none_when_a_leg_is_flat_in_the_window(statistic: object) -> None:
    assert callable(statistic)
    assert statistic(FLAT, Y, 4) is None
    assert statistic(X, FLAT, 4) is None
    # It moved, but before the window.
    assert statistic(np.append(1.0, FLAT), np.append(1.0, Y), 4) is None


@pytest.mark.parametrize("statistic", [pearson, spearman, effective_size, fisher_interval])
@pytest.mark.parametrize("value", [0.1, -1.0 / 3.0, 0.7])
def test_a_long_flat_leg_is_seen_whatever_its_value(statistic: object, value: float) -> None:
    assert callable(statistic)
    # 57 times such a value, divided by 57, is not the value: a mean alone would leave a variance.
    assert statistic(np.full(57, value), np.sin(np.arange(57.0)), 57) is None


@pytest.mark.parametrize("statistic", [pearson, spearman, effective_size, fisher_interval])
def test_legs_of_unequal_length_are_refused(statistic: object) -> None:
    assert callable(statistic)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        statistic(X, Y[:3], 4)


def test_windows_too_small_for_the_statistic_are_refused() -> None:
    for statistic in (pearson, spearman):
        with pytest.raises(ValueError, match="size must be at least 2, was 1"):
            statistic(X, Y, 1)
    for interval in (effective_size, fisher_interval):
        with pytest.raises(ValueError, match="size must be at least 4, was 3"):
            interval(X, Y, 3)


def test_effective_size_is_the_one_worked_out_by_hand() -> None:
    # Deviations 1, 1, -1, -1, 0, 0 and 1, 0, 0, -1, 1, -1: autocorrelations (1 - 1 + 1) / 4 and (-1 - 1) / 4.
    x = np.array([2.0, 2.0, 0.0, 0.0, 1.0, 1.0])
    y = np.array([1.0, 0.0, 0.0, -1.0, 1.0, -1.0])
    # The product is -1/8, so the pairs would be worth 6 * (9/8) / (7/8) = 7.7 and are held at 6.
    assert effective_size(x, y, 6) == 6.0
    # Against itself: 6 * (15/16) / (17/16).
    assert effective_size(x, x, 6) == pytest.approx(90.0 / 17.0, rel=1e-15)


def test_effective_size_is_held_at_four_from_below() -> None:
    assert effective_size(np.arange(60.0), np.arange(60.0), 60) == 4.0


def test_interval_is_fishers_with_the_effective_size() -> None:
    x = np.array([2.0, 2.0, 0.0, 0.0, 1.0, 1.0])
    y = np.array([1.0, 0.0, 0.0, -1.0, 1.0, -1.0])
    # Correlation (1 + 0 + 0 + 1 + 0 + 0) / sqrt(4 * 4) = 1/2 with 6 pairs; 1.959964 as printed in tables.
    margin = 1.959964 / math.sqrt(3.0)
    interval = fisher_interval(x, y, 6)
    assert interval is not None
    assert interval.low == pytest.approx(math.tanh(0.5493061443340548 - margin), abs=1e-7)
    assert interval.high == pytest.approx(math.tanh(0.5493061443340548 + margin), abs=1e-7)


def test_interval_of_a_perfect_correlation_is_a_point() -> None:
    x = np.array([1.0, -1.0, 1.0, -1.0])
    assert fisher_interval(x, x, 4) == Interval(low=1.0, high=1.0)
    assert fisher_interval(x, -x, 4) == Interval(low=-1.0, high=-1.0)
