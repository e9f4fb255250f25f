"""Beta, hedge ratio and the out-of-sample effectiveness, worked by hand."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.hedging import beta, hedge_effectiveness, hedge_ratio

A = np.array([1.0, 2.0, 3.0, 4.0])
B = np.array([4.0, 2.0, 8.0, 6.0])
FLAT = np.full(4, 0.1)


def test_beta_divides_by_the_variance_of_the_other_leg() -> None:
    # Sum of products 6, of squares 5 for A and 20 for B.
    assert beta(A, B, 4) == pytest.approx(0.3, rel=1e-15)
    assert beta(np.append(50.0, A), np.append(-50.0, B), 4) == beta(A, B, 4)


def test_hedge_ratio_divides_by_the_variance_of_gold_and_turns_the_sign() -> None:
    assert hedge_ratio(A, B, 4) == pytest.approx(-1.2, rel=1e-15)
    assert hedge_ratio(A, -B, 4) == pytest.approx(1.2, rel=1e-15)


def test_the_hedge_ratio_removes_all_that_can_be_removed() -> None:
    ratio = hedge_ratio(A, -2.0 * A, 4)
    assert ratio == 2.0
    assert np.ptp(-2.0 * A + ratio * A) == 0.0


def test_only_the_leg_in_the_denominator_must_move() -> None:
    assert beta(A, FLAT, 4) is None
    assert beta(FLAT, B, 4) == 0.0
    assert hedge_ratio(FLAT, B, 4) is None
    unneeded = hedge_ratio(A, FLAT, 4)
    assert unneeded == 0.0
    assert math.copysign(1.0, unneeded) == 1.0


def test_beta_and_hedge_ratio_are_none_until_the_window_is_full() -> None:
    assert beta(A, B, 5) is None
    assert hedge_ratio(A, B, 5) is None


def test_effectiveness_uses_each_sessions_own_earlier_window() -> None:
    # Ratios: from (1,3),(2,4): -1; from (2,4),(0,1): -3/2. Hedged: 1 - 0 = 1, 5 - 3/2 * 2 = 2.
    a, b = np.array([1.0, 2.0, 0.0, 2.0]), np.array([3.0, 4.0, 1.0, 5.0])
    # var(1, 2) = 1/2 against var(1, 5) = 8.
    assert hedge_effectiveness(a, b, 2) == pytest.approx(1.0 - 0.5 / 8.0, rel=1e-15)


def test_effectiveness_over_three_sessions_is_the_one_worked_out_by_hand() -> None:
    # Ratios -3/2, -9/2 and 3/4 leave 3, 6 and 6 of 6, 6 and 12: sums of squares 6 and 24.
    a, b = np.array([0.0, 1.0, 2.0, 2.0, 0.0, -8.0]), np.array([0.0, 0.0, 3.0, 6.0, 6.0, 12.0])
    assert hedge_effectiveness(a, b, 3) == pytest.approx(0.75, rel=1e-14)


def test_effectiveness_is_negative_when_the_relation_turns_over() -> None:
    first = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0])
    effectiveness = hedge_effectiveness(np.concatenate([first, first]), np.concatenate([-first, first]), 6)
    assert effectiveness is not None
    assert effectiveness < 0.0


def test_effectiveness_needs_two_windows() -> None:
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=120), rng.normal(size=120)
    assert hedge_effectiveness(a, b, 60) is not None
    assert hedge_effectiveness(a[1:], b[1:], 60) is None
    assert hedge_effectiveness(np.append(9.0, a), np.append(9.0, b), 60) == hedge_effectiveness(a, b, 60)


def test_effectiveness_is_none_when_gold_was_flat_in_one_earlier_window() -> None:
    a, b = np.array([1.0, 0.3, 0.3, 0.3, 2.0, 3.0]), np.array([1.0, 2.0, 1.0, 3.0, 2.0, 4.0])
    assert hedge_effectiveness(a, b, 3) is None
    # Two equal returns in three are a thin window, but one.
    assert hedge_effectiveness(np.array([1.0, 0.3, 0.3, 0.4, 2.0, 3.0]), b, 3) is not None


@pytest.mark.parametrize("value", [0.1, -1.0 / 3.0, 0.7])
def test_effectiveness_sees_a_flat_window_whatever_its_value(value: float) -> None:
    rng = np.random.default_rng(12)
    a, b = rng.normal(size=114), rng.normal(size=114)
    a[:57] = value
    assert hedge_effectiveness(a, b, 57) is None


def test_effectiveness_does_not_ask_gold_to_move_in_the_scored_window() -> None:
    # The three 0.3s are scored; no session takes its ratio from all of them.
    a, b = np.array([1.0, 2.0, 4.0, 0.3, 0.3, 0.3]), np.array([1.0, 2.0, 1.0, 3.0, 2.0, 4.0])
    assert hedge_effectiveness(a, b, 3) is not None


def test_effectiveness_is_none_when_the_other_leg_is_flat_in_the_scored_window() -> None:
    a = np.array([1.0, 2.0, 4.0, 3.0, 1.0, 2.0])
    assert hedge_effectiveness(a, np.array([1.0, 2.0, 1.0, 0.1, 0.1, 0.1]), 3) is None
    assert hedge_effectiveness(a, np.array([0.1, 0.1, 0.1, 1.0, 2.0, 4.0]), 3) is not None


def test_windows_of_one_and_unequal_legs_are_refused() -> None:
    for statistic in (beta, hedge_ratio, hedge_effectiveness):
        with pytest.raises(ValueError, match="size must be at least 2, was 1"):
            statistic(A, B, 1)
        with pytest.raises(ValueError, match="a pair must be two rows of one length"):
            statistic(A, B[:3], 2)


def test_values_are_plain_floats() -> None:
    assert {type(beta(A, B, 4)), type(hedge_ratio(A, B, 4)), type(hedge_effectiveness(A, B, 2))} == {float}
