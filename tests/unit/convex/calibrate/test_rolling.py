"""Running sums say of every window what the engine says of it by reading it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from convex.calibrate.readings import readings_of
from convex.calibrate.rolling import RunningSums
from services.signals.core.confirmed import confirmed_values
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, observe
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.correlation import estimate_correlation
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS

RULES = {rule.kind: rule for rule in DEFAULT_RULES}


def same(ours: float, theirs: float | None) -> bool:
    if theirs is None:
        return math.isnan(ours)
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@given(st.data())
def test_every_window_has_the_engine_s_correlation_and_effective_size(data: st.DataObject) -> None:
    seed, size = data.draw(st.integers(0, 10_000)), data.draw(st.sampled_from([4, 5, 20]))
    length = data.draw(st.integers(size, 60))
    generator = np.random.default_rng(seed)
    x, y = generator.standard_t(4, (2, 2, length)) * 0.01 + data.draw(st.sampled_from([0.0, 0.001, -1.0]))
    echo = data.draw(st.floats(-0.9, 0.9))
    y[:, 1:] += echo * y[:, :-1] + echo * x[:, 1:]
    begin = data.draw(st.integers(0, length))
    x[0, begin : begin + data.draw(st.integers(0, 30))] = 0.1

    rolled = RunningSums(x, y).correlation(size)

    assert rolled.correlation.shape == rolled.effective_size.shape == (2, length - size + 1)
    for path in range(2):
        for at in range(length - size + 1):
            theirs = estimate_correlation(x[path, at : at + size], y[path, at : at + size], size)
            assert same(rolled.correlation[path, at], theirs.correlation if theirs else None)
            assert same(rolled.effective_size[path, at], theirs.effective_size if theirs else None)


def test_leg_with_itself_is_exactly_1_and_with_its_mirror_image_exactly_minus_1() -> None:
    x = np.random.default_rng(1).standard_normal((3, 500))

    assert (RunningSums(x, x).correlation(20).correlation == 1.0).all()
    assert (RunningSums(x, -2.0 * x).correlation(252).correlation == -1.0).all()


def test_twenty_years_lose_no_digit_that_counts() -> None:
    x, y = np.random.default_rng(1).standard_normal((2, 1, 5_500)) * 0.01

    rolled = RunningSums(x, y).correlation(252)

    for at in (0, 2_000, 5_248):
        theirs = estimate_correlation(x[0, at : at + 252], y[0, at : at + 252], 252)
        assert theirs is not None
        assert rolled.correlation[0, at] == pytest.approx(theirs.correlation, abs=1e-13)
        assert rolled.effective_size[0, at] == pytest.approx(theirs.effective_size, rel=1e-12)


@pytest.mark.parametrize("shapes", [((2, 5), (2, 6)), ((5,), (5,))])
def test_legs_of_different_shapes_are_no_pair(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="two tables of one shape"):
        RunningSums(np.ones(shapes[0]), np.ones(shapes[1]))


def by_the_engine(rule: Rule, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[object]:
    """Return what the engine reads at the last of the closes, in each direction."""
    log_lead, log_other = (np.concatenate(([0.0], np.cumsum(each))) for each in (x, y))
    aligned = AlignedSessions(
        days=np.arange(1, x.size + 2, dtype=np.int32),
        lead=np.exp(log_lead),
        other=np.exp(log_other),
        log_ratio=log_lead - log_other,
        lead_returns=x,
        other_returns=y,
    )
    return [observe(rule, direction, confirmed_values(aligned)) for direction in DIRECTIONS[rule.kind]]


@pytest.mark.parametrize("kind", [Kind.CORRELATION_BREAK, Kind.HEDGE_LOST])
@pytest.mark.parametrize("relation", [0.0, 0.8, -0.6, 1.0])
@pytest.mark.parametrize("flat", [0, 25, 260])
def test_every_close_is_read_as_the_engine_reads_it(kind: Kind, relation: float, flat: int) -> None:
    x, own = np.random.default_rng(3).standard_normal((2, 300)) * 0.01
    y = relation * x + math.sqrt(1.0 - relation**2) * own
    x[300 - flat :] = 0.0
    rule = RULES[kind]

    found = readings_of(rule, x[np.newaxis], y[np.newaxis])

    assert len(found) == len(DIRECTIONS[kind])
    assert found[0].x.shape == (1, 300 - 251)
    for at in (0, 20, 48):
        theirs = by_the_engine(rule, x[: 252 + at], y[: 252 + at])
        for ours, reading in zip(found, theirs, strict=True):
            assert same(ours.x[0, at], getattr(reading, "x", None))
            if reading is not None:
                assert same(ours.leave_value[0, at], getattr(reading, "leave_value", None))
                assert ours.can_open[0, at] == getattr(reading, "can_open", None)


def test_kind_that_no_correlation_decides_has_no_reading_here() -> None:
    with pytest.raises(KeyError):
        readings_of(RULES[Kind.RATIO_STRETCH], np.ones((1, 300)), np.ones((1, 300)))
