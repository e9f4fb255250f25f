"""Hedge lost: the lead no longer hedges the other leg."""

import math
from typing import Final

import numpy as np

from services.signals.core.confirmed import Values, correlation_values
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    EVIDENCE,
    Floats,
    KindDefinition,
    PriceSearch,
    no_margins,
    returns_of,
)
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.next_return import next_correlations
from shared.domain.divergences import Direction, Kind


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return the lower end of the correlation's interval; the correlation itself decides the closing.

    Examples
    --------
    The whole interval must lie above the level: a lower end equal to the level is not enough.

    >>> values = {"corr_60": 0.3, "corr_ci_60_low": 0.1}
    >>> observe(Rule(kind=Kind.HEDGE_LOST), Direction.RISK_OFF, values).x < 0.1
    True
    """
    del rule, direction
    low, correlation = values.get("corr_ci_60_low"), values.get("corr_60")
    if low is None or correlation is None:
        return None
    # The next float below: x >= level is then low > level.
    return Observation(x=math.nextafter(low, -math.inf), leave_value=correlation)


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return the interval's lower end and the correlation, each less its levels; see `PriceSearch`."""
    known = following.known
    found = next_correlations(
        known.lead_returns,
        known.other_returns,
        following.lead_returns(prices),
        following.other_return,
        size=60,
    )
    if found is None:
        return no_margins(prices)
    low = found.interval_low
    return np.stack((low - rule.warning, low - rule.critical, found.correlation - rule.leave))


HEDGE_LOST: Final = KindDefinition(
    default_rule=Rule(kind=Kind.HEDGE_LOST, warning=0.1, critical=0.3, leave=0.0),
    observe=observe,
    decided_by=("corr_ci_60_low", "corr_ci_60_high", "n_eff_60"),
    context=EVIDENCE,
    window=returns_of(60),
    correlation_size=60,
    # The lead no longer hedges the other leg: both should move the same way.
    claims={Direction.RISK_OFF: Claim.TOGETHER},
    price_search=PriceSearch(values=lambda aligned, _: correlation_values(aligned, (60,)), margins=margins),
)
