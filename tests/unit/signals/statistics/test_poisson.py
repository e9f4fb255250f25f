"""A rate and its exact interval are those of scipy."""

import math

import pytest
from scipy.stats import chi2

from services.signals.core.statistics.poisson import poisson_rate


@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 101, 1_000])
@pytest.mark.parametrize("duration", [0.5, 7.36, 300.0])
def test_interval_is_garwoods(count: int, duration: float) -> None:
    rate = poisson_rate(count, duration)

    assert rate.value == count / duration
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    assert rate.low == pytest.approx(low / duration, rel=1e-9)
    assert rate.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2 / duration, rel=1e-9)


@pytest.mark.parametrize(("count", "duration"), [(-1, 1.0), (1, 0.0), (1, math.inf), (1, math.nan)])
def test_count_below_0_and_duration_that_is_none_are_refused(count: int, duration: float) -> None:
    with pytest.raises(ValueError, match="count must be at least 0 and duration above 0"):
        poisson_rate(count, duration)
