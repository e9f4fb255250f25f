"""Choices know the past only, and what is scored is what followed them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from convex.choose.grid import published_rule, rules_of_grid
from convex.choose.performance import evaluate, perform
from convex.choose.walk_forward import FOLD, PAST, walk_forward
from shared.domain.divergences import Kind
from tests.support.builders_market import pair
from tests.unit.convex.choose.markets import unrelated

RULES = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 1.25, 1.5, 2.0))
LEGS = unrelated(11, 2_000)
EVALUATED = evaluate(RULES, *LEGS, pair=pair())
WALK = walk_forward(EVALUATED)


def test_folds_follow_each_other_from_two_years_of_the_statistic_on_to_the_end() -> None:
    assert WALK.folds[0].begin == EVALUATED.first + PAST
    assert WALK.folds[-1].end == EVALUATED.size
    assert all(one.end == two.begin for one, two in pairwise(WALK.folds))
    assert all(fold.end - fold.begin == FOLD for fold in WALK.folds[:-1])


@pytest.mark.parametrize("rest", [1, 21, 22, 251])
def test_rest_of_which_no_month_can_be_known_is_no_year_of_its_own(rest: int) -> None:
    size = EVALUATED.first + PAST + 2 * FOLD + rest
    folds = walk_forward(EVALUATED.until(size)).folds

    assert folds[-1].end == size
    assert len(folds) == (2 if rest <= 21 else 3)


@pytest.mark.parametrize("number", range(len(WALK.folds)))
def test_choice_of_a_year_does_not_know_what_follows(number: int) -> None:
    fold = WALK.folds[number]
    lead, other = (each.copy() for each in LEGS)
    # Another market from the first close of the year on.
    later = np.random.default_rng(5).standard_normal((2, lead.size - fold.begin))
    lead[fold.begin :], other[fold.begin :] = 0.05 * later

    again = walk_forward(evaluate(RULES, lead, other, pair=pair()))

    assert [each.choice for each in again.folds[: number + 1]] == [
        each.choice for each in WALK.folds[: number + 1]
    ]


def test_choice_is_the_best_of_what_was_known() -> None:
    for fold in WALK.folds:
        lead, other = (each[: fold.begin] for each in LEGS)
        known = perform(evaluate(RULES, lead, other, pair=pair()))
        best = int(np.argmax(known.ratios))
        assert fold.choice == known.columns[best]


def test_what_is_scored_are_the_openings_of_the_year_at_the_chosen_level() -> None:
    total_hits = total = 0
    base = 0.0
    for fold in WALK.folds:
        assert fold.choice is not None
        assert fold.after is not None
        rule, horizon = fold.choice
        followed = EVALUATED.followed[horizon]
        hits = count = 0
        for opened, hit in zip(EVALUATED.opened[rule], followed.hits.values(), strict=True):
            for close in opened:
                if fold.begin <= close < min(fold.end, followed.size):
                    hits += bool(hit[close])
                    count += 1
                    base += hit[EVALUATED.first :].mean()
        assert (fold.after.hits, fold.after.count) == (hits, count)
        total_hits, total = total_hits + hits, total + count
    assert (WALK.total.hits, WALK.total.count) == (total_hits, total)
    assert WALK.total.base == pytest.approx(base / total)
    assert total > 10


def test_years_without_enough_openings_choose_nothing() -> None:
    empty = tuple(tuple(each[:0] for each in of_rule) for of_rule in EVALUATED.opened)

    walk = walk_forward(replace(EVALUATED, opened=empty))

    assert {(fold.choice, fold.after) for fold in walk.folds} == {(None, None)}
    assert (walk.total.count, walk.total.rate.value, walk.total.excess) == (0, None, None)
