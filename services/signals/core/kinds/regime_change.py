"""Regime change: between risk-on, neutral and risk-off.

An event without a duration: it opens and closes at the close that changed the regime.
"""

from typing import Final

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import KindDefinition, log_ratios_before
from shared.domain.divergences import Direction, Kind

REGIME_CHANGE: Final = KindDefinition(
    default_rule=Rule(kind=Kind.REGIME_CHANGE),
    decided_by=("log_ratio", "z_90", "mean_90", "std_90", "pctl_90"),
    window=log_ratios_before,
    # A regime should last: the leg that outperforms should go on doing so.
    claims={Direction.RISK_OFF: Claim.RISES, Direction.RISK_ON: Claim.FALLS},
    # A change of the regime is no alarm by itself, and as frequent on two unrelated random walks:
    # docs/decisions/0025.
    opens_by_default=False,
)
