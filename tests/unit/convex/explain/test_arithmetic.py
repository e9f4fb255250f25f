import math

import pytest

from convex.explain.arithmetic import comovement, fisher_difference, fisher_interval, mean_and_std


def test_spread_is_what_a_calculator_gives() -> None:
    # 1 + 2 + 6 = 9; mean 3; 4 + 1 + 9 = 14; √(14 / 2) = √7.
    found = mean_and_std([1.0, 2.0, 6.0])

    assert (found.count, found.total, found.mean, found.squares) == (3, 9.0, 3.0, 14.0)
    assert found.std == pytest.approx(2.6457513110645907, rel=1e-15)


def test_window_that_does_not_move_has_no_spread_at_all() -> None:
    assert mean_and_std([0.1] * 7).std == 0.0


def test_comovement_is_what_a_calculator_gives() -> None:
    # a less 3: −2 −1 0 1 2; b less 3: −1 −2 0 2 1. Products 2 + 2 + 0 + 2 + 2 = 8, squares 10 each.
    found = comovement([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 3.0, 5.0, 4.0])

    assert (found.a.squares, found.b.squares, found.products) == (10.0, 10.0, 8.0)
    assert found.correlation is not None
    assert found.correlation.r == pytest.approx(0.8, rel=1e-15)
    # Lag 1: a 2 + 0 + 0 + 2 = 4, b 2 + 0 + 0 + 2 = 4, so φ = 0.4 each; 5 × 0.84 / 1.16 = 3.62, at least 4.
    assert found.correlation.phi_a == pytest.approx(0.4, rel=1e-15)
    assert found.correlation.phi_b == pytest.approx(0.4, rel=1e-15)
    assert found.correlation.worth == pytest.approx(3.6206896551724137, rel=1e-15)
    assert found.correlation.effective == 4.0


def test_effective_size_is_never_more_than_the_pairs() -> None:
    # One list swings, the other trends: φAφB < 0, and pairs would be worth more than they are.
    found = comovement([1.0, -1.0] * 4, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])

    assert found.correlation is not None
    assert found.correlation.worth > 8
    assert found.correlation.effective == 8.0


def test_flat_leg_has_no_correlation() -> None:
    assert comovement([1.0, 2.0, 3.0, 4.0], [5.0] * 4).correlation is None


def test_interval_is_fishers() -> None:
    # Fisher's scale: atanh 0.6 = ln 2; 1.959963985 / √(12 − 3) = 0.653321328.
    low, high = fisher_interval(0.6, 12.0)

    assert low == pytest.approx(math.tanh(math.log(2) - 0.6533213281800015), rel=1e-12)
    assert high == pytest.approx(math.tanh(math.log(2) + 0.6533213281800015), rel=1e-12)
    assert fisher_interval(1.0, 12.0) == (1.0, 1.0)


def test_difference_of_correlations_is_fishers() -> None:
    recent = comovement([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 3.0, 5.0, 4.0]).correlation
    usual = comovement([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0]).correlation
    perfect = comovement([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).correlation

    # atanh 0.8 = ln 3 and atanh 0.6 = ln 2; both are worth 4 pairs, so the width is √2.
    assert fisher_difference(recent, usual) == pytest.approx(math.log(1.5) / math.sqrt(2), rel=1e-12)
    assert fisher_difference(recent, None) is None
    assert fisher_difference(None, usual) is None
    assert fisher_difference(recent, perfect) is None
