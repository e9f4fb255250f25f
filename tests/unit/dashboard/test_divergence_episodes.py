"""One line for each divergence, whatever the number of its events."""

from dataclasses import replace

import pytest

from services.dashboard.core.divergence_episodes import episodes_of, news_of, open_events
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.snapshots import OpenDivergence
from tests.support.builders_kinds import divergence_of
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
    assert (episode.state, episode.state_at) == ("eased to warning", "2020-03-20 00:15:00 UTC")
    assert (episode.measure, episode.first, episode.last) == ("z", "+2.41", "+1.90")
    assert episode.what == "Gold is rich against IWM"


def test_a_closed_one_is_not_open_although_an_older_snapshot_says_so() -> None:
    (episode,) = episodes_of(PAIR, (OPENED, CLOSED), (STILL_OPEN,))
    assert (episode.is_open, episode.state, episode.last) == (False, "closed", "—")


def test_early_warning_that_a_close_confirms_is_called_confirmed_and_a_corrected_one_revised() -> None:
    warned = event(confirmation=Confirmation.PROVISIONAL)
    confirming = event(event_id="ev_2", sequence=2, type=Transition.REVISED)
    corrected = event(event_id="ev_3", sequence=3, type=Transition.REVISED)

    (confirmed,) = episodes_of(PAIR, [warned, confirming], ())
    (revised,) = episodes_of(PAIR, [warned, confirming, corrected], ())

    assert confirmed.state == "confirmed by the close"
    assert revised.state == "revised"


def test_one_whose_events_are_no_longer_kept_is_reported_from_the_snapshot() -> None:
    (episode,) = episodes_of(PAIR, (), (STILL_OPEN,))
    assert (episode.is_open, episode.opened_at, episode.last) == (True, "2020-03-18 00:15:00 UTC", "—")


def test_a_test_is_no_divergence_and_no_news() -> None:
    fired = event(type=Transition.TEST, event_id="ev_9", divergence_id="dv_9", sequence=9)
    assert episodes_of(PAIR, (fired,), ()) == ()
    assert news_of(PAIR, (fired,)) == ""
    assert [one.divergence_id for one in episodes_of(PAIR, (OPENED, fired), ())] == ["dv_1"]
    assert open_events((OPENED, fired)) == (OPENED,)


def test_the_newest_opening_comes_first() -> None:
    later = event(divergence_id="dv_2", sequence=5, opened_at="2020-04-01T00:15:00.000000Z")
    assert [one.divergence_id for one in episodes_of(PAIR, (OPENED, later), ())] == ["dv_2", "dv_1"]


def test_the_other_direction_reads_the_other_way() -> None:
    (episode,) = episodes_of(PAIR, (event(direction=Direction.RISK_ON),), ())
    assert (episode.what, episode.kind) == ("Gold is cheap against IWM", "Ratio stretch, risk-on")


def test_open_events_are_the_latest_of_what_has_not_ended() -> None:
    other = event(divergence_id="dv_2", sequence=5)
    assert open_events((OPENED, ESCALATED, other)) == (ESCALATED, other)
    assert open_events((OPENED, CLOSED, other)) == (other,)


def test_news_is_a_sentence_about_the_latest_event() -> None:
    assert news_of(PAIR, (OPENED, ESCALATED)) == (
        "Gold is rich against IWM: escalated to critical, confirmed, 2020-03-19 00:15:00 UTC."
    )
    assert news_of(PAIR, (OPENED,)) == (
        "Gold is rich against IWM: opened, warning, confirmed, 2020-03-18 00:15:00 UTC."
    )
    assert news_of(PAIR, ()) == ""


