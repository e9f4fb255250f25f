"""Ratio stretch: the lead is rich or cheap against the other leg.

The only kind that live prices open, as an early warning; its statistic is the z-score of the log ratio.
"""

from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.observation import Observation, symmetric
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.definition import KindDefinition, log_ratios_before
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


RATIO_STRETCH: Final = KindDefinition(
    default_rule=Rule(kind=Kind.RATIO_STRETCH),
    observe=observe,
    decided_by=("log_ratio", "z_90", "mean_90", "std_90", "pctl_90"),
    window=log_ratios_before,
    # Rich or cheap against its own past: the ratio should come back.
    claims={Direction.RISK_OFF: Claim.FALLS, Direction.RISK_ON: Claim.RISES},
)
