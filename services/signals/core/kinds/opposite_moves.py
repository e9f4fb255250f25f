"""Opposite moves: one leg went up and the other down, far apart."""

from typing import Final

import numpy as np

from services.signals.core.confirmed import Values, move_values
from services.signals.core.divergence.observation import Observation, symmetric
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    Floats,
    KindDefinition,
    PriceSearch,
    level_margins,
    no_margins,
    returns_of,
)
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.next_return import next_opposite_moves
from shared.domain.divergences import Direction, Kind


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return the scaled gap of the 5-session returns; it opens only while they have opposite signs.

    Examples
    --------
    >>> values = {"opposite_moves": 2.5, "return_5_lead": 0.02, "return_5_other": 0.01}
    >>> observe(Rule(kind=Kind.OPPOSITE_MOVES), Direction.RISK_OFF, values)
    Observation(x=2.5, leave_value=2.5, can_open=False)
    """
    del rule
    lead, other = values.get("return_5_lead"), values.get("return_5_other")
    if lead is None or other is None:
        return None
    return symmetric(direction, values.get("opposite_moves"), can_open=lead * other < 0)


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return the scaled gap less each level of the rule, and the lead's move; see `PriceSearch`."""
    known = following.known
    found = next_opposite_moves(
        known.lead_returns, known.other_returns, following.lead_returns(prices), following.other_return
    )
    if found is None:
        return no_margins(prices)
    distance, move = found
    # Whether the signs are opposite changes where the lead's move is 0; at 0 they are not, whichever side.
    return np.concatenate((level_margins(distance, rule), [move, -move]))


OPPOSITE_MOVES: Final = KindDefinition(
    default_rule=Rule(kind=Kind.OPPOSITE_MOVES),
    observe=observe,
    decided_by=("opposite_moves", "return_5_lead", "return_5_other", "return_gap_std_90"),
    window=returns_of(90),
    # The gap of five sessions should close again.
    claims={Direction.RISK_OFF: Claim.FALLS, Direction.RISK_ON: Claim.RISES},
    # Its openings are as frequent on two unrelated random walks: docs/decisions/0025.
    opens_by_default=False,
    price_search=PriceSearch(values=lambda aligned, _: move_values(aligned), margins=margins),
)
