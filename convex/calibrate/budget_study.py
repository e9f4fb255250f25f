"""Find the levels of every kind of a pair that has a budget of false alarms, and say what they are worth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from convex.calibrate.budget_levels import level_interval, rule_for_budget
from convex.calibrate.chance_curve import ChanceCurve, chance_curve
from convex.calibrate.detection_delay import Delay, changed_paths
from convex.calibrate.false_alarms import REFITS, expect_false_alarms
from convex.calibrate.history import History
from convex.calibrate.null_paths import NullModel, null_model, null_paths, volatility_block_length
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.kinds.registry import KINDS
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from shared.domain.pairs import Pair

SHARES: Final = (0.5, 1.0, 2.0)
"""Of the budget, for which the cost is computed."""
_DELAY_PATHS: Final = 400
# Numbers after the seed that keep these paths apart from those of the figures.
_LEVELS, _DELAYS = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a budget costs.

    Parameters
    ----------
    budget
        False alarms in 252 sessions.
    delay
        Of a standard change; None where no levels use the budget up.
    """

    budget: float
    delay: Delay | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedRule:
    """A rule whose levels were found for a budget.

    Parameters
    ----------
    rule
        With the levels.
    figure
        How often chance opens it: counted on other paths than those on which the levels were found.
    costs
        At half of the budget, at the budget and at twice the budget.
    """

    rule: Rule
    figure: FalseAlarms
    costs: tuple[Cost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStudy:
    """The history and the paths on which levels are found.

    Parameters
    ----------
    history, pair, seed, paths, years, block_length, refits, on_progress
        As for `convex.calibrate.false_alarms.expect_false_alarms`.
    """

    history: History
    pair: Pair
    seed: int
    paths: int
    years: int
    block_length: float | None = None
    refits: int = REFITS
    on_progress: Callable[[int, int], None] = lambda _done, _all: None

    def calibrate_all(
        self, rules: Iterable[Rule], budgets: Mapping[Kind, float]
    ) -> tuple[CalibratedRule, ...]:
        """Find the levels of each rule whose kind has a budget; other rules are left out."""
        return tuple(self.calibrate(rule, budgets[rule.kind]) for rule in rules if rule.kind in budgets)

    def calibrate(self, rule: Rule, budget: float) -> CalibratedRule:
        """Find the levels of one rule.

        Parameters
        ----------
        rule
            Of a kind with levels that can be counted for the pair. The search begins with the published
            levels, whatever its own are, so the same budget gives the same levels.
        budget
            False alarms in 252 sessions.

        Raises
        ------
        ConfigError
            With the kind, if no levels use the budget up.
        """
        null = KIND_TRAITS[rule.kind].null
        assert null is not None  # noqa: S101 - a kind with levels has one
        published = KINDS[rule.kind].default_rule
        rule = replace(rule, warning=published.warning, critical=published.critical, leave=published.leave)
        model = null_model(null, self.history.lead, self.history.other)
        curve = self._curve(rule, model)
        found = rule_for_budget(curve, budget)
        (figure,) = expect_false_alarms(
            self.history,
            (found,),
            pair=self.pair,
            seed=self.seed,
            paths=self.paths,
            years=self.years,
            block_length=self.block_length,
            refits=self.refits,
            on_progress=self.on_progress,
        )
        beside = replace(curve, rule=found, critical=found.critical)
        interval = level_interval(beside, budget, figure)
        return CalibratedRule(
            rule=found,
            figure=replace(figure, budget=budget, warning_low=interval.low, warning_high=interval.high),
            costs=self._costs(beside, budget, model),
        )

    @property
    def _mean_block(self) -> float:
        if self.block_length is not None:
            return self.block_length
        return volatility_block_length(self.history.lead, self.history.other)

    def _curve(self, rule: Rule, model: NullModel) -> ChanceCurve:
        paths = null_paths(
            model,
            seeds=np.random.SeedSequence([self.seed, _LEVELS]),
            paths=self.paths,
            years=self.years,
            mean_block=self._mean_block,
        )
        return chance_curve(rule, paths, pair=self.pair)

    def _costs(self, curve: ChanceCurve, budget: float, model: NullModel) -> tuple[Cost, ...]:
        changed = changed_paths(
            curve.rule,
            model,
            pair=self.pair,
            seeds=np.random.SeedSequence([self.seed, _DELAYS]),
            paths=_DELAY_PATHS,
            mean_block=self._mean_block,
        )
        budgets = [budget * share for share in SHARES]
        factors = [curve.factor_for(each) for each in budgets]
        return tuple(
            Cost(budget=each, delay=None if factor is None else changed.delay(curve.rule_at(factor)))
            for each, factor in zip(budgets, factors, strict=True)
        )
