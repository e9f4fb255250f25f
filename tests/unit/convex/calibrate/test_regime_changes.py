"""The regime changes that are counted are those that the engine would report."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from convex.calibrate.regime_changes import count_regime_changes
from services.signals.core.statistics.regime import walk_regimes


def close_by_close(zscores: NDArray[np.float64], after: int) -> int:
    """Apply the engine's words: a named regime that differs from the one reported last."""
    reported, count = None, 0
    for at, state in enumerate(walk_regimes(zscores.tolist())):
        if state.name is None or state.name == reported:
            continue
        count += reported is not None and at >= after
        reported = state.name
    return count


@given(
    seed=st.integers(0, 10_000),
    pull=st.sampled_from([0.0, 0.7, 0.97]),
    gaps=st.sampled_from([0.0, 0.2]),
    is_on_levels=st.booleans(),
    after=st.sampled_from([0, 60]),
)
def test_changes_are_those_of_the_engine_close_by_close(
    seed: int, pull: float, gaps: float, is_on_levels: bool, after: int
) -> None:
    generator = np.random.default_rng(seed)
    z = generator.standard_normal((2, 150))
    for at in range(1, 150):
        z[:, at] += pull * z[:, at - 1]
    if is_on_levels:
        z = np.round(z * 2.0) / 2.0
    z[generator.random(z.shape) < gaps] = np.nan

    assert count_regime_changes(z, after=after).tolist() == [close_by_close(row, after) for row in z]


@pytest.mark.parametrize(
    ("z", "count"),
    [
        ([2.0, 2.0, 2.0], 0),  # the first regime is not a change
        ([0.0, 2.0], 1),
        ([0.0, 2.0, -2.0, -2.0, -2.0], 2),  # the next one waits for the third session
        ([0.0, 2.0, 0.7, 0.5], 1),  # at the leave level it stays
        ([0.0, float("nan"), 1.0], 1),
        ([float("nan")] * 4, 0),
    ],
)
def test_history_that_a_person_can_follow(z: list[float], count: int) -> None:
    assert count_regime_changes(np.array([z]), after=0).tolist() == [count]
