"""Evidence break: the legs agree more, or less, often than the pair's stated baseline allows.

Unlike a correlation break it compares with a stated baseline and not with the year before, and its false
alarms are bounded whatever the distribution of the returns: ``docs/evidence.md`` has the proof. A pair
without a baseline has no such divergence.
"""

from typing import Final

import numpy as np

from services.signals.core.confirmed import Values, agreement_values
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    Floats,
    KindDefinition,
    PriceSearch,
    no_margins,
    returns_of,
)
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.e_break import LEAST_RETURNS, MEAN_WINDOW, STARTS
from shared.domain.divergences import Direction, Kind
from shared.domain.kinds import KIND_TRAITS


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return the evidence for a change in the direction.

    Examples
    --------
    >>> values = {"e_tightening": 300.0, "e_loosening": 1.5}
    >>> observe(Rule(kind=Kind.EVIDENCE_BREAK), Direction.LOOSENING, values)
    Observation(x=1.5, leave_value=1.5, can_open=True)
    """
    del rule
    evidence = values.get(KIND_TRAITS[Kind.EVIDENCE_BREAK].statistics[direction])
    return None if evidence is None else Observation(x=evidence, leave_value=evidence)


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return the lead's return less its mean, and the opposite: only its sign counts; see `PriceSearch`."""
    del rule
    returns = following.known.lead_returns
    if returns.size < LEAST_RETURNS:
        return no_margins(prices)
    moved = following.lead_returns(prices) - returns[-MEAN_WINDOW:].mean()
    return np.stack((moved, -moved))


EVIDENCE_BREAK: Final = KindDefinition(
    # A year of sessions, ten years, and a leave level that the guarantee of one false opening a year needs.
    default_rule=Rule(kind=Kind.EVIDENCE_BREAK, warning=252.0, critical=2520.0, leave=20.0),
    observe=observe,
    decided_by=(
        *("e_break", "e_tightening", "e_loosening"),
        *("agreement_60", "agreement_low", "agreement_high"),
    ),
    # The agreements of the last 120 sessions, each with the means of the 252 before it.
    window=returns_of(MEAN_WINDOW + STARTS),
    # Tighter: both legs should move the same way. Looser: opposite ways.
    claims={Direction.TIGHTENING: Claim.TOGETHER, Direction.LOOSENING: Claim.APART},
    price_search=PriceSearch(values=agreement_values, margins=margins),
)
