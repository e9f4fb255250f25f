"""What counts as a hit, row by row of the table."""

import numpy as np
import pytest

from services.signals.core.kinds.claim import Moves, hits
from services.signals.core.kinds.registry import CLAIMS
from shared.domain.divergences import Direction, Kind

# The lead outperforms, the other does, both rise, both fall, nothing moves, one leg does.
UP, DOWN = (0.02, -0.01), (-0.01, 0.02)
BOTH_UP, BOTH_DOWN = (0.02, 0.01), (-0.02, -0.01)
NOTHING, ONE_LEG = (0.0, 0.0), (0.02, 0.0)


@pytest.mark.parametrize(
    ("kind", "direction", "expected"),
    [
        (Kind.RATIO_STRETCH, Direction.RISK_OFF, [False, True, False, True, False, False]),
        (Kind.RATIO_STRETCH, Direction.RISK_ON, [True, False, True, False, False, True]),
        (Kind.OPPOSITE_MOVES, Direction.RISK_OFF, [False, True, False, True, False, False]),
        (Kind.OPPOSITE_MOVES, Direction.RISK_ON, [True, False, True, False, False, True]),
        (Kind.CORRELATION_BREAK, Direction.TIGHTENING, [False, False, True, True, False, False]),
        (Kind.CORRELATION_BREAK, Direction.LOOSENING, [True, True, False, False, False, False]),
        (Kind.HEDGE_LOST, Direction.RISK_OFF, [False, False, True, True, False, False]),
        (Kind.REGIME_CHANGE, Direction.RISK_OFF, [True, False, True, False, False, True]),
        (Kind.REGIME_CHANGE, Direction.RISK_ON, [False, True, False, True, False, False]),
    ],
)
def test_a_hit_is_what_the_table_says(kind: Kind, direction: Direction, expected: list[bool]) -> None:
    lead, other = np.array([UP, DOWN, BOTH_UP, BOTH_DOWN, NOTHING, ONE_LEG]).T

    found = hits(CLAIMS[kind, direction], Moves(lead=lead, other=other))

    assert found.tolist() == expected


def test_every_kind_makes_a_claim_but_the_one_about_data() -> None:
    assert {kind for kind, _ in CLAIMS} == set(Kind) - {Kind.DATA_FAULT}
