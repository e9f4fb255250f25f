"""An interval is as wide as histories of one market differ, and no wider for the noise of the simulation."""

import numpy as np
import pytest

from convex.calibrate.history_uncertainty import resampled_history, uncertainty_interval
from services.signals.core.false_alarms import MOST_OPENINGS


def refits(spread: float, error: float, count: int = 400) -> list[tuple[float, float]]:
    """Return figures whose true values spread, each with a random error of its paths."""
    generator = np.random.default_rng(3)
    true = 2.0 + spread * generator.standard_normal(count)
    return [(value, error) for value in true + error * generator.standard_normal(count)]


def test_random_error_of_the_refits_is_taken_out() -> None:
    found = uncertainty_interval(2.0, 0.0, refits(0.2, 0.3), blocks=1e9, simulated_years=1_000)

    # 1.97 is the 97.5 % quantile of Student's t with 399 degrees.
    assert found.low == pytest.approx(2.0 * np.exp(-1.97 * 0.1), rel=0.05)
    assert found.high == pytest.approx(2.0 * np.exp(1.97 * 0.1), rel=0.05)


def test_histories_that_do_not_differ_leave_the_error_of_the_simulation() -> None:
    found = uncertainty_interval(2.0, 0.1, [(2.0, 0.5)] * 400, blocks=1e9, simulated_years=1_000)

    assert found.low == pytest.approx(2.0 * np.exp(-1.966 * 0.05), rel=1e-3)


def test_rule_that_never_opened_is_bounded_by_the_years_that_were_simulated() -> None:
    found = uncertainty_interval(0.0, 0.0, [(0.0, 0.0)] * 20, blocks=16.0, simulated_years=100)

    assert found.low == 0.0
    assert found.high == pytest.approx(0.0369, abs=1e-4)


def test_two_refits_that_contradict_each_other_say_nothing() -> None:
    found = uncertainty_interval(2.0, 0.5, [(0.1, 0.0), (40.0, 0.0)], blocks=16.0, simulated_years=100)

    assert found.low < 1e-9
    assert found.high == MOST_OPENINGS


def test_few_blocks_widen_the_interval() -> None:
    wide, narrow = (
        uncertainty_interval(2.0, 0.0, refits(0.2, 0.0), blocks=blocks, simulated_years=100)
        for blocks in (8.0, 1e9)
    )

    # Student's t of 7 degrees instead of 399, and an eighth of the variance that resampling does not show.
    ratio = 2.3646 / 1.966 * np.sqrt(8 / 7)
    assert np.log(wide.high / 2.0) == pytest.approx(np.log(narrow.high / 2.0) * ratio, rel=1e-3)


def test_resampled_history_is_made_of_long_pieces_of_both_legs_together() -> None:
    lead = np.arange(2_000.0)
    ours, others = resampled_history(np.random.default_rng(1), lead, lead + 0.5, block=125.0)

    assert ours.shape == (2_000,)
    assert (others == ours + 0.5).all()
    pieces = 1 + np.count_nonzero(np.diff(ours) % 2_000 != 1.0)
    assert 8 < pieces < 30
