"""Correlation break: the relationship of the legs has changed."""

from typing import Final

import numpy as np

from services.signals.core.confirmed import Values, correlation_values
from services.signals.core.divergence.observation import Observation, symmetric
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    EVIDENCE,
    Floats,
    KindDefinition,
    PriceSearch,
    level_margins,
    no_margins,
    returns_of,
)
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.next_return import next_correlations, next_fisher_z
from shared.domain.divergences import Direction, Kind

_SIZES: Final = (20, 252)


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return z of Fisher's test of the recent correlation against the usual one, signed.

    It opens only if the change is at least ``min_change``: a tiny change can be significant.

    Examples
    --------
    >>> rule = Rule(kind=Kind.CORRELATION_BREAK, min_change=0.3)
    >>> observe(rule, Direction.LOOSENING, {"fisher_z": -3.0, "corr_change": -0.2})
    Observation(x=3.0, leave_value=3.0, can_open=False)
    """
    change = values.get("corr_change")
    if change is None:
        return None
    return symmetric(direction, values.get("fisher_z"), can_open=abs(change) >= rule.min_change)


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return Fisher's z less each level, and the change less ``min_change``; see `PriceSearch`."""
    a, b = following.known.lead_returns, following.known.other_returns
    next_a, next_b = following.lead_returns(prices), following.other_return
    recent, usual = (next_correlations(a, b, next_a, next_b, size=size) for size in _SIZES)
    if recent is None or usual is None:
        return no_margins(prices)
    change = recent.correlation - usual.correlation
    changes = [change - rule.min_change, change + rule.min_change]
    return np.concatenate((level_margins(next_fisher_z(recent, usual), rule), changes))


CORRELATION_BREAK: Final = KindDefinition(
    default_rule=Rule(kind=Kind.CORRELATION_BREAK, warning=2.58, critical=3.29, leave=1.64, min_change=0.3),
    observe=observe,
    decided_by=(
        *("fisher_z", "corr_change", "n_eff_20", "n_eff_252"),
        *("corr_ci_20_low", "corr_ci_20_high", "corr_ci_252_low", "corr_ci_252_high"),
    ),
    context=EVIDENCE,
    window=returns_of(252),
    correlation_size=20,
    # Tighter: both legs should move the same way. Looser: opposite ways.
    claims={Direction.TIGHTENING: Claim.TOGETHER, Direction.LOOSENING: Claim.APART},
    price_search=PriceSearch(values=lambda aligned, _: correlation_values(aligned, _SIZES), margins=margins),
)
