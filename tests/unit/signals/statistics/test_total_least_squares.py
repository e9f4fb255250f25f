"""The orthogonal line: against the singular vectors, its symmetry, and where it has no slope."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.total_least_squares import total_least_squares_ratio
from shared.domain.divergences import Estimate

A = np.array([1.0, -1.0, 2.0, -2.0, 0.0, 0.0])
# Moves where A rests, and rests where it moves.
UNRELATED = np.array([0.0, 0.0, 0.0, 0.0, 1.0, -1.0])


@pytest.mark.parametrize("seed", range(8))
def test_line_is_the_first_singular_vector(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=70) + 5.0
    b = rng.normal(size=70) + (seed - 4) / 3.0 * a
    window = np.column_stack([a[-60:], b[-60:]])
    _, _, axes = np.linalg.svd(window - window.mean(axis=0))
    assert total_least_squares_ratio(a, b, 60).value == pytest.approx(-axes[0, 1] / axes[0, 0], rel=1e-10)


def test_ratio_of_a_line_is_its_slope_with_a_point_for_an_interval() -> None:
    estimate = total_least_squares_ratio(A, -0.5 * A, 6)
    assert estimate.value == pytest.approx(0.5, rel=1e-15)
    assert estimate.low == pytest.approx(0.5, rel=1e-14)
    assert estimate.high == pytest.approx(0.5, rel=1e-14)


def test_interval_is_that_of_the_angle() -> None:
    # Sums of squares 10 and 2, no products: the axis lies along A, and along times across is always 0.
    assert total_least_squares_ratio(A, UNRELATED, 6) == Estimate(value=0.0, low=0.0, high=0.0)
    a, b = np.array([2.0, 2.0, -2.0, -2.0]), np.array([1.0, -1.0, -1.0, 1.0])
    # Sums of squares 16 and 4, no products. Influences (2, -2, 2, -2) / 12: squares 4/36, neighbours -3/36
    # with weight 1/2 on either side: 1/36; 4/2 of it. The quantile of 2 degrees has a closed form.
    margin = 0.95 * math.sqrt(2.0 / (1.0 - 0.95**2)) * math.sqrt(1.0 / 36.0 * 2.0)
    estimate = total_least_squares_ratio(a, b, 4)
    assert estimate.value == 0.0
    assert estimate.high == pytest.approx(math.tan(margin), rel=1e-12)
    assert estimate.low == pytest.approx(-math.tan(margin), rel=1e-12)


def test_interval_has_no_ends_where_it_would_hold_the_vertical() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=60), 3.0 * rng.normal(size=60)
    estimate = total_least_squares_ratio(a, b, 60)
    assert estimate.value is not None
    assert (estimate.low, estimate.high) == (None, None)


def test_vertical_axis_and_a_cloud_without_one_have_no_ratio() -> None:
    nothing = Estimate(value=None)
    assert total_least_squares_ratio(UNRELATED, A, 6) == nothing
    assert total_least_squares_ratio(np.full(6, 0.1), A, 6) == nothing
    assert total_least_squares_ratio(np.full(6, 0.1), np.full(6, 0.1), 6) == nothing
    square = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, -1.0, 1.0])
    assert total_least_squares_ratio(*square, 4) == nothing


def test_flat_other_leg_needs_no_hedge() -> None:
    estimate = total_least_squares_ratio(A, np.full(6, 0.1), 6)
    assert estimate == Estimate(value=0.0, low=0.0, high=0.0)
    assert math.copysign(1.0, estimate.value or 0.0) == 1.0


def test_warm_up_and_refusals() -> None:
    assert total_least_squares_ratio(A, A, 7) == Estimate(value=None)
    with pytest.raises(ValueError, match="size must be at least 3, was 2"):
        total_least_squares_ratio(A, A, 2)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        total_least_squares_ratio(A, A[1:], 3)
