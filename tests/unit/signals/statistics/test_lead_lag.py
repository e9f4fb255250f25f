"""Lead and lag: sign, ties, flat parts, warm-up."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.lead_lag import LeadLag, lead_lag

SHOCKS = np.random.default_rng(3).normal(size=160)


@pytest.mark.parametrize("lag", [1, 4, 10])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gold_that_moves_first_has_a_positive_lag(lag: int, sign: float) -> None:
    gold, iwm = SHOCKS[lag:], sign * SHOCKS[:-lag]
    found = lead_lag(gold, iwm)
    assert found is not None
    assert found.lag == lag
    assert found.correlation == pytest.approx(sign, rel=1e-14)
    assert found.band == 1.96 / math.sqrt(120 - lag)


@pytest.mark.parametrize("lag", [1, 4, 10])
def test_iwm_that_moves_first_has_a_negative_lag(lag: int) -> None:
    gold, iwm = SHOCKS[:-lag], -SHOCKS[lag:]
    found = lead_lag(gold, iwm)
    assert found is not None
    assert found.lag == -lag
    assert found.correlation == pytest.approx(-1.0, rel=1e-14)
    assert found.band == 1.96 / math.sqrt(120 - lag)


def test_legs_that_move_together_have_no_lag() -> None:
    found = lead_lag(SHOCKS, SHOCKS)
    assert found == LeadLag(lag=0, correlation=1.0, band=1.96 / math.sqrt(120.0))


def test_a_lag_beyond_the_largest_is_not_found() -> None:
    found = lead_lag(SHOCKS[11:], SHOCKS[:-11])
    assert found is not None
    assert abs(found.correlation) < 0.5


def test_ties_go_to_the_smallest_lag_then_to_the_positive_one() -> None:
    # Period 4 with a quarter's shift: |corr| is 1 at every odd lag and 0 at the even ones.
    wave, shifted = np.tile([1.0, 0.0, -1.0, 0.0], 31), np.tile([0.0, 1.0, 0.0, -1.0], 31)
    found = lead_lag(wave, shifted, size=120, max_lag=10)
    assert found is not None
    assert found.lag == 1
    # Shifted the other way, the correlation at lag 1 is -1: no smaller than the 1 at lag -1.
    found = lead_lag(shifted, wave, size=120, max_lag=10)
    assert found is not None
    assert found.lag == 1
    assert found.correlation < 0.0


def test_only_the_window_is_read() -> None:
    noise = np.random.default_rng(4).normal(size=200)
    outside = lead_lag(np.concatenate([noise, SHOCKS[:120]]), np.concatenate([-noise, SHOCKS[40:]]))
    assert outside == lead_lag(SHOCKS[:120], SHOCKS[40:])


def test_none_until_the_window_is_full() -> None:
    assert lead_lag(SHOCKS[:119], SHOCKS[:119]) is None
    assert lead_lag(SHOCKS[:120], SHOCKS[:120]) is not None
    assert lead_lag(SHOCKS[:0], SHOCKS[:0]) is None


def test_a_flat_leg_has_no_lag() -> None:
    assert lead_lag(np.full(120, 0.1), SHOCKS[:120]) is None
    assert lead_lag(SHOCKS[:120], np.full(120, 0.1)) is None


def test_a_lag_at_which_the_rest_of_a_leg_is_flat_is_passed_over() -> None:
    # Gold moved only in the window's first session: every negative lag drops that session.
    gold = np.zeros(8)
    gold[0] = 1.0
    iwm = np.array([0.0, 1.0, 0.0, 5.0, 0.0, 1.0, 0.0, 0.0])
    found = lead_lag(gold, iwm, size=8, max_lag=3)
    assert found is not None
    # At lag 3 gold's only move meets IWM's largest.
    assert found.lag == 3


def test_bad_lags_and_unequal_legs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_lag must be in 0\.\.8 for a window of 10, was 9"):
        lead_lag(SHOCKS, SHOCKS, size=10, max_lag=9)
    with pytest.raises(ValueError, match=r"max_lag must be in 0\.\.118 for a window of 120, was -1"):
        lead_lag(SHOCKS, SHOCKS, max_lag=-1)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        lead_lag(SHOCKS, SHOCKS[1:])
    assert lead_lag(SHOCKS, SHOCKS, size=10, max_lag=8) is not None
    assert lead_lag(SHOCKS, SHOCKS, size=10, max_lag=0) is not None


def test_values_are_plain_numbers() -> None:
    found = lead_lag(SHOCKS, SHOCKS)
    assert found is not None
    assert (type(found.lag), type(found.correlation), type(found.band)) == (int, float, float)
