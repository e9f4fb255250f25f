"""One factor on all levels, and how often chance then opens the rule."""

import numpy as np
import pytest

from convex.calibrate.chance_curve import ChanceCurve, chance_curve
from convex.calibrate.null_paths import NOT_COUNTED
from convex.calibrate.observations import Observations
from convex.calibrate.rule_openings import rule_openings
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR
from tests.support.builders_market import pair
from tests.support.made_up_markets import gaussian

RULE = Rule()
PATHS, YEARS = 20, 10


@pytest.fixture(scope="module")
def curve() -> ChanceCurve:
    rng = np.random.default_rng(3)
    parts = [gaussian(rng, PATHS // 2, NOT_COUNTED + YEARS * YEAR) for _ in range(2)]
    return chance_curve(RULE, parts, pair=pair())


def test_rate_is_that_of_the_rule_with_its_levels_multiplied(curve: ChanceCurve) -> None:
    rng = np.random.default_rng(3)
    parts = [gaussian(rng, PATHS // 2, NOT_COUNTED + YEARS * YEAR) for _ in range(2)]
    rule = Rule(warning=2.5, critical=3.75, leave=1.25)

    counts = [rule_openings(rule, *each, pair=pair(), after=NOT_COUNTED).counts.sum() for each in parts]

    assert curve.years == PATHS * YEARS
    assert curve.rule_at(1.25) == rule
    assert curve.rate_at(1.25) == sum(counts) / (PATHS * YEARS)


@pytest.mark.parametrize("per_year", [0.05, 0.5, 3.0, 5.0])
def test_factor_opens_the_rule_as_often_as_asked(curve: ChanceCurve, per_year: float) -> None:
    factor = curve.factor_for(per_year)

    assert factor is not None
    # The next opening more or less is a step of one in all years.
    assert curve.rate_at(factor) == pytest.approx(per_year, abs=max(0.002 * per_year, 1.5 / curve.years))
    assert curve.rate_at(factor * 1.2) < per_year < curve.rate_at(factor / 1.2)


def test_rate_that_no_levels_reach_has_no_factor(curve: ChanceCurve) -> None:
    assert curve.factor_for(60.0) is None


def test_rate_below_one_opening_in_all_paths_is_the_end_of_the_openings(curve: ChanceCurve) -> None:
    factor = curve.factor_for(0.1 / curve.years)

    assert factor is not None
    assert curve.rate_at(factor) == 0.0
    assert curve.rate_at(factor / 1.001) > 0.0


def test_critical_level_that_is_given_stays_where_it_is_until_warning_has_come_to_it() -> None:
    nothing = Observations(x=np.zeros((1, 1)), leave_value=np.zeros((1, 1)), can_open=np.ones((1, 1), bool))
    beside = ChanceCurve(rule=RULE, observed=(nothing,), years=1.0, critical=3.5)

    assert [beside.rule_at(factor).critical for factor in (0.5, 1.0, 1.5)] == [3.5, 3.5, 3.5]
    assert beside.rule_at(2.0).critical == pytest.approx(4.0)
    assert beside.rule_at(2.0).critical > beside.rule_at(2.0).warning
