"""What the statistics of a close say about each kind, in each of its directions.

================= ============================== ============================ =========================
kind              x                              opens and escalates only if  held against leave
================= ============================== ============================ =========================
ratio_stretch     z_90, signed                   -                            the same
opposite_moves    D, signed                      the legs' 5-session returns  the same
                                                 have opposite signs
correlation_break z of Fisher's test, signed     the change is large enough   the same
hedge_lost        lower end of corr_60's         -                            corr_60
                  interval, just below it
================= ============================== ============================ =========================
"""

import math
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Observation
from shared.domain.divergences import Direction, Kind

DIRECTIONS: Final[dict[Kind, tuple[Direction, ...]]] = {
    Kind.RATIO_STRETCH: (Direction.RISK_OFF, Direction.RISK_ON),
    Kind.OPPOSITE_MOVES: (Direction.RISK_OFF, Direction.RISK_ON),
    Kind.CORRELATION_BREAK: (Direction.TIGHTENING, Direction.LOOSENING),
    Kind.HEDGE_LOST: (Direction.RISK_OFF,),
    Kind.REGIME_CHANGE: (Direction.RISK_OFF, Direction.RISK_ON),
    Kind.DATA_FAULT: (Direction.LEAD, Direction.OTHER),
}
"""The first direction of a kind is that of a positive statistic."""

LEVEL_KINDS: Final = (Kind.RATIO_STRETCH, Kind.OPPOSITE_MOVES, Kind.CORRELATION_BREAK, Kind.HEDGE_LOST)
"""Those that a statistic opens and closes."""


def sign_of(direction: Direction) -> float:
    """Return what to multiply a statistic with so that it grows with the divergence."""
    return -1.0 if direction in (Direction.RISK_ON, Direction.LOOSENING) else 1.0


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return what a close says about one of the `LEVEL_KINDS`, None where the statistic is undefined.

    Parameters
    ----------
    values
        The confirmed statistics by name.

    Examples
    --------
    >>> observe(Rule(), Direction.RISK_ON, {"z_90": 2.5})
    Observation(x=-2.5, leave_value=-2.5, can_open=True)

    The interval must lie above the level, and the end of one at the level does not:

    >>> values = {"corr_60": 0.3, "corr_ci_60_low": 0.1}
    >>> observe(Rule(kind=Kind.HEDGE_LOST, warning=0.1, critical=0.3, leave=0.0),
    ...            Direction.RISK_OFF, values).x < 0.1
    True
    """
    if rule.kind is Kind.HEDGE_LOST:
        low, correlation = values.get("corr_ci_60_low"), values.get("corr_60")
        if low is None or correlation is None:
            return None
        # The next float below: x >= level is then low > level.
        return Observation(x=math.nextafter(low, -math.inf), leave_value=correlation)
    sign = sign_of(direction)
    if rule.kind is Kind.OPPOSITE_MOVES:
        gap, lead, other = (
            values.get(name) for name in ("opposite_moves", "return_5_lead", "return_5_other")
        )
        if gap is None or lead is None or other is None:
            return None
        return Observation(x=sign * gap, leave_value=sign * gap, can_open=lead * other < 0)
    if rule.kind is Kind.CORRELATION_BREAK:
        z, change = values.get("fisher_z"), values.get("corr_change")
        if z is None or change is None:
            return None
        return Observation(x=sign * z, leave_value=sign * z, can_open=abs(change) >= rule.min_change)
    z = values.get("z_90")
    return None if z is None else Observation(x=sign * z, leave_value=sign * z)
