"""Intervals against scipy, statsmodels and published tables, and against simulated truth."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from services.signals.core.outcomes.episodes import episodes_of
from services.signals.core.outcomes.intervals import Sample, hit_rates, medians
from shared.domain.divergences import Estimate


def hits_of(hits: int, count: int) -> Sample:
    """Return openings that do not overlap, some of them hits."""
    return Sample(hits=np.arange(count) < hits, moves=np.zeros((3, count)), episodes=np.arange(count))


def moves_of(values: NDArray[np.float64]) -> Sample:
    """Return openings that do not overlap with the same returns of the lead, the other leg and the ratio."""
    return Sample(hits=values > 0.0, moves=np.stack([values] * 3), episodes=np.arange(len(values)))


def hit_rate(hits: int, count: int, *, comparisons: int = 1) -> Estimate:
    ((rate,),) = hit_rates([hits_of(hits, count)], comparisons=(comparisons,))
    return rate


def median(values: NDArray[np.float64]) -> Estimate:
    ((lead, other, ratio),) = medians([moves_of(values)])
    assert lead == other == ratio
    return lead


def encloses(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize("count", [1, 2, 5, 20, 187, 512])
def test_without_overlap_a_hit_rate_has_the_exact_interval_of_statsmodels_and_scipy(count: int) -> None:
    rates = hit_rates([hits_of(hits, count) for hits in range(count + 1)])
    for hits, (rate,) in enumerate(rates):
        expected = proportion_confint(hits, count, alpha=0.05, method="beta")
        tested = stats.binomtest(hits, count).proportion_ci(0.95, method="exact")

        assert rate.value == hits / count
        assert (rate.low, rate.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert (rate.low, rate.high) == pytest.approx((tested.low, tested.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("comparisons", [3, 27, 60])
def test_an_adjusted_interval_is_the_exact_one_of_bonferronis_level(comparisons: int) -> None:
    for hits, count in ((0, 4), (3, 5), (9, 13), (27, 27), (40, 187)):
        rate = hit_rate(hits, count, comparisons=comparisons)
        expected = proportion_confint(hits, count, alpha=0.05 / comparisons, method="beta")

        assert (rate.low, rate.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_hit_rate_has_the_published_interval() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 5."""
    published = {
        (81, 263): (0.2527, 0.3676),
        (15, 148): (0.0578, 0.1617),
        (0, 20): (0.0, 0.1684),
        (1, 29): (0.0009, 0.1776),
    }
    for (hits, count), interval in published.items():
        rate = hit_rate(hits, count)
        assert (rate.low, rate.high) == pytest.approx(interval, abs=5.1e-5)


def test_interval_of_no_hit_begins_at_0_and_that_of_all_ends_at_1() -> None:
    assert hit_rate(0, 7).low == 0.0
    assert hit_rate(7, 7).high == 1.0


def test_no_opening_has_neither_hit_rate_nor_median() -> None:
    assert hit_rates([]) == []
    assert medians([]) == []


@pytest.mark.parametrize("hits", [[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0]])
def test_two_openings_of_one_episode_with_the_same_result_count_once(hits: list[int]) -> None:
    twice = Sample(
        hits=np.array(hits, np.bool_), moves=np.zeros((3, 6)), episodes=np.array([0, 0, 1, 1, 2, 2])
    )

    ((rate,),) = hit_rates([twice])

    once = hit_rate(sum(hits[::2]), 3)
    assert (rate.value, rate.low, rate.high) == pytest.approx((once.value, once.low, once.high), abs=1e-12)


