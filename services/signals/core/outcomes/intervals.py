"""Intervals of hit rates and of medians that allow for few openings and for openings that overlap.

Both come from the block bootstrap of the episodes (`block_bootstrap`). Where no two openings overlap, they
are exact: a hit rate has the interval of Clopper and Pearson, and that of a median runs from the k-th
smallest to the k-th largest value. They assume nothing about the returns but that those after different
episodes are independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.outcomes.block_bootstrap import lower_shapes
from services.signals.core.statistics.beta import beta_cdf, beta_quantile
from shared.domain.divergences import Estimate

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What followed several openings.

    Parameters
    ----------
    hits
        Whether each was a hit, shape ``(n,)``.
    moves
        Log returns of the lead, of the other leg and of the ratio, shape ``(3, n)``.
    episodes
        The episode of each, from 0 and ascending, shape ``(n,)``.
    """

    hits: NDArray[np.bool_]
    moves: Floats
    episodes: NDArray[np.intp]


def hit_rates(samples: Sequence[Sample], *, comparisons: Sequence[int] = (1,)) -> list[tuple[Estimate, ...]]:
    """Compute the hit rate of each sample with its intervals.

    Parameters
    ----------
    samples
        With at least one opening each.
    comparisons
        For each interval, how many of its kind must **all** contain their true rates with 95 %: each alone
        then does so more often, by Bonferroni's inequality with ``1 - 0.05 / comparisons``. With 1 each has
        its own 95 %.

    Examples
    --------
    >>> sample = Sample(hits=np.arange(10) > 0, moves=np.zeros((3, 10)), episodes=np.arange(10))
    >>> ((rate,),) = hit_rates([sample])
    >>> rate.value, round(rate.low, 4), round(rate.high, 4)
    (0.9, 0.555, 0.9975)
    """
    if not samples:
        return []
    shapes = []
    for sample in samples:
        sizes = np.bincount(sample.episodes).astype(np.float64)
        hits = np.bincount(sample.episodes, weights=sample.hits)
        shapes.append(lower_shapes(np.array((hits, sizes - hits)), sizes))
    a, b = (np.tile(np.concatenate(each), len(comparisons)) for each in zip(*shapes, strict=True))
    levels = np.repeat([(1.0 - CONFIDENCE) / each / 2.0 for each in comparisons], 2 * len(samples))
    ends, is_above = np.zeros_like(a), a > 0.0
    ends[is_above] = beta_quantile(levels[is_above], a[is_above], b[is_above])
    rates = [int(np.count_nonzero(sample.hits)) / len(sample.hits) for sample in samples]
    by_sample = ends.reshape(len(comparisons), len(samples), 2).swapaxes(0, 1).tolist()
    return [
        tuple(Estimate(value=rate, low=low, high=1.0 - miss) for low, miss in each)
        for rate, each in zip(rates, by_sample, strict=True)
    ]


def medians(samples: Sequence[Sample]) -> list[tuple[Estimate, Estimate, Estimate]]:
    """Compute the medians of the lead's, the other leg's and the ratio's returns with 95 % intervals.

    A value is below the median with probability 1/2. The lower end is the largest value for which the share
    of values below it would exceed 1/2 in at most 2.5 of 100 draws of the bootstrap, and the upper end
    likewise; None where even the smallest value does not qualify, as with fewer than 6 episodes.

    Parameters
    ----------
    samples
        With at least one opening each.

    Examples
    --------
    >>> moves = np.array([[0.03, -0.01, 0.02, 0.01, 0.05, 0.04]] * 3)
    >>> sample = Sample(hits=np.ones(6, bool), moves=moves, episodes=np.arange(6))
    >>> medians([sample])[0][0]
    Estimate(value=0.025, low=-0.01, high=0.05)
    """
    if not samples:
        return []
    shapes = [_shapes_below(sample) for sample in samples]
    a, b = (np.concatenate([each[index].ravel() for each in shapes]) for index in range(2))
    is_end = beta_cdf(np.full_like(a, 0.5), a, b) <= (1.0 - CONFIDENCE) / 2.0
    parts = np.split(is_end, np.cumsum([each[0].size for each in shapes])[:-1])
    return [_medians(sample, part) for sample, part in zip(samples, parts, strict=True)]


def _shapes_below(sample: Sample) -> tuple[Floats, Floats]:
    # The share of values that are not below each value, up to the middle one; first of the moves, then of the
    # moves with the other sign. Shape (6, ranks).
    sizes, count = np.bincount(sample.episodes).astype(np.float64), sample.moves.shape[1]
    order = np.argsort(np.concatenate((sample.moves, -sample.moves)), axis=1, kind="stable")
    ranks = (count + 1) // 2
    is_of = sample.episodes[order[:, :ranks], np.newaxis] == np.arange(len(sizes))
    below = np.cumsum(is_of, axis=1) - is_of
    return lower_shapes(sizes - below, sizes)


def _medians(sample: Sample, is_end: NDArray[np.bool_]) -> tuple[Estimate, Estimate, Estimate]:
    ordered = np.sort(sample.moves, axis=1)
    size = ordered.shape[1]
    middle = ((ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2.0).tolist()
    # How many of the smallest values qualify, one after the other.
    ranks = np.logical_and.accumulate(is_end.reshape(6, -1), axis=1).sum(axis=1).tolist()
    lead, other, ratio = (
        Estimate(
            value=middle[at],
            low=values[ranks[at] - 1] if ranks[at] and ranks[at + 3] else None,
            high=values[-ranks[at + 3]] if ranks[at] and ranks[at + 3] else None,
        )
        for at, values in enumerate(ordered.tolist())
    )
    return lead, other, ratio
