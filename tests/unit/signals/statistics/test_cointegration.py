"""The Engle-Granger p-value: statsmodels' own, and None where it has no answer."""

import subprocess
import sys

import numpy as np
import pytest
from statsmodels.tsa.stattools import coint

from services.signals.core.statistics.cointegration import coint_p, load_statsmodels

RNG = np.random.default_rng(11)
WALK = np.cumsum(RNG.normal(size=300)) * 0.01
OTHER = np.cumsum(RNG.normal(size=300)) * 0.01
FLAT = np.full(300, 0.1)


def test_p_value_is_that_of_the_last_window() -> None:
    assert coint_p(WALK, OTHER) == float(coint(WALK[-252:], OTHER[-252:], return_results=False)[1])
    assert coint_p(WALK[-252:], OTHER[-252:]) == coint_p(WALK, OTHER)


def test_tied_levels_are_reported_from_free_ones() -> None:
    tied, free = coint_p(WALK + 0.01 * RNG.normal(size=300), WALK), coint_p(WALK, OTHER)
    assert tied is not None
    assert free is not None
    assert tied < 0.01 < 0.1 < free


def test_none_during_warm_up() -> None:
    assert coint_p(WALK[:251], OTHER[:251]) is None
    assert coint_p(WALK[:252], OTHER[:252]) is not None
    assert coint_p(WALK[:49], OTHER[:49], 50) is None
    assert coint_p(WALK[:50], OTHER[:50], 50) is not None


# filterwarnings = error: a warning would fail these.
def test_none_for_a_leg_that_does_not_move() -> None:
    assert coint_p(FLAT, OTHER) is None
    assert coint_p(WALK, FLAT) is None


def test_none_for_legs_in_line() -> None:
    assert coint_p(2.0 * WALK + 1.0, WALK) is None
    assert coint_p(-WALK + 1e-9 * OTHER, WALK) is None


def test_windows_too_small_for_the_lags_and_unequal_legs_are_refused() -> None:
    with pytest.raises(ValueError, match="size must be at least 50, was 49"):
        coint_p(WALK, OTHER, 49)
    with pytest.raises(ValueError, match="a pair must be two rows of one length"):
        coint_p(WALK, OTHER[1:])


def test_statsmodels_is_not_loaded_before_it_is_needed() -> None:
    asks = "import sys, services.signals.core.confirmed; sys.exit('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], check=False).returncode == 0


def test_what_it_needs_can_be_loaded_before_the_first_call() -> None:
    """A fresh process has not loaded it, and has after being told to."""
    program = (
        "import sys; from services.signals.core.statistics.cointegration import load_statsmodels; "
        "before = 'statsmodels.tsa.stattools' in sys.modules; load_statsmodels(); "
        "print(before, 'statsmodels.tsa.stattools' in sys.modules)"
    )
    load_statsmodels()

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False True\n"
