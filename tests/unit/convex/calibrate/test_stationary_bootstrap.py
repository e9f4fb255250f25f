"""Blocks begin anywhere, follow the history inside, and are as long as asked on the average."""

import numpy as np
import pytest

from convex.calibrate.stationary_bootstrap import stationary_rows


def rows(seed: int = 1, *, source: int = 100, size: int = 200_000, mean_block: float = 8.0) -> np.ndarray:
    return stationary_rows(np.random.default_rng(seed), source=source, size=size, mean_block=mean_block)


def test_every_row_of_the_history_is_drawn_equally_often() -> None:
    counts = np.bincount(rows(mean_block=5.0), minlength=100)

    # 2,000 each; rows of a block come together, so the spread is that of the blocks.
    assert counts.min() > 1_500
    assert counts.max() < 2_500


@pytest.mark.parametrize("mean_block", [1.0, 2.0, 8.0, 60.0])
def test_blocks_are_as_long_as_asked_on_the_average(mean_block: float) -> None:
    drawn = rows(mean_block=mean_block, source=100_000)

    breaks = np.count_nonzero(np.diff(drawn) % 100_000 != 1) + 1
    assert drawn.size / breaks == pytest.approx(mean_block, rel=0.05)


def test_last_row_of_the_history_is_followed_by_the_first() -> None:
    drawn = rows(source=3, mean_block=1e12, size=7)

    assert (np.diff(drawn) % 3).tolist() == [1] * 6


def test_equal_seeds_draw_equal_rows_and_others_do_not() -> None:
    assert (rows(5) == rows(5)).all()
    assert (rows(5) != rows(6)).any()


@pytest.mark.parametrize(("source", "mean_block"), [(0, 2.0), (5, 0.5)])
def test_nothing_can_be_drawn_from_nothing_or_in_blocks_of_less_than_a_row(
    source: int, mean_block: float
) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        rows(source=source, mean_block=mean_block, size=3)
