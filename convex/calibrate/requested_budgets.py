"""The budgets of a rules file that levels are to be found for, and whether they can be found."""

import math
from typing import Final

from convex.calibrate.budget_levels import CRITICAL_SHARE
from convex.calibrate.rule_openings import can_count
from services.signals.rule_table import BUDGET
from services.signals.rules_file import RulesFile
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.errors import ConfigError

# With fewer openings the critical level would be chance.
_LEAST_OPENINGS: Final = 10


def requested_budgets(file: RulesFile, pair: Pair, *, simulated_years: int) -> dict[Kind, float]:
    """Return the budgets of a pair, false alarms in 252 sessions by kind.

    Parameters
    ----------
    file
        The rules.
    simulated_years
        Years counted in all paths together.

    Raises
    ------
    ConfigError
        If there is none, the pair lacks what a kind needs, or the paths are too few to find a level.
    """
    budgets = file.budgets_of(pair.name)
    if not budgets:
        raise ConfigError(
            f"--rules-out: {file.path or 'without --rules'}: no kind of {pair.name} has a {BUDGET}, "
            "so there are no levels to find"
        )
    for kind, budget in budgets.items():
        where = f"{file.path}: [{kind}] {BUDGET}"
        if not can_count(kind, pair):
            raise ConfigError(f"{where}: {pair.name} has no baseline of agreement, so nothing can be counted")
        needed = math.ceil(_LEAST_OPENINGS / (budget * CRITICAL_SHARE))
        if simulated_years < needed:
            raise ConfigError(
                f"{where}: {budget:g} is too rare for {simulated_years:,} years of histories; "
                f"give --paths and --years that make at least {needed:,}"
            )
    return budgets
