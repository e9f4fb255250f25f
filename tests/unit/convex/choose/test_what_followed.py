"""A hit here is a hit of the product's own outcomes."""

import numpy as np
import pytest

from convex.choose.grid import WARNINGS
from convex.choose.what_followed import HORIZONS, what_followed
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import label_of
from services.signals.core.outcomes.scoring import HORIZONS as SCORED
from services.signals.core.outcomes.scoring import Opening, rescored
from services.signals.core.outcomes.summary import summarise
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from tests.unit.convex.choose.markets import unrelated


def aligned_of(lead: np.ndarray, other: np.ndarray) -> AlignedSessions:
    log_lead, log_other = (np.concatenate(([4.0], 4.0 + np.cumsum(each))) for each in (lead, other))
    return AlignedSessions(
        days=np.arange(lead.size + 1, dtype=np.int32) + 737_500,
        lead=np.exp(log_lead),
        other=np.exp(log_other),
        log_ratio=log_lead - log_other,
        lead_returns=lead,
        other_returns=other,
    )


@pytest.mark.parametrize("kind", list(WARNINGS))
def test_hits_and_what_is_known_are_those_of_the_outcomes(kind: Kind) -> None:
    lead, other = unrelated(1, 80)
    aligned = aligned_of(lead, other)

    followed = what_followed(kind, lead, other)

    for direction in DIRECTIONS[kind]:
        for close in range(lead.size):
            # A return ends at the session after the one where it begins.
            opening = Opening(kind=kind, direction=direction, session=label_of(737_500 + close + 1))
            (scored,) = rescored([opening], aligned)
            summary = {each.horizon_sessions: each for each in summarise([scored], aligned)}
            for each in followed:
                is_known = len(scored.scores) > SCORED.index(each.horizon)
                assert is_known == (close < each.size)
                if is_known:
                    assert summary[each.horizon].hits == int(each.hits[direction][close])


def test_every_direction_of_every_kind_of_the_grid_has_a_claim() -> None:
    assert all((kind, direction) in CLAIMS for kind in WARNINGS for direction in DIRECTIONS[kind])


@pytest.mark.parametrize("closes", [0, 1, 6, 7, 21, 22, 60])
def test_what_was_known_then_is_what_a_shorter_history_knows(closes: int) -> None:
    lead, other = unrelated(2, 60)

    for whole, part in zip(
        what_followed(Kind.RATIO_STRETCH, lead, other),
        what_followed(Kind.RATIO_STRETCH, lead[:closes], other[:closes]),
        strict=True,
    ):
        then = whole.until(closes)
        assert then.size == part.size == max(0, closes - 1 - whole.horizon)
        for direction, hits in then.hits.items():
            assert hits.tolist() == part.hits[direction].tolist()


def test_horizons_are_among_those_of_the_outcomes() -> None:
    assert set(HORIZONS) < set(SCORED)
