"""What is told about two walks without a tie is what the product then does on fresh ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convex.calibrate.false_alarms import expect_false_alarms
from convex.calibrate.history import History
from convex.calibrate.null_paths import NOT_COUNTED
from convex.calibrate.rule_openings import rule_openings
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.divergences import Kind, Null
from shared.domain.kinds import KIND_TRAITS
from tests.support.builders_market import pair

PAIR = pair()
RULES = tuple(rule for rule in PUBLISHED_RULES if KIND_TRAITS[rule.kind].null is Null.UNRELATED_LEGS)


def walks(generator: np.random.Generator, paths: int, size: int) -> tuple[NDArray[np.float64], ...]:
    """Return the steps of two unrelated walks, Student t with 4 degrees of freedom."""
    return tuple(generator.standard_t(4, (paths, size)) * scale for scale in (0.01, 0.012))


def history(seed: int) -> History:
    lead, other = walks(np.random.default_rng([seed, 7]), 1, 2_106)
    return History(sessions=("",) * 2_107, lead=lead[0], other=other[0])


def fresh_rates(rules: tuple[Rule, ...], *, paths: int, years: int) -> dict[Kind, float]:
    """Return the openings a year of walks that no figure was computed from."""
    lead, other = walks(np.random.default_rng(99), paths, NOT_COUNTED + years * 252)
    return {
        rule.kind: float(rule_openings(rule, lead, other, pair=PAIR, after=NOT_COUNTED).counts.mean()) / years
        for rule in rules
    }


def test_figure_of_a_walk_is_near_the_rate_of_fresh_ones() -> None:
    true = fresh_rates(RULES, paths=40, years=20)

    found = expect_false_alarms(history(1), RULES, pair=PAIR, seed=1, paths=20, years=20, refits=0)

    assert [each.kind for each in found] == [
        Kind.RATIO_STRETCH,
        Kind.OPPOSITE_MOVES,
        Kind.REGIME_CHANGE,
    ]
    for each in found:
        assert each.per_year == pytest.approx(true[each.kind], rel=0.12)
        # Opened in its history about as often as told.
        assert each.openings is not None
        low, high = each.openings.per_year.low, each.openings.per_year.high
        assert low is not None
        assert high is not None
        assert low < each.per_year < high


@pytest.mark.slow
def test_intervals_hold_the_rate_of_fresh_walks() -> None:
    true = fresh_rates(RULES, paths=150, years=20)
    held = dict.fromkeys(true, 0)
    told: dict[Kind, list[float]] = {kind: [] for kind in true}

    for seed in range(12):
        found = expect_false_alarms(history(seed), RULES, pair=PAIR, seed=seed, paths=50, years=10)
        for each in found:
            assert each.interval is not None
            # The true rate itself is known to a hundredth.
            held[each.kind] += each.interval.low * 0.99 < true[each.kind] < each.interval.high * 1.01
            told[each.kind].append(each.per_year)

    for kind, count in held.items():
        # Twelve intervals of 95 % hold fewer than nine times in one case of 450.
        assert count >= 9
        assert np.mean(told[kind]) == pytest.approx(true[kind], rel=0.03)
