"""Find the levels of a rule that keep to a budget of false alarms a year.

1. ``critical`` is the level that would be the ``warning`` of a tenth of the budget.
2. ``warning`` and ``leave`` are multiplied by one factor, so their proportion stays as it is published. With
   it and this ``critical`` chance opens the rule as often as the budget allows. (``critical`` comes first
   because a critical divergence opens in spite of a cooldown.)

The levels are rounded to four digits, which changes the rate by less than its random error.
"""

from dataclasses import dataclass, replace
from typing import Final

from convex.calibrate.chance_curve import ChanceCurve
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from shared.errors import ConfigError

CRITICAL_SHARE: Final = 0.1
"""Of the budget: how often a rule would open whose warning is the critical level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelInterval:
    """Levels within which the warning of a budget lies with a confidence of 95 %.

    Parameters
    ----------
    low, high
        None where no level would use the budget up, or the figure has no interval.
    """

    low: float | None
    high: float | None


def rule_for_budget(curve: ChanceCurve, budget: float) -> Rule:
    """Return the rule whose levels chance alone opens as often as the budget allows.

    Parameters
    ----------
    curve
        Of the rule with its published levels.
    budget
        Openings in 252 sessions.

    Raises
    ------
    ConfigError
        If even the lowest levels open less often.
    """
    critical = curve.rule.warning * _factor(curve, budget * CRITICAL_SHARE)
    beside = replace(curve, critical=critical)
    found = beside.rule_at(_factor(beside, budget))
    return replace(
        found,
        warning=_rounded(found.warning),
        critical=_rounded(found.critical),
        leave=_rounded(found.leave),
    )


def level_interval(curve: ChanceCurve, budget: float, figure: FalseAlarms) -> LevelInterval:
    """Return the interval of the warning level, for the choice of the history and for the simulation.

    If the figure of the rule is uncertain by a factor, so are those of rules with levels near it. The ends
    are the levels that would use the budget up if the true figures were at the ends of the figure's interval.

    Parameters
    ----------
    curve
        Of the rule with the levels found, with its critical level beside them.
    budget
        Openings in 252 sessions.
    figure
        Of this rule.
    """

    def level(true_per_year: float | None) -> float | None:
        if not true_per_year:
            return None
        factor = curve.factor_for(budget * figure.per_year / true_per_year)
        return None if factor is None else _rounded(curve.rule.warning * factor)

    return LevelInterval(low=level(figure.low), high=level(figure.high))


def _factor(curve: ChanceCurve, per_year: float) -> float:
    factor = curve.factor_for(per_year)
    if factor is None:
        raise ConfigError(
            f"[{curve.rule.kind}] false_alarms_per_year: on this history chance opens the rule less "
            f"often than {per_year:g} times a year with any levels; give a smaller budget"
        )
    return factor


def _rounded(level: float) -> float:
    return float(f"{level:.4g}")
