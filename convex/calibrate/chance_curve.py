"""How often chance alone opens a rule as its levels are raised, over the same paths for all levels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from convex.calibrate.null_paths import NOT_COUNTED
from convex.calibrate.observations import Observations, observations_of
from convex.calibrate.openings import count_openings
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from services.signals.core.statistics.rolling import Floats
from shared.domain.pairs import Pair

# The search goes up or down by this factor until it has passed the answer, then goes in between.
_STEP: Final = 1.25
_LOWEST: Final = 0.01
# It ends where the rate is this near, or where factors differ by less than anyone would write: both are far
# below the random error of the paths.
_NEAR: Final = 0.002
_PRECISION: Final = 1e-4
# A guess is not nearer to an end than this.
_EDGE: Final = 0.02
# Warning and critical must differ.
_ABOVE: Final = 1.0 + 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceCurve:
    """The openings of one rule over fixed paths, as a function of one factor on its levels.

    Parameters
    ----------
    rule
        With the levels at a factor of 1.
    observed
        Of each part of the paths and each direction.
    years
        Counted in all paths together.
    critical
        A critical level that the factor leaves where it is; by default it is multiplied with the others.
    """

    rule: Rule
    observed: tuple[Observations, ...]
    years: float
    critical: float | None = None

    def rule_at(self, factor: float) -> Rule:
        """Return the rule with its levels multiplied by a factor."""
        warning = self.rule.warning * factor
        critical = self.rule.critical * factor if self.critical is None else self.critical
        return replace(
            self.rule,
            warning=warning,
            critical=max(critical, warning * _ABOVE),
            leave=self.rule.leave * factor,
        )

    def rate_at(self, factor: float) -> float:
        """Return openings in 252 sessions with the levels multiplied by a factor."""
        rule = self.rule_at(factor)
        counts = (count_openings(each, rule, after=NOT_COUNTED) for each in self.observed)
        return sum(int(each.sum()) for each in counts) / self.years

    def factor_for(self, per_year: float) -> float | None:
        """Return the factor at which chance opens the rule so often, None if no levels are low enough.

        The rate falls as the levels rise, but for very low ones, which are hardly ever left. Of two factors
        with one rate the higher one is the answer.
        """
        found = self._around(per_year)
        if found is None:
            return None
        (low, often), (high, seldom) = found
        is_halving = False
        while high / low > 1.0 + _PRECISION:
            share = 0.5 if is_halving else _share(often, seldom, per_year)
            middle: float = low * (high / low) ** share
            rate = self.rate_at(middle)
            if abs(rate - per_year) <= _NEAR * per_year:
                return middle
            before = high / low
            if rate >= per_year:
                low, often = middle, rate
            else:
                high, seldom = middle, rate
            # A guess that left more than half is followed by one that cannot.
            is_halving = not is_halving and math.log(high / low) > 0.5 * math.log(before)
        return high

    def _around(self, per_year: float) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Return two factors, and their rates, between which the answer lies."""
        low, often = high, seldom = 1.0, self.rate_at(1.0)
        while seldom >= per_year:
            low, often = high, seldom
            high *= _STEP
            seldom = self.rate_at(high)
        while often < per_year:
            if low < _LOWEST:
                return None
            high, seldom = low, often
            low /= _STEP
            often = self.rate_at(low)
        return (low, often), (high, seldom)


def chance_curve(rule: Rule, paths: Iterable[tuple[Floats, Floats]], *, pair: Pair) -> ChanceCurve:
    """Observe a rule's statistic on paths of a null.

    Parameters
    ----------
    rule
        Of a kind with levels.
    paths
        Log returns of both legs, shape ``(paths, returns)`` each, part by part. The first `NOT_COUNTED`
        closes of each path decide but are not counted.
    pair
        The pair that they stand for.
    """
    observed: list[Observations] = []
    sessions = 0
    for lead, other in paths:
        observed += observations_of(rule, lead, other, pair=pair)
        sessions += lead[:, NOT_COUNTED:].size
    return ChanceCurve(rule=rule, observed=tuple(observed), years=sessions / YEAR)


def _share(often: float, seldom: float, per_year: float) -> float:
    """Return where between two factors a rate lies, if its logarithm falls in a straight line."""
    if seldom <= 0.0 or often <= seldom:
        return 0.5
    share = math.log(often / per_year) / math.log(often / seldom)
    return min(max(share, _EDGE), 1.0 - _EDGE)
