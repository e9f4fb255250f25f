"""How far the legs moved apart, worked by hand."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.opposite_moves import OppositeMoves, opposite_moves

# Gaps 3, -3, 3, -3, 3, 3: mean 1, sum of squared deviations 4 * 4 + 2 * 16 = 48, variance 48 / 5.
A = np.array([1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
B = -2.0 * A


def test_distance_is_the_gap_of_the_moves_in_usual_gaps() -> None:
    moved = opposite_moves(A, B, size=6, span=2)
    assert (moved.return_a, moved.return_b) == (2.0, -4.0)
    assert moved.gap_std == pytest.approx(math.sqrt(9.6), rel=1e-15)
    assert moved.distance == pytest.approx(6.0 / math.sqrt(9.6 * 2.0), rel=1e-15)


def test_distance_is_negative_when_the_other_leg_outperforms() -> None:
    one, other = opposite_moves(A, B, size=6, span=2), opposite_moves(B, A, size=6, span=2)
    assert one.distance is not None
    assert other.distance == -one.distance
    assert (other.return_a, other.gap_std) == (-4.0, one.gap_std)


def test_default_is_five_sessions_against_ninety() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 100))
    gap = (a - b)[-90:]
    moved = opposite_moves(a, b)
    assert moved.gap_std == pytest.approx(np.std(gap, ddof=1), rel=1e-14)
    assert moved.distance == pytest.approx(gap[-5:].sum() / np.std(gap, ddof=1) / math.sqrt(5.0), rel=1e-13)


def test_each_figure_is_there_as_soon_as_its_own_window_is_full() -> None:
    assert opposite_moves(A[:1], B[:1], size=6, span=2) == OppositeMoves(
        return_a=None, return_b=None, gap_std=None, distance=None
    )
    assert opposite_moves(A[:2], B[:2], size=6, span=2) == OppositeMoves(
        return_a=0.0, return_b=0.0, gap_std=None, distance=None
    )
    assert opposite_moves(A[:5], B[:5], size=6, span=2).distance is None
    assert opposite_moves(A, B, size=6, span=2).distance is not None
    assert opposite_moves(A, B, size=6, span=6).return_a == 2.0
    assert opposite_moves(A, B, size=6, span=1).return_a == 1.0


def test_legs_that_move_as_one_have_a_gap_of_nothing_and_no_distance() -> None:
    # A constant advantage is no gap either: it is the gap's own mean.
    moved = opposite_moves(A, A + 0.5, size=6, span=2)
    assert (moved.gap_std, moved.distance) == (0.0, None)


@pytest.mark.parametrize(("size", "span"), [(1, 1), (6, 0), (6, 7)])
def test_windows_that_make_no_sense_are_refused(size: int, span: int) -> None:
    with pytest.raises(ValueError, match=r"size must be at least 2 and span in 1\.\.size"):
        opposite_moves(A, B, size=size, span=span)


def test_legs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        opposite_moves(A, B[:3], size=6, span=2)
