"""Each leg keeps what is its own, and nothing of the other leg is left."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.unrelated_legs import UnrelatedLegs

SIZE = 4_000
Floats = NDArray[np.float64]


def related(seed: int = 1) -> tuple[Floats, Floats]:
    """Return two legs with common volatility, a correlation of 0.8, and persistence in the lead."""
    generator = np.random.default_rng(seed)
    mood = np.exp(np.convolve(generator.standard_normal(SIZE + 39), np.ones(40) / 10, "valid"))
    lead, own = generator.standard_normal((2, SIZE)) * mood
    other = 0.8 * lead + 0.6 * own
    lead[1:] += 0.3 * lead[:-1]
    return lead * 0.01, other * 0.012


def drawn(paths: int = 20) -> tuple[Floats, Floats]:
    lead, other = related()
    generators = [np.random.default_rng(seed) for seed in range(paths)]
    return UnrelatedLegs(lead=lead, other=other).draw(generators, size=SIZE, mean_block=60.0)


def correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def test_moves_of_the_legs_and_their_sizes_have_nothing_in_common() -> None:
    lead, other = drawn()

    assert abs(correlation(lead, other)) < 0.02
    assert abs(correlation(np.abs(lead), np.abs(other))) < 0.05
    assert correlation(*related()) > 0.6


def test_each_leg_keeps_its_moves_its_clusters_and_its_persistence() -> None:
    for ours, given in zip(drawn(), related(), strict=True):
        assert set(ours[0].tolist()) <= set((given - given.mean()).tolist())
        assert ours.std() == pytest.approx(given.std(), rel=0.05)
        for measure in (np.abs, np.asarray):
            of_drawn = correlation(measure(ours)[:, 1:], measure(ours)[:, :-1])
            assert of_drawn == pytest.approx(correlation(measure(given)[1:], measure(given)[:-1]), abs=0.03)


def test_path_depends_on_its_own_generator_only() -> None:
    few, many = drawn(2), drawn(3)

    assert (many[0][:2] == few[0]).all()
    assert (many[1][:2] == few[1]).all()
    assert (many[0][2] != many[0][1]).any()