def test_openings_of_one_episode_with_opposite_results_count_at_most_as_independent_ones() -> None:
    mixed = Sample(hits=np.array([1, 0] * 4, np.bool_), moves=np.zeros((3, 8)), episodes=np.arange(8) // 2)

    ((rate,),) = hit_rates([mixed])

    independent = hit_rate(4, 8)
    assert rate.low is not None
    assert independent.low is not None
    assert rate.low <= independent.low + 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_interval_is_that_of_a_block_bootstrap_with_drawn_weights(seed: int) -> None:
    """200,000 draws of exponential weights of whole episodes, with one more episode at either end."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 5, 14)
    rates = random.beta(2.0, 2.0, 14)
    hits = np.concatenate([random.random(size) < rate for size, rate in zip(sizes, rates, strict=True)])
    episodes = np.repeat(np.arange(14), sizes)
    weights = random.standard_exponential((200_000, 15))
    all_sizes = np.append(sizes, sizes.mean())
    by_episode = np.bincount(episodes, weights=hits)
    total = weights @ all_sizes
    ends = [
        np.quantile(weights @ np.append(by_episode, more) / total, level)
        for more, level in ((0.0, 0.025), (sizes.mean(), 0.975))
    ]

    ((rate,),) = hit_rates([Sample(hits=hits, moves=np.zeros((3, len(hits))), episodes=episodes)])

    # A weighted share is no beta variable where episodes have mixed results; the ends differ by this much.
    assert (rate.low, rate.high) == pytest.approx(ends, abs=0.012)


def test_ends_of_the_medians_interval_are_those_that_binom_allows_at_any_size() -> None:
    for size in range(1, 257):
        values = np.random.default_rng(size).permutation(size).astype(float)
        # Of rank k at index k - 1: how often the k-th smallest and the k-th largest miss the median.
        missed = 2.0 * stats.binom.cdf(np.arange(size), size, 0.5)
        rank = int((missed <= 0.05).sum())

        found = median(values)

        assert found.value == (size - 1) / 2
        assert (found.low, found.high) == ((rank - 1, size - rank) if rank else (None, None))


def test_rank_of_the_median_by_hand() -> None:
    """Of 5 values both ends miss it in 2/32, of 6 in 2/64; of 12 the third ones in 2 * (1 + 12 + 66)/4096."""
    assert [median(np.arange(float(size))).low for size in (5, 6, 12)] == [None, 0.0, 2.0]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 30, 31])
def test_median_is_numpys_and_its_interval_two_of_the_values(size: int) -> None:
    values = np.random.default_rng(size).standard_t(3, size)
    ordered = np.sort(values).tolist()
    rank = {6: 1, 7: 1, 30: 10, 31: 10}.get(size)

    found = median(values)

    assert found.value == pytest.approx(np.median(values), rel=1e-15)
    if rank is None:
        assert (found.low, found.high) == (None, None)
    else:
        assert (found.low, found.high) == (ordered[rank - 1], ordered[-rank])


def test_five_episodes_have_no_interval_of_the_median_however_many_openings_they_are() -> None:
    values = np.repeat(np.arange(5.0), 4)
    sample = Sample(hits=values > 0, moves=np.stack([values] * 3), episodes=np.repeat(np.arange(5), 4))

    ((lead, _, _),) = medians([sample])

    assert (lead.value, lead.low, lead.high) == (2.0, None, None)


def test_interval_encloses_the_median_as_often_as_it_promises() -> None:
    """Over 4,000 samples of 12 heavy-tailed values: 96.1 % in theory, 95 % promised."""
    samples = np.random.default_rng(1).standard_t(2, (4_000, 12))
    enclosed = 0
    for found, _, _ in medians([moves_of(sample) for sample in samples]):
        assert found.low is not None
        assert found.high is not None
        enclosed += found.low <= 0.0 <= found.high

    assert 0.95 <= enclosed / 4_000 <= 0.972


@pytest.mark.parametrize(
    ("horizon", "apart"),
    [(5, 2), (5, 4), (20, 4), (20, 9)],
    ids=["5 sessions, nearly all overlap", "5, half overlap", "20, nearly all overlap", "20, half overlap"],
)
def test_intervals_of_overlapping_openings_cover_the_truth_as_often_as_they_promise(
    horizon: int, apart: int
) -> None:
    """Bursts of openings, ``apart`` sessions from each other on average, in 2,000 histories of 800 sessions.

    The returns are independent with a drift, so the true hit rate and the true median are known.
    """
    random = np.random.default_rng(horizon + apart)
    drift = 0.1
    samples: list[Sample] = []
    while len(samples) < 2_000:
        returns = random.standard_normal(800) + drift
        level = np.concatenate(([0.0], np.cumsum(returns)))
        bursts = np.sort(random.integers(0, 760, 9))
        starts = np.unique(np.concatenate([at + np.cumsum(random.geometric(1 / apart, 4)) for at in bursts]))
        starts = starts[starts < 800 - horizon]
        moves = level[starts + horizon] - level[starts]
        samples.append(
            Sample(hits=moves > 0.0, moves=np.stack([moves] * 3), episodes=episodes_of(starts, horizon))
        )
    rate, middle = stats.norm.cdf(drift * np.sqrt(horizon)), drift * horizon

    found = hit_rates(samples, comparisons=(1, 27))
    covered = [encloses(plain, rate) for plain, _ in found]
    adjusted = [encloses(wide, rate) for _, wide in found]
    medians_found = [lead for lead, _, _ in medians(samples) if lead.low is not None]
    enclosed = [encloses(each, middle) for each in medians_found]

    # Three standard errors of 2,000 histories below 95 % and below 1 - 0.05 / 27.
    assert np.mean(covered) >= 0.935
    assert np.mean(adjusted) >= 0.9955
    assert len(medians_found) >= 500
    assert np.mean(enclosed) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(medians_found))
