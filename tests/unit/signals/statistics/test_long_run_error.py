"""Newey and West's error of an estimate, against statsmodels and by hand."""

import math

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from services.signals.core.statistics.long_run_error import long_run_margin
from services.signals.core.statistics.slope_interval import slope_margin


def test_without_a_lag_it_is_students_interval_of_a_mean() -> None:
    # 3 observations are too few for a lag: floor(4 * 0.03^(2/9)) is 1, held below 3. One lag, weight 1/2.
    influences = np.array([-1.0, 0.0, 1.0]) / 3.0
    # Squares 2/9, products of neighbours 0; 3/2 of it; t of 2 degrees, 4.302653 as printed in tables.
    assert long_run_margin(influences, 1) == pytest.approx(4.302653 * math.sqrt(2.0 / 9.0 * 1.5), rel=1e-6)


def test_neighbours_of_one_sign_widen_it_and_of_opposite_sign_narrow_it() -> None:
    alike, opposite = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
    # Squares 4; products 1 and -3, once with weight 1/2 on either side: 5 and 1.
    ratio = long_run_margin(alike, 1) / long_run_margin(opposite, 1)
    assert ratio == pytest.approx(math.sqrt(5.0), rel=1e-15)


def test_two_observations_have_one_product() -> None:
    # Squares 2, product -1: 1; 2/1 of it; t of 1 degree.
    assert long_run_margin(np.array([1.0, -1.0]), 1) == pytest.approx(12.706205 * math.sqrt(2.0), rel=1e-6)


def test_no_influence_is_no_error() -> None:
    assert long_run_margin(np.zeros(60), 2) == 0.0


@pytest.mark.parametrize(("size", "lags"), [(20, 2), (60, 3), (100, 4), (252, 4)])
@pytest.mark.parametrize("seed", range(4))
def test_margin_of_a_slope_is_statsmodels(size: int, lags: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_t(4, size=size + 3) * 0.01
    y = 0.4 * x + np.convolve(rng.standard_t(4, size=size + 5) * 0.01, [1.0, 0.5, 0.2], "valid")
    fitted = OLS(y[-size:], add_constant(x[-size:])).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    low, high = fitted.conf_int()[1]
    assert slope_margin(x, y, size) == pytest.approx((high - low) / 2.0, rel=1e-10)


def test_slope_has_no_margin_during_warm_up_nor_of_a_flat_leg() -> None:
    x = np.arange(5.0) ** 2
    assert slope_margin(x, x[::-1], 5) is not None
    assert slope_margin(x, x, 6) is None
    assert slope_margin(np.full(5, 0.1), x, 5) is None
    # A flat answer is an answer: a slope of 0, without doubt.
    assert slope_margin(x, np.full(5, 0.1), 5) == 0.0
    with pytest.raises(ValueError, match="size must be at least 3, was 2"):
        slope_margin(x, x, 2)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        slope_margin(x, x[1:], 3)
