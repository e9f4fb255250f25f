"""The levels of a budget, their interval and their cost."""

from dataclasses import replace

import numpy as np
import pytest

from convex.calibrate.budget_levels import level_interval
from convex.calibrate.budget_study import BudgetStudy, CalibratedRule
from convex.calibrate.budget_words import describe_budget
from convex.calibrate.chance_curve import chance_curve
from convex.calibrate.history import History
from convex.calibrate.null_paths import NOT_COUNTED
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from services.signals.core.kinds.registry import KINDS
from shared.domain.divergences import Kind
from shared.errors import ConfigError
from tests.support.builders_market import pair
from tests.support.made_up_markets import fat_tailed, gaussian

PAIR = pair()
BAND = replace(PAIR, agreement_low=0.42, agreement_high=0.52)


def study(**changes: object) -> BudgetStudy:
    lead, other = fat_tailed(np.random.default_rng(5), 1, 1_000)
    history = History(sessions=tuple(f"{at:05d}" for at in range(1_001)), lead=lead[0], other=other[0])
    fields = {"pair": BAND, "seed": 1, "paths": 20, "years": 10, "refits": 3, **changes}
    return BudgetStudy(history=history, **fields)  # type: ignore[arg-type]  # the fields of one call each


@pytest.fixture(scope="module")
def found() -> dict[Kind, CalibratedRule]:
    kinds = {
        Kind.RATIO_STRETCH: 1.0,
        Kind.OPPOSITE_MOVES: 2.0,
        Kind.CORRELATION_BREAK: 0.5,
        Kind.EVIDENCE_BREAK: 0.2,
    }
    rules = [KINDS[kind].default_rule for kind in Kind]
    return {each.rule.kind: each for each in study().calibrate_all(rules, kinds)}


def test_only_kinds_with_a_budget_are_calibrated(found: dict[Kind, CalibratedRule]) -> None:
    assert set(found) == {
        Kind.RATIO_STRETCH,
        Kind.OPPOSITE_MOVES,
        Kind.CORRELATION_BREAK,
        Kind.EVIDENCE_BREAK,
    }


def test_fresh_paths_open_the_rule_as_often_as_the_budget_says(found: dict[Kind, CalibratedRule]) -> None:
    for each in found.values():
        assert each.figure.budget is not None
        assert each.figure.rule_version == each.rule.version
        error = 4.0 * each.figure.standard_error * 2**0.5
        assert each.figure.per_year == pytest.approx(each.figure.budget, abs=error), each.rule.kind


def test_leave_keeps_its_proportion_and_everything_but_the_levels_stays(
    found: dict[Kind, CalibratedRule],
) -> None:
    for kind, each in found.items():
        published, rule = KINDS[kind].default_rule, each.rule
        assert rule.leave / rule.warning == pytest.approx(published.leave / published.warning, rel=1e-3)
        levels = (rule.warning, rule.critical, rule.leave)
        assert replace(published, warning=levels[0], critical=levels[1], leave=levels[2]) == rule
        assert rule.warning < rule.critical
        # Four digits.
        assert all(level == float(f"{level:.4g}") for level in levels)


def test_critical_is_the_warning_of_a_tenth_of_the_budget(found: dict[Kind, CalibratedRule]) -> None:
    rule = found[Kind.RATIO_STRETCH].rule
    quieter = study().calibrate(Rule(), 0.1).rule

    assert quieter.warning == pytest.approx(rule.critical, rel=0.02)


def test_levels_are_found_from_the_published_ones_whatever_the_rule_had(
    found: dict[Kind, CalibratedRule],
) -> None:
    again = study().calibrate(Rule(warning=5.0, critical=9.0, leave=4.0, hold_seconds=60), 1.0)

    assert again.rule == replace(found[Kind.RATIO_STRETCH].rule, hold_seconds=60)


def test_interval_of_the_warning_holds_the_warning(found: dict[Kind, CalibratedRule]) -> None:
    for each in found.values():
        low, high = each.figure.warning_low, each.figure.warning_high
        assert low is None or low < each.rule.warning
        assert high is not None
        assert each.rule.warning < high


def test_interval_ends_where_the_figure_would_be_wrong_by_as_much(found: dict[Kind, CalibratedRule]) -> None:
    each = found[Kind.RATIO_STRETCH]
    paths = gaussian(np.random.default_rng(9), 20, NOT_COUNTED + 10 * YEAR)
    curve = replace(chance_curve(each.rule, [paths], pair=PAIR), critical=each.rule.critical)
    figure = replace(each.figure, per_year=1.0, low=0.5, high=2.0)

    interval = level_interval(curve, 1.0, figure)

    # If chance is twice as frequent as the figure says, the level must be one that the figure calls half.
    assert interval.high is not None
    assert interval.low is not None
    assert curve.rate_at(interval.high / each.rule.warning) == pytest.approx(0.5, abs=0.02)
    assert curve.rate_at(interval.low / each.rule.warning) == pytest.approx(2.0, abs=0.02)
    nothing_known = level_interval(curve, 1.0, replace(figure, low=None, high=None))
    assert (nothing_known.low, nothing_known.high) == (None, None)
    # No level is low enough if chance were a hundred times rarer.
    assert level_interval(curve, 1.0, replace(figure, low=0.01)).low is None


def test_quieter_rule_reaches_fewer_changes_and_later(found: dict[Kind, CalibratedRule]) -> None:
    for each in found.values():
        budgets = [cost.budget for cost in each.costs]
        assert budgets == [0.5 * budgets[1], budgets[1], 2.0 * budgets[1]]
        shares = [cost.delay.share for cost in each.costs if cost.delay is not None]
        assert shares == sorted(shares)
        assert len(shares) == 3
        sessions = [cost.delay.sessions or np.inf for cost in each.costs if cost.delay is not None]
        assert sessions == sorted(sessions, reverse=True)


def test_budget_that_no_levels_use_up_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"\[hedge_lost\] false_alarms_per_year: on this history chance opens"
    ):
        study().calibrate(KINDS[Kind.HEDGE_LOST].default_rule, 30.0)


def test_same_seed_gives_the_same_levels_and_a_block_length_may_be_given() -> None:
    first, second = (study(block_length=5.0).calibrate(Rule(), 2.0) for _ in range(2))

    assert first == second
    assert first.figure.block_length == 5.0


def test_levels_and_costs_are_said_in_words(found: dict[Kind, CalibratedRule]) -> None:
    each = found[Kind.CORRELATION_BREAK]
    unreachable = replace(each.costs[2], delay=None)

    first, *costs = describe_budget(replace(each, costs=(*each.costs[:2], unreachable)))

    assert first.startswith(
        f"correlation_break: warning {each.rule.warning:g}, critical {each.rule.critical:g}, "
    )
    assert "for 0.5 false alarms a year (95 % interval of the warning: " in first
    assert costs[0].startswith("  at 0.25 a year ")
    assert costs[1].startswith("  at 0.5 a year a standard change opens it after ")
    assert costs[2] == "  at 1 a year chance opens it less often with any levels"
    open_ended = replace(each, figure=replace(each.figure, warning_low=None))
    assert "of the warning: no level to" in next(describe_budget(open_ended))
