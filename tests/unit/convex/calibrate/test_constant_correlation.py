"""Nothing of how a relationship went is left, and everything of how its legs move."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.constant_correlation import constant_correlation

SIZE = 6_000
Legs = tuple[NDArray[np.float64], NDArray[np.float64]]


def legs(relation: NDArray[np.float64] | float, *, seed: int = 1) -> Legs:
    """Return two legs whose volatility comes and goes together."""
    generator = np.random.default_rng(seed)
    mood = np.zeros(SIZE)
    for at in range(1, SIZE):
        mood[at] = 0.97 * mood[at - 1] + 0.1 * generator.standard_normal()
    lead, own = generator.standard_normal((2, SIZE))
    volatility = 0.01 * np.exp(mood)
    return volatility * lead, 2 * volatility * (relation * lead + np.sqrt(1 - np.square(relation)) * own)


def synthetic(lead: NDArray[np.float64], other: NDArray[np.float64], *, seed: int = 7) -> Legs:
    """Return the same sessions in the same order: only the signs are drawn."""
    model = constant_correlation(lead, other)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], SIZE)
    return model.returns(np.arange(SIZE), signs)


def correlations(x: NDArray[np.float64], y: NDArray[np.float64], parts: int) -> list[float]:
    # By ranks: one wild day must not decide.
    ranks = (each.argsort().argsort().reshape(parts, -1) for each in (x, y))
    return [float(np.corrcoef(a, b)[0, 1]) for a, b in zip(*ranks, strict=True)]


@pytest.mark.parametrize("pair", [(0.6, -0.6), (-0.7, 0.1), (0.4, 0.9)])
def test_change_of_the_relationship_in_the_history_is_gone(pair: tuple[float, float]) -> None:
    lead, other = legs(np.repeat(pair, SIZE // 2))

    before, after = correlations(lead, other, 2)
    assert abs(before - after) > 0.4

    before, after = correlations(*synthetic(lead, other), 2)
    assert abs(before - after) < 0.08


@pytest.mark.parametrize("relation", [0.0, -0.3, 0.7])
def test_correlation_is_that_of_the_history(relation: float) -> None:
    lead, other = legs(relation)

    assert constant_correlation(lead, other).correlation == pytest.approx(relation, abs=0.03)
    (found,) = correlations(*synthetic(lead, other), 1)
    (given,) = correlations(lead, other, 1)
    assert found == pytest.approx(given, abs=0.04)


def test_lead_stays_as_it_was_and_the_other_leg_as_wild() -> None:
    lead, other = legs(0.3)

    x, y = synthetic(lead, other)

    assert (x == lead).all()
    assert y.std() == pytest.approx(other.std(), rel=0.05)


def test_large_moves_still_come_together_and_in_clusters() -> None:
    lead, other = legs(0.0)
    x, y = synthetic(lead, other)

    def together(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(np.corrcoef(np.abs(a), np.abs(b))[0, 1])

    assert together(x, y) == pytest.approx(together(lead, other), abs=0.02)
    assert together(y[1:], y[:-1]) == pytest.approx(together(other[1:], other[:-1]), abs=0.02)
    assert together(lead, other) > 0.15


def test_legs_that_are_one_stay_one() -> None:
    lead, _ = legs(0.0)
    # Hardly anything of its own: with nothing at all there would be no shock to draw.
    other = lead + 1e-9 * np.random.default_rng(2).standard_normal(SIZE)

    model = constant_correlation(lead, other)

    assert model.correlation == pytest.approx(1.0, abs=1e-6)
    assert model.correlation <= 1.0


@pytest.mark.parametrize(
    ("lead", "other"),
    [
        (np.zeros(50), np.arange(50.0)),
        (np.arange(50.0), np.zeros(50)),
        (np.arange(50.0), np.arange(49.0)),
        (np.ones(1), np.ones(1)),
    ],
)
def test_leg_without_moves_and_legs_of_different_lengths_are_refused(
    lead: NDArray[np.float64], other: NDArray[np.float64]
) -> None:
    with pytest.raises(ValueError, match=r"shocks|two rows"):
        constant_correlation(lead, other)
