"""The test of two correlations, worked by hand."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.correlation import (
    CorrelationEstimate,
    Interval,
    effective_size,
    estimate_correlation,
    fisher_interval,
    pearson,
)
from services.signals.core.statistics.correlation_change import fisher_z


def _estimate(correlation: float, effective: float) -> CorrelationEstimate:
    whole = Interval(low=-1.0, high=1.0)
    return CorrelationEstimate(correlation=correlation, effective_size=effective, interval=whole)


def test_difference_is_measured_on_fishers_scale() -> None:
    # atanh 0.6 is ln 2, atanh -0.6 its negative; 1/(19 - 3) + 1/(19 - 3) is 1/8.
    assert fisher_z(_estimate(0.6, 19.0), _estimate(-0.6, 19.0)) == pytest.approx(
        2.0 * math.log(2.0) * math.sqrt(8.0), rel=1e-15
    )


def test_sign_says_whether_the_legs_move_more_alike_than_they_used_to() -> None:
    risen = fisher_z(_estimate(0.3, 20.0), _estimate(0.1, 252.0))
    assert risen is not None
    assert risen > 0.0
    assert fisher_z(_estimate(-0.3, 20.0), _estimate(-0.1, 252.0)) == -risen
    assert fisher_z(_estimate(0.3, 20.0), _estimate(0.3, 252.0)) == 0.0


@pytest.mark.parametrize("perfect", [1.0, -1.0, 1.0 - 5e-15])
def test_none_without_one_or_where_fishers_scale_ends(perfect: float) -> None:
    usual = _estimate(0.1, 252.0)
    assert fisher_z(None, usual) is None
    assert fisher_z(usual, None) is None
    assert fisher_z(_estimate(perfect, 20.0), usual) is None
    assert fisher_z(usual, _estimate(perfect, 252.0)) is None
    assert fisher_z(usual, _estimate(1.0 - 2e-14, 252.0)) is not None


def test_estimate_is_the_correlation_its_size_and_its_interval() -> None:
    x = np.array([2.0, 2.0, 0.0, 0.0, 1.0, 1.0])
    y = np.array([1.0, 0.0, 0.0, -1.0, 1.0, -1.0])
    estimate = estimate_correlation(np.append(9.0, x), np.append(-9.0, y), 6)
    assert estimate is not None
    # As test_correlation works it out: 2 / sqrt(4 * 4), and 7.7 pairs held at 6.
    assert (estimate.correlation, estimate.effective_size) == (0.5, 6.0)
    assert estimate.correlation == pearson(x, y, 6)
    assert estimate.effective_size == effective_size(x, y, 6)
    assert estimate.interval == fisher_interval(x, y, 6)


def test_no_estimate_during_warm_up_nor_for_a_flat_leg() -> None:
    x = np.arange(6.0)
    assert estimate_correlation(x, x, 7) is None
    assert estimate_correlation(x, np.full(6, 0.1), 6) is None
    assert estimate_correlation(np.full(6, 0.1), x, 6) is None
    with pytest.raises(ValueError, match="size must be at least 4, was 3"):
        estimate_correlation(x, x, 3)
