"""What followed past openings, as the page words it."""

import math
from typing import Any

import pytest

from services.dashboard.core.outcomes import (
    Move,
    OutcomeRow,
    RateScale,
    outcome_groups,
    why_no_outcomes,
)
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.registry import CLAIMS
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeStart, OutcomeSummary
from tests.support.snapshot_builder import PAIR, snapshot

NONE = Estimate(value=None)


def outcome(**changes: Any) -> OutcomeSummary:
    """Return what followed eight openings after five sessions."""
    values: dict[str, Any] = {
        "kind": Kind.RATIO_STRETCH,
        "direction": Direction.RISK_OFF,
        "horizon_sessions": 5,
        "count": 8,
        "hits": 6,
        "hit_rate": Estimate(value=0.75, low=0.4093, high=0.9285),
        "lead": Estimate(value=math.log(0.99), low=math.log(0.96), high=math.log(1.012)),
        "other": Estimate(value=math.log(1.021), low=math.log(0.997), high=math.log(1.05)),
        "ratio": Estimate(value=0.00001, low=math.log(0.9), high=math.log(1.1)),
        "usual_rate": 0.5414,
    }
    return OutcomeSummary(**values | changes)


def row(one: OutcomeSummary) -> OutcomeRow:
    ((only,),) = (group.rows for group in outcome_groups(PAIR, (one,)))
    return only


def test_a_row_has_the_rate_its_interval_and_the_usual_rate() -> None:
    shown = row(outcome())

    assert (shown.horizon, shown.hits, shown.rate, shown.interval, shown.usual, shown.why) == (
        *("5 sessions", "6 of 8", "75%", "41% to 93%", "54%"),
        None,
    )
    assert shown.scale == RateScale(low=40.9, value=75.0, high=92.8, usual=54.1)


def test_moves_are_percentages_with_their_intervals_and_one_that_rounds_to_nothing_has_no_sign() -> None:
    assert row(outcome()).moves == (
        Move(text="−1.0%", interval="−4.0% to +1.2%", why=None, sign=-1),
        Move(text="+2.1%", interval="−0.3% to +5.0%", why=None, sign=1),
        Move(text="0.0%", interval="−10.0% to +10.0%", why=None, sign=0),
    )


def test_a_move_of_few_openings_says_why_it_has_no_interval() -> None:
    lead = row(outcome(count=3, lead=Estimate(value=0.01))).moves[0]

    assert lead == Move(text="+1.0%", interval="", why="An interval needs six episodes.", sign=1)


def test_a_horizon_that_no_opening_has_reached_says_so() -> None:
    young = outcome(
        horizon_sessions=1,
        count=0,
        hits=0,
        hit_rate=NONE,
        lead=NONE,
        other=NONE,
        ratio=NONE,
        usual_rate=None,
    )

    shown = row(young)

    assert (shown.why, shown.rate, shown.interval, shown.usual, shown.scale) == (
        *("No opening is 1 session old yet.", "—", "", "—"),
        None,
    )
    assert set(shown.moves) == {Move(text="—", interval="", why=None, sign=0)}


def test_the_scale_does_without_a_usual_rate() -> None:
    assert row(outcome(usual_rate=None)).scale == RateScale(low=40.9, value=75.0, high=92.8, usual=None)


def test_outcomes_are_grouped_by_kind_and_direction_in_the_order_in_which_they_come() -> None:
    risk_on = {"direction": Direction.RISK_ON}
    outcomes = (
        *(outcome(horizon_sessions=horizon) for horizon in (1, 5, 20)),
        *(outcome(horizon_sessions=horizon, **risk_on) for horizon in (1, 5, 20)),
    )

    first, second = outcome_groups(PAIR, outcomes)

    assert (first.what, first.kind) == ("Gold is rich against IWM", "Ratio stretch, risk-off")
    assert first.hit == "the ratio came back: IWM outperformed Gold"
    assert second.hit == "the ratio came back: Gold outperformed IWM"
    assert [each.horizon for each in second.rows] == ["1 session", "5 sessions", "20 sessions"]


@pytest.mark.parametrize(("kind", "direction"), list(CLAIMS))
def test_the_words_of_a_hit_are_what_signals_counts(kind: Kind, direction: Direction) -> None:
    (group,) = outcome_groups(PAIR, (outcome(kind=kind, direction=direction),))

    words = {
        Claim.FALLS: "IWM outperformed Gold",
        Claim.RISES: "Gold outperformed IWM",
        Claim.TOGETHER: "both moved the same way",
        Claim.APART: "they moved in opposite directions",
    }
    assert group.hit.endswith(words[CLAIMS[kind, direction]])


def test_a_kind_that_is_counted_one_day_is_shown_without_words_of_its_own() -> None:
    (group,) = outcome_groups(PAIR, (outcome(kind=Kind.DATA_FAULT, direction=Direction.LEAD),))

    assert group.hit == "it moved as this kind expects"


def test_without_outcomes_the_page_says_why() -> None:
    assert why_no_outcomes(snapshot(outcomes=(outcome(),))) is None
    assert why_no_outcomes(snapshot(sessions_known=0)) == (
        "No session with both closes yet, so nothing has opened and nothing followed."
    )
    assert why_no_outcomes(snapshot(sessions_known=120)) == (
        "No divergence has opened in the 120 sessions that are kept, so nothing has followed one."
    )


def adjusted(low: float, high: float, **changes: Any) -> OutcomeSummary:
    return outcome(
        start=OutcomeStart.NEXT_CLOSE,
        episodes=8,
        hit_rate_adjusted=Estimate(value=0.75, low=low, high=high),
        comparisons=27,
        **changes,
    )


def test_a_row_shows_the_adjusted_interval_where_there_is_one() -> None:
    shown = row(adjusted(0.22, 0.99))

    assert (shown.interval, shown.verdict, shown.episodes) == ("22% to 99%", "", "")
    assert shown.scale == RateScale(low=22.0, value=75.0, high=99.0, usual=54.1)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.55, 0.99, "more often than usual"),
        (0.02, 0.54, "less often than usual"),
        (0.54, 0.99, ""),
        (0.02, 0.55, ""),
    ],
)
def test_only_an_adjusted_interval_that_excludes_the_usual_rate_is_a_verdict(
    low: float, high: float, verdict: str
) -> None:
    assert row(adjusted(low, high)).verdict == verdict


def test_a_plain_interval_is_no_verdict_and_neither_is_one_without_a_usual_rate() -> None:
    assert row(outcome(hit_rate=Estimate(value=0.75, low=0.6, high=0.9))).verdict == ""
    assert row(adjusted(0.55, 0.99, usual_rate=None)).verdict == ""
    assert row(adjusted(0.55, 0.99, count=0, hits=0)).why is not None


def test_openings_that_overlap_show_how_many_episodes_they_are() -> None:
    assert row(outcome(episodes=5)).episodes == "5 episodes"
    assert row(outcome(episodes=1)).episodes == "1 episode"