@pytest.mark.parametrize(
    ("kind", "direction", "what", "named", "measure", "value"),
    [
        (
            *(Kind.RATIO_STRETCH, Direction.RISK_ON),
            *("Gold is cheap against IWM", "Ratio stretch, risk-on", "z", "−2.31"),
        ),
        (
            *(Kind.OPPOSITE_MOVES, Direction.RISK_OFF),
            *("Gold rose while IWM fell", "Opposite moves, risk-off", "D", "+2.47"),
        ),
        (
            *(Kind.OPPOSITE_MOVES, Direction.RISK_ON),
            *("IWM rose while Gold fell", "Opposite moves, risk-on", "D", "−2.47"),
        ),
        (
            *(Kind.CORRELATION_BREAK, Direction.TIGHTENING),
            "Gold and IWM move together more than they used to",
            *("Correlation break, tightening", "Fisher’s z", "+2.71"),
        ),
        (
            *(Kind.CORRELATION_BREAK, Direction.LOOSENING),
            "Gold and IWM move together less than they used to",
            *("Correlation break, loosening", "Fisher’s z", "−2.71"),
        ),
        (
            *(Kind.HEDGE_LOST, Direction.RISK_OFF),
            *("Gold no longer hedges IWM", "Hedge lost", "correlation, 60", "+0.41"),
        ),
        (
            *(Kind.REGIME_CHANGE, Direction.RISK_ON),
            "The regime changed with Gold/IWM below its average",
            *("Regime change, risk-on", "regime", "neutral → risk-on"),
        ),
        (
            *(Kind.DATA_FAULT, Direction.LEAD),
            *("The data of Gold cannot be trusted", "Data fault", "cause", "no ticks"),
        ),
        (
            *(Kind.DATA_FAULT, Direction.OTHER),
            *("The data of IWM cannot be trusted", "Data fault", "cause", "missing bar"),
        ),
    ],
)
def test_every_kind_says_what_happened_and_what_decided_it(
    kind: Kind, direction: Direction, what: str, named: str, measure: str, value: str
) -> None:
    (episode,) = episodes_of(PAIR, (divergence_of(kind, direction),), ())

    assert (episode.what, episode.kind) == (what, named)
    assert (episode.measure, episode.first, episode.last) == (measure, value, value)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("direction", list(Direction))
def test_direction_that_a_kind_does_not_have_is_shown_and_not_refused(
    kind: Kind, direction: Direction
) -> None:
    unlikely = replace(STILL_OPEN, kind=kind, direction=direction)

    (episode,) = episodes_of(PAIR, (), (unlikely,))

    assert "Gold" in episode.what or "IWM" in episode.what
    assert episode.last == "—"


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"stale": 4.0, "clock_skew": 1.0}, "no ticks, clock skew"),
        ({"lasted_seconds": 60.0}, "—"),
        ({"revised_from": 99.5, "revised_to": 99.97, "lasted_seconds": 0.0}, "99.50 → 99.97"),
    ],
)
def test_fault_shows_its_causes_and_a_correction_both_closes(values: dict[str, float], shown: str) -> None:
    (episode,) = episodes_of(PAIR, (divergence_of(Kind.DATA_FAULT, Direction.LEAD, values=values),), ())

    assert episode.last == shown


def test_regime_of_which_nothing_is_known_is_a_dash() -> None:
    (episode,) = episodes_of(PAIR, (divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF, values={}),), ())

    assert episode.last == "— → —"


def test_snapshot_tells_that_an_open_one_is_inhibited_and_either_that_it_flaps() -> None:
    inhibited = replace(STILL_OPEN, is_inhibited=True)
    flapping = replace(STILL_OPEN, is_flapping=True)
    held = event(is_flapping=True)

    def marks(*events: DivergenceEvent, listed: OpenDivergence) -> list[str]:
        (episode,) = episodes_of(PAIR, events, (listed,))
        return [mark.text for mark in episode.marks]

    assert marks(OPENED, listed=STILL_OPEN) == []
    assert marks(OPENED, listed=inhibited) == ["inhibited"]
    assert marks(listed=inhibited) == ["inhibited"]
    assert marks(OPENED, listed=flapping) == ["flapping"]
    assert marks(held, listed=inhibited) == ["inhibited", "flapping"]
    assert marks(listed=flapping) == ["flapping"]
    assert [mark.text for mark in episodes_of(PAIR, (held,), ())[0].marks] == ["flapping"]


def test_ended_divergence_has_no_mark() -> None:
    listed = replace(STILL_OPEN, is_inhibited=True)

    assert episodes_of(PAIR, (OPENED, CLOSED), (listed,))[0].marks == ()


def test_each_kind_has_its_rate_by_chance_and_a_data_fault_has_none() -> None:
    stretch = divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    (episode,) = episodes_of(PAIR, (stretch,), ())
    assert episode.chance == "by chance 3.6 a year (95%: 2.9 to 4.4); no difference from chance is shown"

    (fault,) = episodes_of(PAIR, (divergence_of(Kind.DATA_FAULT, Direction.LEAD),), ())
    assert fault.chance == ""


def test_open_early_warning_says_how_likely_the_close_agrees_and_a_past_one_does_not() -> None:
    early = event(confirmation=Confirmation.PROVISIONAL, probability=0.84)
    (episode,) = episodes_of(PAIR, (early,), ())
    assert episode.likely == "84% likely at the next close"

    withdrawn = replace(early, event_id="ev_2", sequence=2, type=Transition.NOT_CONFIRMED)
    (ended,) = episodes_of(PAIR, (early, withdrawn), ())
    assert ended.likely == ""
    (confirmed,) = episodes_of(PAIR, (event(),), ())
    assert confirmed.likely == ""
