"""What is observed at each close of many histories is what the engine observes at that close."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.observations import LEVEL_KINDS, observations_of
from services.signals.core.confirmed import confirmed_values
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES, observe
from services.signals.core.legs.aligned import AlignedSessions
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from tests.support.builders_market import pair

RULES = {rule.kind: rule for rule in PUBLISHED_RULES}


def same(ours: float, theirs: float | None) -> bool:
    if theirs is None:
        return math.isnan(ours)
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


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


@pytest.mark.parametrize("kind", [kind for kind in LEVEL_KINDS if kind in RULES])
@pytest.mark.parametrize("relation", [0.0, 0.8, -0.6, 1.0])
@pytest.mark.parametrize("flat", [0, 25, 260])
def test_every_close_is_read_as_the_engine_reads_it(kind: Kind, relation: float, flat: int) -> None:
    x, own = np.random.default_rng(3).standard_normal((2, 300)) * 0.01
    y = relation * x + math.sqrt(1.0 - relation**2) * own
    x[300 - flat :] = 0.0
    rule = RULES[kind]

    found = observations_of(rule, x[np.newaxis], y[np.newaxis], pair=pair())

    assert len(found) == len(DIRECTIONS[kind])
    assert found[0].x.shape == (1, 300)
    for at in (3, 4, 58, 59, 88, 89, 250, 251, 271, 299):
        theirs = by_the_engine(rule, x[: at + 1], y[: at + 1])
        for ours, reading in zip(found, theirs, strict=True):
            assert same(ours.x[0, at], getattr(reading, "x", None))
            if reading is not None:
                assert same(ours.leave_value[0, at], getattr(reading, "leave_value", None))
                assert ours.can_open[0, at] == getattr(reading, "can_open", None)


def test_kind_without_levels_has_no_observation() -> None:
    with pytest.raises(KeyError):
        observations_of(RULES[Kind.REGIME_CHANGE], np.ones((1, 300)), np.ones((1, 300)), pair=pair())
