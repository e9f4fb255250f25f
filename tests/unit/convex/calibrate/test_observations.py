"""What is observed at each close of many histories is what the engine observes at that close."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.observations import LEVEL_KINDS, observations_of
from services.signals.core.confirmed import Values, confirmed_values
from services.signals.core.kinds.registry import PUBLISHED_RULES, observe
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from tests.support.builders_market import pair

PAIR = replace(pair(), agreement_low=0.42, agreement_high=0.52)
RULES = {rule.kind: rule for rule in PUBLISHED_RULES}


def same(ours: float, theirs: float | None) -> bool:
    if theirs is None:
        return math.isnan(ours)
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def legs(relation: float, flat: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 300 returns of each leg; the lead does not move at the last ``flat`` of them."""
    x, own = np.random.default_rng(3).standard_normal((2, 300)) * 0.01
    y = relation * x + math.sqrt(1.0 - relation**2) * own
    x[300 - flat :] = 0.0
    return x, y


@lru_cache(maxsize=256)
def engine_values(relation: float, flat: int, at: int) -> Values:
    """Return the engine's statistics at the close that ends a return; each kind reads them."""
    x, y = (each[: at + 1] for each in legs(relation, flat))
    log_lead, log_other = (np.concatenate(([0.0], np.cumsum(each))) for each in (x, y))
    aligned = AlignedSessions(
        days=np.arange(1, x.size + 2, dtype=np.int32),
        lead=np.exp(log_lead),
        other=np.exp(log_other),
        log_ratio=log_lead - log_other,
        lead_returns=x,
        other_returns=y,
    )
    return confirmed_values(aligned, AgreementBand(low=0.42, high=0.52))


@pytest.mark.parametrize("kind", LEVEL_KINDS)
@pytest.mark.parametrize("relation", [0.0, 0.8, -0.6, 1.0])
@pytest.mark.parametrize("flat", [0, 25, 260])
def test_every_close_is_read_as_the_engine_reads_it(kind: Kind, relation: float, flat: int) -> None:
    rule = RULES[kind]
    x, y = legs(relation, flat)

    found = observations_of(rule, x[np.newaxis], y[np.newaxis], pair=PAIR)

    assert len(found) == len(DIRECTIONS[kind])
    assert found[0].x.shape == (1, 300)
    for at in (3, 4, 58, 59, 60, 88, 89, 250, 251, 271, 299):
        values = engine_values(relation, flat, at)
        for ours, direction in zip(found, DIRECTIONS[kind], strict=True):
            reading = observe(rule, direction, values)
            assert same(ours.x[0, at], getattr(reading, "x", None))
            if reading is not None:
                assert same(ours.leave_value[0, at], reading.leave_value)
                assert ours.can_open[0, at] == reading.can_open


def test_kind_without_levels_has_no_observation() -> None:
    with pytest.raises(KeyError):
        observations_of(RULES[Kind.REGIME_CHANGE], np.ones((1, 300)), np.ones((1, 300)), pair=PAIR)


def test_evidence_needs_a_baseline() -> None:
    with pytest.raises(ValueError, match="gold-iwm has no baseline"):
        observations_of(RULES[Kind.EVIDENCE_BREAK], np.ones((1, 300)), np.ones((1, 300)), pair=pair())
