"""Intervals against scipy, statsmodels and published tables."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from services.signals.core.outcomes.intervals import hit_rate, median, median_rank
from shared.domain.divergences import Estimate


@pytest.mark.parametrize("count", [1, 2, 5, 20, 187, 512])
def test_hit_rate_has_the_wilson_interval_of_statsmodels_and_scipy(count: int) -> None:
    for hits in range(count + 1):
        rate = hit_rate(hits, count)
        expected = proportion_confint(hits, count, alpha=0.05, method="wilson")
        tested = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")

        assert rate.value == hits / count
        assert (rate.low, rate.high) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert (rate.low, rate.high) == pytest.approx((tested.low, tested.high), rel=1e-12, abs=1e-12)


def test_hit_rate_has_the_published_interval() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3."""
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611)}
    for (hits, count), interval in published.items():
        rate = hit_rate(hits, count)
        assert (rate.low, rate.high) == pytest.approx(interval, abs=5e-5)


def test_interval_of_no_hit_begins_at_0_and_that_of_all_ends_at_1() -> None:
    assert hit_rate(0, 7).low == 0.0
    assert hit_rate(7, 7).high == 1.0


def test_no_opening_has_no_hit_rate() -> None:
    assert hit_rate(0, 0) == Estimate(value=None)


def test_rank_of_the_median_is_the_largest_that_binom_allows_at_any_size() -> None:
    for size in range(1, 513):
        # Of rank k at index k - 1: how often the k-th smallest and the k-th largest miss the median.
        missed = 2.0 * stats.binom.cdf(np.arange(size), size, 0.5)

        assert (median_rank(size) or 0) == int((missed <= 0.05).sum())


def test_rank_of_the_median_by_hand() -> None:
    """Of 5 values both ends miss it in 2/32, of 6 in 2/64; of 12 the third ones in 2 * (1 + 12 + 66)/4096."""
    assert [median_rank(size) for size in (5, 6, 12)] == [None, 1, 3]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 30, 31])
def test_median_is_numpys_and_its_interval_two_of_the_values(size: int) -> None:
    values = np.random.default_rng(size).standard_t(3, size).tolist()
    ordered = sorted(values)
    rank = {6: 1, 7: 1, 30: 10, 31: 10}.get(size)

    found = median(values)

    assert found.value == pytest.approx(np.median(values), rel=1e-15)
    if rank is None:
        assert (found.low, found.high) == (None, None)
    else:
        assert (found.low, found.high) == (ordered[rank - 1], ordered[-rank])


def test_interval_encloses_the_median_as_often_as_it_promises() -> None:
    """Over 4,000 samples of 12 heavy-tailed values: 96.1 % in theory, 95 % promised."""
    samples = np.random.default_rng(1).standard_t(2, (4_000, 12))
    enclosed = 0
    for sample in samples.tolist():
        found = median(sample)
        assert found.low is not None
        assert found.high is not None
        enclosed += found.low <= 0.0 <= found.high

    assert 0.95 <= enclosed / 4_000 <= 0.972


def test_no_value_has_no_median() -> None:
    assert median([]) == Estimate(value=None)
