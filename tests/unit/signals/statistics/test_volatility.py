"""Annualised volatility."""

import math

import numpy as np
import pytest

from services.signals.core.statistics.volatility import annualised_volatility


def test_volatility_is_the_std_of_the_last_returns_for_a_year() -> None:
    # Standard deviation of 1 %, 3 %, 5 % is 2 %; the first return is outside the window.
    returns = np.array([0.9, 0.01, 0.03, 0.05])
    assert annualised_volatility(returns, 3) == pytest.approx(0.02 * math.sqrt(252.0), rel=1e-14)


def test_volatility_is_none_until_the_window_is_full() -> None:
    assert annualised_volatility(np.zeros(20), 20) == 0.0
    assert annualised_volatility(np.zeros(19), 20) is None
    assert annualised_volatility(np.zeros(0), 20) is None


def test_volatility_of_a_leg_that_did_not_move_is_zero() -> None:
    assert annualised_volatility(np.full(20, 0.1), 20) == 0.0


def test_a_window_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 2, was 1"):
        annualised_volatility(np.zeros(20), 1)
    assert annualised_volatility(np.array([0.0, 2.0]), 2) == math.sqrt(2.0) * math.sqrt(252.0)
