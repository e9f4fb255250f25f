"""What followed openings, computed by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import day_of
from services.signals.core.outcomes.scoring import Opening, Score, last_closed, rescored
from shared.domain.divergences import Direction, Kind
from tests.support.builders_market import calendar, ny
from tests.unit.signals.core.outcomes.closes import closes, labels


def opening(session: str, *scores: Score) -> Opening:
    return Opening(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, session=session, scores=scores)


def test_an_opening_is_scored_after_1_5_and_20_sessions() -> None:
    lead = [100.0 + session for session in range(24)]
    other = [50.0 - session for session in range(24)]

    (scored,) = rescored([opening(labels(24)[2])], closes(lead, other))

    assert len(scored.scores) == 3
    for score, horizon in zip(scored.scores, (1, 5, 20), strict=True):
        expected = math.log((103 + horizon) / 103), math.log((47 - horizon) / 47)
        assert score == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("sessions_after", "reached"), [(0, 0), (1, 0), (2, 1), (5, 1), (6, 2), (20, 2), (21, 3), (22, 3)]
)
def test_an_opening_has_a_score_for_each_horizon_that_is_reached(sessions_after: int, reached: int) -> None:
    count = 3 + sessions_after

    (scored,) = rescored([opening(labels(3)[2])], closes([100.0 + each for each in range(count)]))

    assert len(scored.scores) == reached


def test_openings_keep_their_order() -> None:
    sessions = labels(3)

    found = rescored([opening(sessions[1]), opening(sessions[0])], closes([105.0, 100.0, 110.0, 99.0]))

    assert [each.session for each in found] == [sessions[1], sessions[0]]
    assert [each.scores[0][0] for each in found] == pytest.approx([math.log(0.9), math.log(1.1)])


def test_a_corrected_close_replaces_the_scores_that_stood_on_it() -> None:
    before = opening(labels(1)[0], (0.5, 0.5))

    (found,) = rescored([before], closes([120.0, 100.0, 110.0]))

    assert len(found.scores) == 1
    assert found.scores[0] == pytest.approx((math.log(1.1), 0.0))


def align_without(aligned: AlignedSessions, is_kept: NDArray[np.bool_]) -> AlignedSessions:
    lead, other = aligned.lead[is_kept], aligned.other[is_kept]
    return AlignedSessions(
        days=aligned.days[is_kept],
        lead=lead,
        other=other,
        log_ratio=aligned.log_ratio[is_kept],
        lead_returns=np.diff(np.log(lead)),
        other_returns=np.diff(np.log(other)),
    )


def test_an_opening_in_a_session_that_the_pair_lacks_is_scored_from_the_next_one_it_has() -> None:
    """It was reported on Friday, 4 January; that close is missing, so its returns start on Monday."""
    aligned = closes([100.0, 110.0, 121.0, 132.0], first="2019-01-03")
    is_there = aligned.days != day_of("2019-01-04")
    gap = align_without(aligned, is_there)

    (found,) = rescored([opening("2019-01-04")], gap)

    assert found.scores[0] == pytest.approx((math.log(132.0 / 121.0), 0.0))


@pytest.mark.parametrize("session", ["2019-01-03", "2019-02-01"])
def test_an_opening_whose_session_is_not_there_keeps_its_scores(session: str) -> None:
    """Before the windows, and after them."""
    before = opening(session, (0.01, 0.02))

    (found,) = rescored([before], closes([100.0, 110.0, 121.0], first="2019-01-04"))

    assert found is before


def test_nothing_is_scored_without_sessions() -> None:
    assert rescored([opening("2019-01-02")], closes([])) == (opening("2019-01-02"),)
    assert rescored([], closes([])) == ()


@pytest.mark.parametrize(
    ("reported", "session"),
    [
        ("2019-06-03 10:00", "2019-05-31"),
        ("2019-06-03 16:00", "2019-06-03"),
        ("2019-06-03 17:30", "2019-06-03"),
        ("2019-06-03 20:15", "2019-06-03"),
        ("2019-06-08 12:00", "2019-06-07"),
    ],
    ids=["in the session", "at its close", "before its bar", "with its bar", "at a weekend"],
)
def test_the_last_session_that_had_closed_does_not_wait_for_its_bar(reported: str, session: str) -> None:
    found = last_closed(ny(reported), calendar=calendar("2019-01-02"), newest="2019-05-30")

    assert found == session


def test_the_newest_aligned_session_counts_where_the_calendar_has_no_later_one() -> None:
    known = calendar("2019-01-02")

    assert last_closed(0, calendar=known, newest="2018-12-31") == "2018-12-31"
    assert last_closed(ny("2019-01-03 10:00"), calendar=known, newest="2019-02-01") == "2019-02-01"
