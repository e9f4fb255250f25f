"""The half-life of a stretch, and every way of not having one."""

import numpy as np
import pytest

from services.signals.core.statistics.half_life import half_life


@pytest.mark.parametrize("sessions", [0.5, 1.0, 5.0, 40.0])
def test_exponential_return_gives_its_own_half_life(sessions: float) -> None:
    ratios = 3.0 + 0.2 * 0.5 ** (np.arange(30.0) / sessions)
    # The level of 3 costs digits that the input, not the fit, has lost.
    assert half_life(ratios, 30) == pytest.approx(sessions, rel=1e-9)


def test_slope_is_the_one_worked_out_by_hand() -> None:
    # Levels 4, 2, 2 and changes -2, 0, -1: slope -2 / (24/9) = -3/4, and a quarter is half of a half.
    assert half_life(np.array([4.0, 2.0, 2.0, 1.0]), 4) == pytest.approx(0.5, rel=1e-14)


def test_only_the_window_is_read() -> None:
    ratios = 0.5 ** np.arange(10.0)
    assert half_life(np.append([50.0, -7.0], ratios), 10) == half_life(ratios, 10)


def test_none_until_the_window_is_full() -> None:
    ratios = np.sin(np.arange(252.0))
    assert half_life(ratios) is not None
    assert half_life(ratios[1:]) is None
    assert half_life(ratios[:0]) is None


def test_none_for_a_ratio_that_does_not_come_back() -> None:
    assert half_life(np.full(252, 0.1)) is None
    assert half_life(np.arange(252.0)) is None  # b = 0: a straight line
    assert half_life(2.0 ** np.arange(10.0), 10) is None  # b = 1: it runs away


def test_none_for_a_ratio_that_overshoots() -> None:
    assert half_life(np.array([1.0, -1.0, 1.0, -1.0]), 4) is None  # b = -2
    # b = -1: each change goes to the same place at once.
    assert half_life(np.array([1.0, 0.0, 0.0]), 3) is None
    # Just inside -1 < b < 0 there is one again.
    assert half_life(np.array([1.0, 0.001, 0.0]), 3) is not None


def test_none_when_only_the_last_value_moved() -> None:
    assert half_life(np.array([0.1, 0.1, 0.1, 0.2]), 4) is None


def test_a_window_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 3, was 2"):
        half_life(np.arange(9.0), 2)
