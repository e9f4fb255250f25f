"""Ratio stretch: the lead is rich or cheap against the other leg.

The only kind that live prices open, as an early warning; its statistic is the z-score of the log ratio.
"""

from typing import Final

from services.signals.core.confirmed import RATIO_WINDOW, Values, ratio_values
from services.signals.core.divergence.observation import Observation, symmetric
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    Floats,
    KindDefinition,
    PriceSearch,
    level_margins,
    log_ratios_before,
    no_margins,
)
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.zscore import baseline
from shared.domain.divergences import Direction, Kind


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return the z-score of the log ratio, signed.

    Examples
    --------
    >>> observe(Rule(), Direction.RISK_ON, {"z_90": 2.5})
    Observation(x=-2.5, leave_value=-2.5, can_open=True)
    """
    del rule
    return symmetric(direction, values.get("z_90"))


def next_zscores(following: HypotheticalClose, prices: Floats) -> Floats | None:
    """Return ``z_90`` of the next session for each close of the lead; None while it is undefined."""
    base = baseline(following.known.log_ratio, RATIO_WINDOW)
    return None if base is None else (following.log_ratios(prices) - base.mean) / base.std


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return the z-score less each level of the rule; see `PriceSearch`."""
    z = next_zscores(following, prices)
    return no_margins(prices) if z is None else level_margins(z, rule)


RATIO_STRETCH: Final = KindDefinition(
    default_rule=Rule(kind=Kind.RATIO_STRETCH),
    observe=observe,
    decided_by=("log_ratio", "z_90", "mean_90", "std_90", "pctl_90"),
    window=log_ratios_before,
    # Rich or cheap against its own past: the ratio should come back.
    claims={Direction.RISK_OFF: Claim.FALLS, Direction.RISK_ON: Claim.RISES},
    price_search=PriceSearch(values=lambda aligned, _: ratio_values(aligned), margins=margins),
)
