"""The block length is the one that the reference implementation chooses."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.block_length import stationary_block_length


def autoregression(seed: int, persistence: float, size: int) -> NDArray[np.float64]:
    shocks = np.random.default_rng(seed).standard_normal(size)
    values = np.empty(size)
    values[0] = shocks[0]
    for index in range(1, size):
        values[index] = persistence * values[index - 1] + shocks[index]
    return values


# From arch 8.0.0, ``arch.bootstrap.optimal_block_length(x)``, column ``stationary``: of the series and of its
# squares.
@pytest.mark.parametrize(
    ("seed", "persistence", "size", "of_values", "of_squares"),
    [
        (1, 0.0, 500, 3.1897088592453056, 1.9051472762340604),
        (2, 0.5, 1_000, 9.00659410316523, 4.87261068985019),
        (3, 0.9, 2_000, 40.97533908658694, 27.502980734277642),
        (4, -0.5, 800, 11.79963035311441, 5.221158280951948),
        (5, 0.99, 300, 27.615497697824157, 26.064172302675406),
        (6, 0.7, 60, 3.6304022143364065, 2.4043962502272516),
    ],
)
def test_block_length_is_that_of_the_reference_implementation(
    seed: int, persistence: float, size: int, of_values: float, of_squares: float
) -> None:
    values = autoregression(seed, persistence, size)

    assert stationary_block_length(values) == pytest.approx(of_values, rel=1e-9)
    assert stationary_block_length(values**2) == pytest.approx(of_squares, rel=1e-9)


def test_level_of_a_series_does_not_change_its_memory() -> None:
    values = autoregression(2, 0.5, 1_000)

    assert stationary_block_length(values + 1e6) == pytest.approx(stationary_block_length(values), rel=1e-6)


def test_no_block_is_shorter_than_one_session_or_longer_than_a_third_of_the_series() -> None:
    trend = np.arange(40.0)

    assert stationary_block_length(np.tile([1.0, 1.0, -1.0, -1.0, 0.0], 8)) >= 1.0
    assert stationary_block_length(trend) <= math.ceil(40 / 3)


def test_series_whose_moves_cancel_each_other_has_a_length() -> None:
    # Next to nothing is left of it at frequency 0, which the length is divided by. From arch, as above.
    assert stationary_block_length(np.tile([1.0, -1.0], 50)) == pytest.approx(15.620934291889274, rel=1e-9)


@pytest.mark.parametrize("values", [np.ones(50), np.arange(9.0), np.ones((20, 2))])
def test_series_without_a_memory_to_measure_is_refused(values: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="series"):
        stationary_block_length(values)
