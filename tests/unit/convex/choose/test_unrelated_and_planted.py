"""Nothing is found where there is nothing, and what was planted is found.

Each market is drawn with fixed seeds. The synthetic histories are few, 59 or 99: the rank among them is a
p-value of the right size for any number of them.
"""

import numpy as np
import pytest

from convex.calibrate.null_paths import null_model, volatility_block_length
from convex.choose.grid import published_rule, rules_of_grid
from convex.choose.performance import evaluate, perform
from convex.choose.search_correction import rank_p_value, spa_p_value
from convex.choose.study import SIGNIFICANT, Verdict, is_confirmed, study_levels
from convex.choose.synthetic_histories import synthetic_histories
from convex.choose.walk_forward import walk_forward
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from tests.support.builders_market import pair
from tests.unit.convex.choose.markets import Legs, history_of, persisting, reverting, unrelated

PAIR = pair()
# The first ones of the 200 of each kind in docs/choose.md: all of them take too long for every run.
_SEEDS = 120


def finds(kind: Kind, legs: Legs, *, histories: int, seed: int) -> bool:
    """Return whether a study of these legs would find a level, asking the cheap questions first."""
    rules, null = rules_of_grid(published_rule(kind)), KIND_TRAITS[kind].null
    assert null is not None
    evaluated = evaluate(rules, *legs, pair=PAIR)
    performance = perform(evaluated)
    if performance.best is None or spa_p_value(performance, draws=500, seed=seed) > SIGNIFICANT:
        return False
    if not is_confirmed(walk_forward(evaluated).total):
        return False
    chance = synthetic_histories(
        null_model(null, *legs),
        rules,
        pair=PAIR,
        size=legs[0].size,
        seeds=np.random.SeedSequence([seed, 1]),
        histories=histories,
        mean_block=volatility_block_length(*legs),
    )
    return rank_p_value(float(performance.ratios.max()), chance.best) <= SIGNIFICANT


def test_cheap_questions_first_give_the_verdict_of_the_study() -> None:
    for seed in range(3):
        for market in (unrelated, reverting):
            legs = market(seed, 1_600)
            rules = rules_of_grid(published_rule(Kind.RATIO_STRETCH))
            study = study_levels(history_of(legs), rules, pair=PAIR, seed=seed, histories=39)
            found = finds(Kind.RATIO_STRETCH, legs, histories=39, seed=seed)
            # The random numbers differ, so only clear cases are compared.
            if study.test is not None and not 0.02 < study.test.p_value < 0.12:
                assert found is (study.verdict is Verdict.BEATS_CHANCE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.RATIO_STRETCH, Kind.CORRELATION_BREAK])
def test_unrelated_walks_give_something_in_at_most_one_seed_of_twenty(kind: Kind) -> None:
    found = sum(finds(kind, unrelated(seed, 2_106), histories=99, seed=seed) for seed in range(_SEEDS))

    assert found <= _SEEDS // 20


@pytest.mark.slow
def test_ratio_that_comes_back_is_found() -> None:
    found = sum(finds(Kind.RATIO_STRETCH, reverting(s, 4_602), histories=59, seed=s) for s in range(12))

    assert found >= 10


@pytest.mark.slow
def test_break_that_lasts_is_found() -> None:
    found = sum(finds(Kind.CORRELATION_BREAK, persisting(s, 4_602), histories=59, seed=s) for s in range(12))

    assert found >= 10
