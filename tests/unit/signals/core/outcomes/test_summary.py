"""Hit rates and scenarios of a few openings, computed by hand."""

import math

import pytest
from statsmodels.stats.proportion import proportion_confint

from services.signals.core.outcomes.scoring import Opening
from services.signals.core.outcomes.summary import summarise
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeStart, OutcomeSummary
from tests.unit.signals.core.outcomes.closes import closes, labels


def scored(
    *moves: tuple[float, float],
    kind: Kind = Kind.RATIO_STRETCH,
    direction: Direction = Direction.RISK_OFF,
    reached: int = 1,
) -> list[Opening]:
    """Return an opening every fifth week for each move of the legs, the same at each horizon reached."""
    return [
        Opening(kind=kind, direction=direction, session=session, scores=(move,) * reached)
        for move, session in zip(moves, labels(25 * len(moves))[::25], strict=True)
    ]


def at(summaries: tuple[OutcomeSummary, ...], horizon: int) -> OutcomeSummary:
    (found,) = (each for each in summaries if each.horizon_sessions == horizon)
    return found


def test_hits_are_counted_and_the_typical_move_is_the_median() -> None:
    # The ratio falls in the first, third and fourth: 3 of 4 stretches came back.
    moves = (-0.02, 0.01), (0.03, 0.01), (-0.01, 0.0), (0.0, 0.04)

    found = at(summarise(scored(*moves), closes([100.0] * 160)), 1)

    assert (found.count, found.hits, found.hit_rate.value) == (4, 3, 0.75)
    assert (found.lead.value, found.other.value) == pytest.approx((-0.005, 0.01))
    # -0.04, -0.03, -0.01 and 0.02: halfway between the middle two.
    assert found.ratio.value == pytest.approx(-0.02)
    assert (found.ratio.low, found.ratio.high) == (None, None)


def test_a_scenario_of_six_openings_has_intervals() -> None:
    moves = [(0.01 * each, 0.0) for each in (3, -1, 2, 1, 5, 4)]

    found = at(summarise(scored(*moves), closes([100.0] * 160)), 1)

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
    # From the second close on, the lead falls after the second, the fourth and the fifth of five sessions.
    aligned = closes([101.0, 100.0, 99.0, 100.0, 98.0, 97.0, 97.0])

    summaries = summarise(scored((0.01, 0.02)), aligned)

    assert at(summaries, 1).usual_rate == pytest.approx(3 / 5)
    assert at(summaries, 5).usual_rate == 1.0
    assert at(summaries, 20).usual_rate is None


def test_what_usually_follows_is_reported_in_the_words_of_the_claim() -> None:
    aligned = closes([101.0, 100.0, 101.0, 102.0, 101.0], [51.0, 50.0, 51.0, 50.0, 49.0])
    lost = scored((0.01, 0.02), kind=Kind.HEDGE_LOST)

    found = at(summarise(lost, aligned), 1)

    # From the second close on, together in the first and the last of three moves; the one opening was a hit.
    assert found.usual_rate == pytest.approx(2 / 3)
    assert found.hits == 1
    assert found.ratio.value == pytest.approx(-0.01)


def test_nothing_is_summed_up_without_an_opening() -> None:
    assert summarise([], closes([100.0, math.e])) == ()


def test_a_run_of_openings_whose_horizons_overlap_is_one_episode() -> None:
    """Openings 4 sessions apart: of 1 session none overlap, of 5 all three, and the fourth comes later."""
    sessions = labels(60)
    openings = [
        Opening(
            kind=Kind.RATIO_STRETCH,
            direction=Direction.RISK_OFF,
            session=sessions[at],
            scores=((-0.01, 0.01),) * 3,
        )
        for at in (0, 4, 8, 13)
    ]

    found = summarise(openings, closes([100.0 + each for each in range(60)]))

    assert [(each.horizon_sessions, each.count, each.episodes) for each in found] == [
        (1, 4, 4),
        (5, 4, 2),
        (20, 4, 1),
    ]
    # The same four hits are less and less evidence.
    lows = [each.hit_rate.low or 0.0 for each in found]
    assert lows[0] > lows[1] > lows[2] > 0.0


def test_openings_older_than_the_windows_belong_to_episodes_by_weekdays() -> None:
    """The windows begin at session 30: openings 10, 12 and 20 are older, and 33 is in them."""
    sessions = labels(60)
    openings = [
        Opening(
            kind=Kind.HEDGE_LOST,
            direction=Direction.RISK_OFF,
            session=sessions[at],
            scores=((0.01, 0.01),) * 3,
        )
        for at in (10, 12, 20, 33)
    ]
    whole = closes([100.0 + each for each in range(60)])

    in_windows = [each.episodes for each in summarise(openings, whole.until(60, limit=30))]

    assert in_windows == [each.episodes for each in summarise(openings, whole)] == [4, 3, 1]


def test_the_adjusted_interval_is_wider_and_says_for_how_many_rates() -> None:
    mixed = [
        *scored((0.01, 0.02), (0.03, 0.01), (0.01, 0.02), kind=Kind.REGIME_CHANGE, reached=2),
        *scored((0.01, 0.02), (0.03, 0.02)),
    ]

    found = summarise(mixed, closes([100.0] * 160))

    # Two of three horizons, and one of three; those that nothing has reached are no comparisons.
    assert {each.comparisons for each in found} == {3}
    assert {each.start for each in found} == {OutcomeStart.NEXT_CLOSE}
    for each in found:
        assert each.hit_rate_adjusted is not None
        assert each.hit_rate_adjusted.value == each.hit_rate.value
        if each.count:
            alpha = 0.05 / 3
            low, high = proportion_confint(each.hits, each.count, alpha=alpha, method="beta")
            adjusted = each.hit_rate_adjusted
            assert (adjusted.low, adjusted.high) == pytest.approx((low, high), abs=1e-9)
