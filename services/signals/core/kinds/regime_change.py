"""Regime change: between risk-on, neutral and risk-off.

An event without a duration: it opens and closes at the close that changed the regime.
"""

from typing import Final

import numpy as np

from services.signals.core.confirmed import ratio_values
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import (
    Floats,
    KindDefinition,
    PriceSearch,
    log_ratios_before,
    no_margins,
)
from services.signals.core.kinds.ratio_stretch import next_zscores
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.regime import ENTER, LEAVE
from shared.domain.divergences import Direction, Kind


def direction_of_change(before: str | None, now: str | None, *, is_rich: bool) -> Direction | None:
    """Return the direction of a change of the regime to report; None if there is none.

    Parameters
    ----------
    before, now
        The regime that was reported last, None before the first; and the regime now, None while undefined.
    is_rich
        Whether the ``z_90`` that decided is not negative.

    Examples
    --------
    >>> direction_of_change("RISK_OFF", "NEUTRAL", is_rich=True)
    <Direction.RISK_OFF: 'risk_off'>
    >>> direction_of_change("NEUTRAL", "NEUTRAL", is_rich=True) is None
    True
    """
    if before is None or now is None or now == before:
        return None
    return Direction.RISK_OFF if is_rich else Direction.RISK_ON


def margins(rule: Rule, following: HypotheticalClose, prices: Floats) -> Floats:
    """Return the z-score less each level of the regime; see `PriceSearch`."""
    del rule
    z = next_zscores(following, prices)
    if z is None:
        return no_margins(prices)
    return np.stack([z - level for level in (ENTER, -ENTER, LEAVE, -LEAVE, 0.0)])


REGIME_CHANGE: Final = KindDefinition(
    default_rule=Rule(kind=Kind.REGIME_CHANGE),
    decided_by=("log_ratio", "z_90", "mean_90", "std_90", "pctl_90"),
    window=log_ratios_before,
    # A regime should last: the leg that outperforms should go on doing so.
    claims={Direction.RISK_OFF: Claim.RISES, Direction.RISK_ON: Claim.FALLS},
    # A change of the regime is no alarm by itself, and as frequent on two unrelated random walks:
    # docs/decisions/0025.
    opens_by_default=False,
    price_search=PriceSearch(values=lambda aligned, _: ratio_values(aligned), margins=margins),
)
