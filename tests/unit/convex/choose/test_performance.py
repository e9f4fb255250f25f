"""The excess over chance is what its definition says, and its error what the bootstrap has."""

from dataclasses import replace

import numpy as np
import pytest

from convex.calibrate.stationary_bootstrap import stationary_rows
from convex.choose.grid import WARNINGS, published_rule, rules_of_grid
from convex.choose.hit_rates import hit_rate_of
from convex.choose.performance import LEAST_OPENINGS, evaluate, perform
from services.signals.core.legs.history import day_of
from services.signals.core.outcomes.from_history import openings_of_history
from services.signals.core.outcomes.history_evaluator import HistoryEvaluator
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS
from shared.domain.pairs import AgreementBand
from tests.support.builders_market import pair
from tests.unit.convex.choose.markets import persisting, unrelated
from tests.unit.convex.choose.test_what_followed import aligned_of

PAIR = replace(pair(), agreement_low=0.4, agreement_high=0.55)


@pytest.mark.parametrize("kind", list(WARNINGS))
def test_openings_are_those_that_the_engine_finds_in_the_same_closes(kind: Kind) -> None:
    lead, other = persisting(3, 1_500)
    rule = published_rule(kind)
    aligned = aligned_of(lead, other)

    found = evaluate([rule], lead, other, pair=PAIR)

    openings = openings_of_history(aligned, HistoryEvaluator([rule]), AgreementBand(low=0.4, high=0.55))
    # `day_of` of the first session is 737,500, and a close has the number of the return that ends at it.
    expected = {
        direction: [day_of(each.session) - 737_501 for each in openings if each.direction is direction]
        for direction in DIRECTIONS[kind]
    }
    assert [each.tolist() for each in found.opened[0]] == list(expected.values())
    assert any(expected.values())


def test_mean_excess_is_the_share_of_openings_times_hit_rate_less_usual_rate() -> None:
    lead, other = unrelated(4, 1_500)
    rules = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 1.25))
    evaluated = evaluate(rules, lead, other, pair=PAIR)
    month = evaluated.followed[1]
    # The closes that both horizons know.
    evaluated = replace(evaluated, followed=(evaluated.followed[0].until(1_485), month))
    closes = month.size - evaluated.first

    performance = perform(evaluated)

    number = performance.columns.index((1, 1))
    rate = hit_rate_of(evaluated.opened[1], month, first=evaluated.first)
    assert rate.count >= LEAST_OPENINGS
    assert rate.excess is not None
    excess = performance.excess[:, number]
    # The columns are divided by their standard deviation, so compare by what does not depend on it.
    scale = excess.mean() / (rate.count / closes * rate.excess)
    hits = list(month.hits.values())
    by_hand = np.zeros(closes)
    for opened, hit in zip(evaluated.opened[1], hits, strict=True):
        is_opened = np.isin(np.arange(evaluated.first, month.size), opened).astype(float)
        y = hit[evaluated.first :].astype(float)
        by_hand += (is_opened - is_opened.mean()) * (y - y.mean())
    assert by_hand.mean() == pytest.approx(rate.count / closes * rate.excess)
    assert excess == pytest.approx(scale * by_hand)


def test_error_of_a_ratio_is_that_of_the_bootstraps_draws() -> None:
    lead, other = unrelated(5, 1_200)
    rules = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 1.5))
    performance = perform(evaluate(rules, lead, other, pair=PAIR))
    closes = len(performance.excess)
    generator = np.random.default_rng(1)

    # The bootstrap has blocks of whole numbers of sessions on average elsewhere; here the exact mean.
    means = [
        performance.excess[
            stationary_rows(generator, source=closes, size=closes, mean_block=performance.block_length)
        ].mean(axis=0)
        for _ in range(2_000)
    ]

    # 2,000 draws know a standard deviation to 1.6 %.
    assert np.std(means, axis=0) * np.sqrt(closes) == pytest.approx(np.ones(4), rel=0.06)


def test_blocks_are_at_least_as_long_as_the_longest_horizon() -> None:
    for seed in range(5):
        lead, other = unrelated(seed, 900)
        rules = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 1.5))
        assert perform(evaluate(rules, lead, other, pair=PAIR)).block_length >= 20.0


def test_level_with_too_few_known_outcomes_is_not_compared() -> None:
    lead, other = unrelated(6, 1_200)
    rules = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 9.0))

    assert perform(evaluate(rules, lead, other, pair=PAIR)).columns == ((0, 0), (0, 1))


@pytest.mark.parametrize("kept", [LEAST_OPENINGS - 1, LEAST_OPENINGS])
def test_ten_known_outcomes_are_enough(kept: int) -> None:
    lead, other = unrelated(6, 1_200)
    (rule,) = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0,))
    evaluated = evaluate([rule], lead, other, pair=PAIR)
    ((rich, cheap),) = evaluated.opened
    few = replace(evaluated, opened=((rich[: kept - 3], cheap[:3]),))

    assert bool(perform(few).columns) is (kept == LEAST_OPENINGS)


def test_history_without_a_known_outcome_has_no_column_and_no_best() -> None:
    lead, other = unrelated(6, 400)
    rules = rules_of_grid(published_rule(Kind.OPPOSITE_MOVES), (1.0, 1.5))
    early = evaluate(rules, lead, other, pair=PAIR).until(100)

    performance = perform(early)

    assert performance.columns == ()
    assert performance.ratios.size == 0
    assert performance.best is None


def test_outcomes_that_never_differ_have_no_error_to_divide_by() -> None:
    size = 800
    lead, other = unrelated(7, size)
    rules = rules_of_grid(published_rule(Kind.CORRELATION_BREAK), (1.0, 1.28))
    evaluated = evaluate(rules, lead, other, pair=PAIR)
    always = tuple(
        replace(each, hits={direction: np.ones(each.size, bool) for direction in each.hits})
        for each in evaluated.followed
    )

    assert perform(replace(evaluated, followed=always)).columns == ()
