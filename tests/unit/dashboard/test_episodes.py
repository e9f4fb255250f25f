"""One line for each divergence, whatever the number of its events."""

from services.dashboard.core.episodes import episodes_of, open_events, tell_news
from shared.domain.divergences import Confirmation, Direction, Kind, Severity, Transition
from shared.domain.snapshots import OpenDivergence
from tests.support.snapshot_builder import PAIR, event

OPENED = event()
ESCALATED = event(
    event_id="ev_2",
    sequence=2,
    type=Transition.ESCALATED,
    severity=Severity.CRITICAL,
    occurred_at="2020-03-19T00:15:00.000000Z",
    values={"z_90": 3.6},
)
EASED = event(
    event_id="ev_3",
    sequence=3,
    type=Transition.EASED,
    occurred_at="2020-03-20T00:15:00.000000Z",
    values={"z_90": 1.9},
)
CLOSED = event(
    event_id="ev_4",
    sequence=4,
    type=Transition.CLOSED,
    occurred_at="2020-03-24T00:15:00.000000Z",
    values={"z_90": None},
)
STILL_OPEN = OpenDivergence(
    divergence_id="dv_1",
    kind=Kind.RATIO_STRETCH,
    direction=Direction.RISK_OFF,
    severity=Severity.WARNING,
    confirmation=Confirmation.CONFIRMED,
    opened_at="2020-03-18T00:15:00.000000Z",
)


def test_events_of_one_divergence_are_one_episode_with_its_peak() -> None:
    (episode,) = episodes_of(PAIR, (OPENED, ESCALATED, EASED), ())
    assert (episode.severity, episode.peak, episode.is_open) == ("warning", "critical", True)
    assert (episode.state, episode.state_at) == ("eased", "2020-03-20 00:15:00 UTC")
    assert (episode.z_first, episode.z_last) == ("+2.41", "+1.90")
    assert episode.what == "Gold rich against IWM"


def test_a_closed_one_is_not_open_although_an_older_snapshot_says_so() -> None:
    (episode,) = episodes_of(PAIR, (OPENED, CLOSED), (STILL_OPEN,))
    assert (episode.is_open, episode.state, episode.z_last) == (False, "closed", "—")


def test_one_whose_events_are_no_longer_kept_is_told_from_the_snapshot() -> None:
    (episode,) = episodes_of(PAIR, (), (STILL_OPEN,))
    assert (episode.is_open, episode.opened_at, episode.z_last) == (True, "2020-03-18 00:15:00 UTC", "—")


def test_a_test_is_no_divergence_and_no_news() -> None:
    fired = event(type=Transition.TEST, event_id="ev_9", divergence_id="dv_9", sequence=9)
    assert episodes_of(PAIR, (fired,), ()) == ()
    assert tell_news(PAIR, (fired,)) == ""
    assert [one.divergence_id for one in episodes_of(PAIR, (OPENED, fired), ())] == ["dv_1"]
    assert open_events((OPENED, fired)) == (OPENED,)


def test_the_newest_opening_comes_first() -> None:
    later = event(divergence_id="dv_2", sequence=5, opened_at="2020-04-01T00:15:00.000000Z")
    assert [one.divergence_id for one in episodes_of(PAIR, (OPENED, later), ())] == ["dv_2", "dv_1"]


def test_the_other_direction_reads_the_other_way() -> None:
    (episode,) = episodes_of(PAIR, (event(direction=Direction.RISK_ON),), ())
    assert (episode.what, episode.direction) == ("Gold cheap against IWM", "risk on")


def test_open_events_are_the_latest_of_what_has_not_ended() -> None:
    other = event(divergence_id="dv_2", sequence=5)
    assert open_events((OPENED, ESCALATED, other)) == (ESCALATED, other)
    assert open_events((OPENED, CLOSED, other)) == (other,)


def test_news_is_a_sentence_about_the_latest_event() -> None:
    assert tell_news(PAIR, (OPENED, ESCALATED)) == (
        "Gold rich against IWM: escalated, critical, confirmed, 2020-03-19 00:15:00 UTC."
    )
    assert tell_news(PAIR, ()) == ""
