"""The p-value of the best of many columns."""

from dataclasses import replace

import numpy as np
import pytest

from convex.calibrate.stationary_bootstrap import stationary_rows
from convex.choose.performance import Performance
from convex.choose.search_correction import SearchTest, rank_p_value, spa_p_value


def performance(*means: float, size: int = 1_000, seed: int = 3) -> Performance:
    """Return columns of independent numbers of deviation 1 around some means, in standard errors."""
    noise = np.random.default_rng(seed).standard_normal((size, len(means)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    return Performance(
        columns=tuple((at, 0) for at in range(len(means))),
        excess=noise + np.array(means) / np.sqrt(size),
        block_length=20.0,
    )


def by_definition(given: Performance, *, draws: int) -> float:
    """Return Hansen's consistent p-value with the project's own stationary bootstrap."""
    excess, size = given.excess, len(given.excess)
    means = excess.mean(axis=0)
    threshold = -np.sqrt(2.0 * np.log(np.log(size)) / size)
    centre = np.where(means >= threshold, means, 0.0)
    generator = np.random.default_rng(8)
    best = np.array(
        [
            (
                excess[stationary_rows(generator, source=size, size=size, mean_block=20.0)].mean(axis=0)
                - centre
            ).max()
            for _ in range(draws)
        ]
    )
    return float((best > means.max()).mean())


@pytest.mark.parametrize("means", [(2.0,), (2.0, 0.0, -1.0, 0.5), (0.5, 0.5, -6.0), (-1.0, -1.5)])
def test_p_value_of_the_library_is_that_of_the_definition(means: tuple[float, ...]) -> None:
    given = performance(*means)

    # Two shares of 2,000 draws each differ by 0.03 at most but in one case of a thousand or so.
    assert spa_p_value(given, draws=2_000, seed=1) == pytest.approx(
        by_definition(given, draws=2_000), abs=0.05
    )


def test_columns_that_were_searched_as_well_make_the_best_one_less_surprising() -> None:
    alone = spa_p_value(performance(2.2), draws=1_000, seed=1)
    among = spa_p_value(performance(2.2, *[0.0] * 30), draws=1_000, seed=1)

    assert alone < 0.03
    assert among > 0.15


def test_column_that_is_far_better_than_chance_is_found_among_many() -> None:
    assert spa_p_value(performance(6.0, *[0.0] * 30), draws=1_000, seed=1) == pytest.approx(1 / 1_001)


def test_equal_seeds_give_equal_values() -> None:
    given = performance(1.5, 0.0)

    assert spa_p_value(given, draws=200, seed=4) == spa_p_value(given, draws=200, seed=4)
    assert len({spa_p_value(given, draws=200, seed=seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(("best", "expected"), [(3.0, 0.2), (2.5, 0.4), (0.0, 0.8), (-np.inf, 1.0)])
def test_rank_counts_histories_that_are_as_good(best: float, expected: float) -> None:
    assert rank_p_value(best, np.array([0.5, 1.0, 2.5, -np.inf])) == pytest.approx(expected)


def test_larger_p_value_decides() -> None:
    test = SearchTest(level=0, horizon=0, spa=0.01, synthetic=0.2, columns=2, draws=9, histories=9)

    assert test.p_value == 0.2
    assert replace(test, spa=0.3).p_value == 0.3
