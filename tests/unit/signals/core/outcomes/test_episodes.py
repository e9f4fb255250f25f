"""Which openings share sessions, by the calendar days they opened on."""

from services.signals.core.outcomes.episodes import episodes_of, starts_of
from services.signals.core.outcomes.scoring import Opening
from shared.domain.divergences import Direction, Kind
from tests.unit.signals.core.outcomes.closes import closes, labels


def openings(*sessions: str) -> list[Opening]:
    return [
        Opening(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, session=session)
        for session in sessions
    ]


def test_returns_start_at_the_session_after_the_opening() -> None:
    week = labels(5)

    assert starts_of(openings(week[0], week[3]), closes([100.0] * 5)).tolist() == [1, 4]


def test_openings_older_than_the_sessions_are_counted_back_in_weekdays() -> None:
    """2018-12-28 is a Friday, three weekdays before Wednesday, 2019-01-02."""
    starts = starts_of(openings("2018-12-28", "2019-01-02"), closes([100.0] * 5))

    assert starts.tolist() == [-2, 1]
    assert episodes_of(starts, 3).tolist() == [0, 1]
    assert episodes_of(starts, 5).tolist() == [0, 0]


def test_openings_whose_sessions_are_gone_are_one_episode() -> None:
    """Without a session nothing says how far apart their returns are, so nothing is counted twice."""
    starts = starts_of(openings("2018-12-28", "2019-01-02"), closes([]))

    assert episodes_of(starts, 1).tolist() == [0, 0]
