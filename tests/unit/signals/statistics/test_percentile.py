"""Percentile rank: equal values count half, old ones not at all."""

import numpy as np
import pytest

from services.signals.core.statistics.percentile import percentile_rank

VALUES = np.array([5.0, 1.0, 2.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("value", "rank"),
    [(0.5, 0.0), (1.0, 0.125), (1.5, 0.25), (2.0, 0.5), (2.5, 0.75), (3.0, 0.875), (4.0, 1.0), (5.0, 1.0)],
)
def test_rank_is_the_share_below_plus_half_the_equal_ones(value: float, rank: float) -> None:
    assert percentile_rank(value, VALUES, 4) == rank


def test_rank_is_none_until_there_are_enough_values() -> None:
    assert percentile_rank(2.0, VALUES, 5) == 0.4
    assert percentile_rank(2.0, VALUES, 6) is None
    assert percentile_rank(2.0, VALUES[:0], 1) is None


def test_rank_in_a_flat_window_is_in_the_middle() -> None:
    assert percentile_rank(0.1, np.full(90, 0.1), 90) == 0.5


def test_rank_is_a_plain_float() -> None:
    assert type(percentile_rank(np.float64(2.0), VALUES, 4)) is float


def test_a_window_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 1, was 0"):
        percentile_rank(2.0, VALUES, 0)
    assert percentile_rank(3.0, VALUES, 1) == 0.5
