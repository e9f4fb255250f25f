"""What followed openings, computed by hand."""

import math

import pytest

from services.signals.core.outcomes.scoring import Opening, Score, rescored
from shared.domain.divergences import Direction, Kind
from tests.unit.signals.core.outcomes.closes import closes, labels


def opening(session: str, *scores: Score) -> Opening:
    return Opening(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, session=session, scores=scores)


def test_an_opening_is_scored_after_1_5_and_20_sessions() -> None:
    lead = [100.0 + session for session in range(24)]
    other = [50.0 - session for session in range(24)]

    (scored,) = rescored([opening(labels(24)[2])], closes(lead, other))

    assert len(scored.scores) == 3
    for score, horizon in zip(scored.scores, (1, 5, 20), strict=True):
        expected = math.log((102 + horizon) / 102), math.log((48 - horizon) / 48)
        assert score == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("sessions_after", "reached"), [(0, 0), (1, 1), (4, 1), (5, 2), (19, 2), (20, 3), (21, 3)]
)
def test_an_opening_has_a_score_for_each_horizon_that_is_reached(sessions_after: int, reached: int) -> None:
    count = 3 + sessions_after

    (scored,) = rescored([opening(labels(3)[2])], closes([100.0 + each for each in range(count)]))

    assert len(scored.scores) == reached


def test_openings_keep_their_order() -> None:
    sessions = labels(3)

    found = rescored([opening(sessions[1]), opening(sessions[0])], closes([100.0, 110.0, 99.0]))

    assert [each.session for each in found] == [sessions[1], sessions[0]]
    assert [each.scores[0][0] for each in found] == pytest.approx([math.log(0.9), math.log(1.1)])


def test_a_corrected_close_replaces_the_scores_that_stood_on_it() -> None:
    before = opening(labels(1)[0], (0.5, 0.5))

    (found,) = rescored([before], closes([100.0, 110.0]))

    assert len(found.scores) == 1
    assert found.scores[0] == pytest.approx((math.log(1.1), 0.0))


@pytest.mark.parametrize("session", ["2019-01-03", "2019-01-05", "2019-02-01"])
def test_an_opening_whose_session_is_not_there_keeps_its_scores(session: str) -> None:
    """Before the windows, in a gap of theirs (a Saturday), and after them."""
    before = opening(session, (0.01, 0.02))

    (found,) = rescored([before], closes([100.0, 110.0, 121.0], first="2019-01-04"))

    assert found is before


def test_nothing_is_scored_without_sessions() -> None:
    assert rescored([opening("2019-01-02")], closes([])) == (opening("2019-01-02"),)
    assert rescored([], closes([])) == ()
