"""Hit rates and scenarios of a few openings, computed by hand."""

import math

import pytest

from services.signals.core.outcomes.scoring import Opening
from services.signals.core.outcomes.summary import summarise
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeSummary
from tests.unit.signals.core.outcomes.closes import closes


def scored(
    *moves: tuple[float, float],
    kind: Kind = Kind.RATIO_STRETCH,
    direction: Direction = Direction.RISK_OFF,
    reached: int = 1,
) -> list[Opening]:
    """Return one opening for each move of the two legs, the same at each horizon that is reached."""
    return [
        Opening(kind=kind, direction=direction, session="2019-06-03", scores=(move,) * reached)
        for move in moves
    ]


def at(summaries: tuple[OutcomeSummary, ...], horizon: int) -> OutcomeSummary:
    (found,) = (each for each in summaries if each.horizon_sessions == horizon)
    return found


def test_hits_are_counted_and_the_typical_move_is_the_median() -> None:
    # The ratio falls in the first, third and fourth: 3 of 4 stretches came back.
    moves = (-0.02, 0.01), (0.03, 0.01), (-0.01, 0.0), (0.0, 0.04)

    found = at(summarise(scored(*moves), closes([100.0])), 1)

    assert (found.count, found.hits, found.hit_rate.value) == (4, 3, 0.75)
    assert (found.lead.value, found.other.value) == pytest.approx((-0.005, 0.01))
    # -0.04, -0.03, -0.01 and 0.02: halfway between the middle two.
    assert found.ratio.value == pytest.approx(-0.02)
    assert (found.ratio.low, found.ratio.high) == (None, None)


def test_a_scenario_of_six_openings_has_intervals() -> None:
    moves = [(0.01 * each, 0.0) for each in (3, -1, 2, 1, 5, 4)]

    found = at(summarise(scored(*moves), closes([100.0])), 1)

    assert found.lead == Estimate(value=0.025, low=-0.01, high=0.05)
    assert found.other == Estimate(value=0.0, low=0.0, high=0.0)


def test_a_horizon_that_no_opening_has_reached_is_counted_as_none() -> None:
    summaries = summarise(scored((0.01, 0.02), reached=2), closes([100.0]))
    none = Estimate(value=None)

    assert [(each.horizon_sessions, each.count) for each in summaries] == [(1, 1), (5, 1), (20, 0)]
    assert (at(summaries, 20).hit_rate, at(summaries, 20).ratio) == (none, none)


def test_kinds_and_directions_stand_apart_in_the_order_of_the_table() -> None:
    mixed = [
        *scored((0.01, 0.02), kind=Kind.REGIME_CHANGE),
        *scored((0.01, 0.02), kind=Kind.RATIO_STRETCH, direction=Direction.RISK_ON),
        *scored((0.01, 0.02), (0.03, 0.02)),
    ]

    found = [each for each in summarise(mixed, closes([100.0])) if each.horizon_sessions == 1]

    assert [(each.kind, each.direction, each.count, each.hits) for each in found] == [
        (Kind.RATIO_STRETCH, Direction.RISK_OFF, 2, 1),
        (Kind.RATIO_STRETCH, Direction.RISK_ON, 1, 0),
        (Kind.REGIME_CHANGE, Direction.RISK_OFF, 1, 0),
    ]


def test_what_usually_follows_is_counted_over_every_session() -> None:
    # The lead falls after the first, the third and the fourth of five sessions that have a next one.
    aligned = closes([100.0, 99.0, 100.0, 98.0, 97.0, 97.0])

    summaries = summarise(scored((0.01, 0.02)), aligned)

    assert at(summaries, 1).usual_rate == pytest.approx(3 / 5)
    assert at(summaries, 5).usual_rate == 1.0
    assert at(summaries, 20).usual_rate is None


def test_what_usually_follows_is_reported_in_the_words_of_the_claim() -> None:
    aligned = closes([100.0, 101.0, 102.0, 101.0], [50.0, 51.0, 50.0, 49.0])
    lost = scored((0.01, 0.02), kind=Kind.HEDGE_LOST)

    found = at(summarise(lost, aligned), 1)

    # Together in the first and the last of three moves; and the one opening was a hit.
    assert found.usual_rate == pytest.approx(2 / 3)
    assert found.hits == 1
    assert found.ratio.value == pytest.approx(-0.01)


def test_nothing_is_summed_up_without_an_opening() -> None:
    assert summarise([], closes([100.0, math.e])) == ()
