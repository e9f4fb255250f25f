"""Passing over the closes at which nothing can happen counts what the engine's lifecycle counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from convex.calibrate.observations import Observations
from convex.calibrate.openings import count_openings
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.on_close import decide_on_close
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from shared.domain.divergences import Kind, Transition


def rule(**changes: float) -> Rule:
    fields = {"warning": 2.0, "critical": 3.0, "leave": 1.0}
    return Rule(kind=Kind.CORRELATION_BREAK, **(fields | changes))  # type: ignore[arg-type]  # fields of numbers


def readings(
    x: list[float], *, leave_value: list[float] | None = None, may: list[bool] | None = None
) -> Observations:
    return Observations(
        x=np.array([x]),
        leave_value=np.array([x if leave_value is None else leave_value]),
        can_open=np.array([[True] * len(x) if may is None else may]),
    )


def close_by_close(given_readings: Observations, a_rule: Rule, after: int) -> list[int]:
    """Put every close before the engine's lifecycle, as the live service does."""
    counts = []
    for x, leave_value, can_open in zip(
        given_readings.x, given_readings.leave_value, given_readings.can_open, strict=True
    ):
        life, count = DivergenceState(), 0
        for at in range(x.size):
            reading = Observation(
                x=float(x[at]), leave_value=float(leave_value[at]), can_open=bool(can_open[at])
            )
            step = decide_on_close(
                life,
                None if np.isnan(x[at]) else reading,
                session=f"session {at}",
                close_ns=at,
                at_ns=at,
                rule=a_rule,
                new_sessions=1,
            )
            life = step.state
            count += step.transition is Transition.OPEN and at >= after
        counts.append(count)
    return counts


def wandering(seed: int, pull: float, gaps: float) -> NDArray[np.float64]:
    """Return statistics that come back to 0 fast enough to flap, or slowly."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((2, 200)) * 2.0
    for at in range(1, 200):
        x[:, at] += pull * x[:, at - 1]
    x[generator.random((2, 200)) < gaps] = np.nan
    return x


@given(
    seed=st.integers(0, 10_000),
    pull=st.sampled_from([-0.9, 0.0, 0.5, 0.95]),
    gaps=st.sampled_from([0.0, 0.1]),
    cooldown=st.sampled_from([0, 5, 30]),
    gate=st.sampled_from([0.0, 0.3]),
    after=st.sampled_from([0, 100]),
)
def test_openings_are_those_of_the_lifecycle_asked_at_every_close(
    seed: int, pull: float, gaps: float, cooldown: int, gate: float, after: int
) -> None:
    x = wandering(seed, pull, gaps)
    closed = np.random.default_rng(seed).random(x.shape) < gate
    given_readings = Observations(x=x, leave_value=x - 0.5, can_open=~closed)
    a_rule = rule(cooldown_sessions=cooldown)

    found = count_openings(given_readings, a_rule, after=after)

    assert found.tolist() == close_by_close(given_readings, a_rule, after)


@pytest.mark.parametrize(
    ("x", "count"),
    [
        ([0.0, 2.0, 1.5, 2.5, 1.01, 3.5], 1),  # open until it leaves
        ([0.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 0.0], 1),  # the cooldown holds the next ones back
        ([0.0, 2.0, 1.0, 3.0, 0.0, 0.0, 0.0], 2),  # a critical one opens in it
        ([0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0], 2),  # the fifth session after it may open
        ([float("nan"), 2.0, float("nan"), float("nan")], 1),
        ([1.99] * 8, 0),
    ],
)
def test_openings_of_a_history_that_a_person_can_follow(x: list[float], count: int) -> None:
    assert count_openings(readings(x), rule(), after=0).tolist() == [count]


def test_closed_gate_opens_nothing_until_it_opens() -> None:
    x = [0.0, 2.5, 2.5, 2.5]

    assert count_openings(readings(x, may=[False] * 4), rule(), after=0).tolist() == [0]
    assert count_openings(readings(x, may=[False, False, True, False]), rule(), after=0).tolist() == [1]


def test_opening_before_the_path_has_found_its_stride_is_not_counted_but_evaluated() -> None:
    # The one that is open when counting begins keeps the next one from opening.
    assert count_openings(readings([0.0, 2.0, 2.0, 2.0]), rule(), after=2).tolist() == [0]


def test_what_ends_it_may_be_another_statistic() -> None:
    x = [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]

    assert count_openings(readings(x, leave_value=[5.0] * 9), rule(), after=0).tolist() == [1]
    assert count_openings(readings(x), rule(), after=0).tolist() == [2]
