"""What committed sessions, corrections and refills make of a pair."""

from dataclasses import replace

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from shared.domain.bars import BarsMode
from shared.domain.divergences import Confirmation, Direction, Kind, Severity, Transition
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, ny
from tests.support.pair_story import Story, history, make_engine

D1, D2, D3, D4, D5, D6, D7 = (
    "2019-06-03", "2019-06-04", "2019-06-05", "2019-06-06", "2019-06-07", "2019-06-10", "2019-06-11",
)  # fmt: skip


def told(story: Story) -> list[tuple[str, str]]:
    return [(event.type.value, event.confirmation.value) for event in story.events]


def corrected(story: Story, session: str, z: float, *, revision: int = 1, known: str) -> None:
    """Tell a corrected close of the other leg that moves the session's z-score."""
    lead_close = story.closes[session][0]
    close = float(lead_close / np.exp(story.level(z, until=session)))
    story.take(bar_batch(bar(session, close, revision=revision, known_at_ns=ny(known))))
    story.reach(known)
    story.closes[session] = (lead_close, close)
    story.last_other = close


def test_life_of_a_confirmed_divergence() -> None:
    story = Story()
    for session, z in ((D1, 2.2), (D2, 3.3), (D3, 2.5), (D4, 1.9), (D5, 0.9)):
        story.commit(session, z)

    assert [(event.type.value, event.severity.value) for event in story.events] == [
        ("open", "warning"),
        ("escalated", "critical"),
        ("eased", "warning"),
        ("closed", "warning"),
    ]
    assert {event.divergence_id for event in story.events} == {story.events[0].divergence_id}
    assert {event.confirmation for event in story.events} == {Confirmation.CONFIRMED}
    assert [event.sequence for event in story.events] == [1, 2, 3, 4]
    assert story.events[-1].values["z_90"] == pytest.approx(0.9, abs=1e-9)


def test_live_price_says_nothing_against_a_confirmed_divergence() -> None:
    story = Story()
    story.commit(D1, 2.4)

    assert story.tick(f"{D2} 10:00", 0.0) == []


def test_close_that_confirms_an_early_warning_revises_it() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(f"{D1} 15:59", 2.5)
    story.commit(D1, 2.2)

    assert told(story) == [("open", "provisional"), ("revised", "confirmed")]
    assert story.events[0].divergence_id == story.events[1].divergence_id


def test_close_that_does_not_is_not_confirmed_and_does_not_hold_back_the_next_close() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(f"{D1} 15:00", 2.5)
    story.commit(D1, 1.9)
    story.tick(f"{D2} 10:00", 0.0)
    story.tick(f"{D2} 10:01", 2.5)
    story.commit(D2, 2.1)

    assert told(story) == [("open", "provisional"), ("not_confirmed", "confirmed"), ("open", "confirmed")]
    assert story.suppressed("cooldown") >= 1
    assert story.events[2].divergence_id != story.events[0].divergence_id


def after_the_close(zs: dict[str, float], *, z: float) -> list[tuple[str, str]]:
    """Let the lead close at a likely z, tick in the evening, and then let the other leg's close be known."""
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(f"{D1} 15:59", z)
    close = story.monitor.legs.lead.last_price.price
    assert close is not None
    story.reach(f"{D1} 16:01")
    for when, each in zs.items():
        story.tick(when, each)
    story.commit(D1, 1.5, lead_close=close)
    return told(story)


def test_after_its_close_the_lead_has_said_what_it_can_about_the_close_to_come() -> None:
    assert after_the_close({f"{D1} 16:02": 9.0, f"{D1} 16:03": -9.0, f"{D1} 20:14": 0.0}, z=1.5) == []


def test_early_warning_from_before_the_bar_is_about_the_bar() -> None:
    # Nothing of gold's move is to come any more, so the same price is worth more than before its close.
    assert after_the_close({f"{D1} 16:02": 0.0}, z=1.995) == [
        ("open", "provisional"),
        ("not_confirmed", "confirmed"),
    ]


def test_early_warning_from_when_the_bar_is_missing_is_about_the_next() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(f"{D1} 15:59", 0.0)
    close = story.monitor.legs.lead.last_price.price
    assert close is not None
    story.reach(f"{D1} 22:14")
    assert story.tick(f"{D1} 22:14", 9.0) == []
    assert [event.type.value for event in story.tick(f"{D1} 22:15", 9.0)] == ["open"]

    story.take(bar_batch(bar(D1, float(close / np.exp(story.level(1.5))), known_at_ns=ny(f"{D2} 07:00"))))
    story.reach(f"{D2} 07:00")

    assert told(story) == [("open", "provisional")]


def test_cooldown_is_counted_in_sessions() -> None:
    story = Story()
    for session, z in ((D1, 2.5), (D2, 0.5)):
        story.commit(session, z)
    for session in (D3, D4, D5, D6):
        story.commit(session, 2.2)
    assert [event.type.value for event in story.events] == ["open", "closed"]
    assert story.suppressed("cooldown") >= 4

    story.commit(D7, 2.2)

    assert [event.type.value for event in story.events] == ["open", "closed", "open"]


def test_critical_close_opens_in_a_cooldown() -> None:
    story = Story()
    for session, z in ((D1, 2.5), (D2, 0.5), (D3, 3.2)):
        story.commit(session, z)

    assert [event.type.value for event in story.events] == ["open", "closed", "open"]
    assert story.events[2].severity is Severity.CRITICAL


def test_close_that_jumps_to_the_other_side_ends_before_it_opens() -> None:
    story = Story()
    story.commit(D1, 2.5)
    story.commit(D2, -2.5)

    assert [(event.type.value, event.direction.value) for event in story.events[1:]] == [
        ("closed", "risk_off"),
        ("open", "risk_on"),
    ]


def test_correction_restates_the_divergence_and_then_evaluates_it() -> None:
    story = Story()
    story.commit(D1, 2.5)
    corrected(story, D1, 0.5, known=f"{D2} 09:00")

    assert [event.type.value for event in story.events] == ["open", "revised", "closed"]
    for event in story.events[1:]:
        assert event.occurred_at == "2019-06-04T13:00:00.000000Z"
        assert event.values["z_90"] == pytest.approx(0.5, abs=1e-9)


def test_correction_that_stays_stretched_only_restates() -> None:
    story = Story()
    story.commit(D1, 2.5)
    corrected(story, D1, 2.3, known=f"{D2} 09:00")

    assert [event.type.value for event in story.events] == ["open", "revised"]
    assert story.events[1].values["z_90"] == pytest.approx(2.3, abs=1e-9)


def test_correction_can_open_what_the_first_close_did_not() -> None:
    story = Story()
    story.commit(D1, 1.5)
    corrected(story, D1, 2.5, known=f"{D2} 09:00")

    assert [(event.type.value, event.opened_at) for event in story.events] == [
        ("open", "2019-06-04T13:00:00.000000Z")
    ]


def test_openings_of_one_session_by_corrections_are_different_divergences() -> None:
    """Would have caught: the second opening had the first one's event_id, and was dropped as a repeat."""
    story = Story()
    story.commit(D1, 3.5)
    corrected(story, D1, 0.5, known=f"{D2} 09:00")
    corrected(story, D1, 3.5, revision=2, known=f"{D2} 09:30")

    assert [event.type.value for event in story.events] == ["open", "revised", "closed", "open"]
    assert len({event.event_id for event in story.events}) == 4
    assert story.events[3].divergence_id != story.events[0].divergence_id


def test_correction_takes_nothing_off_a_cooldown() -> None:
    story = Story()
    story.commit(D1, 2.5)
    story.commit(D2, 0.5)
    corrected(story, D2, 0.6, known=f"{D3} 09:00")

    assert (
        story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF).cooldown_sessions_left
        == 5
    )


def test_change_of_adjustment_restates_nothing_and_moves_the_windows() -> None:
    story = Story()
    story.commit(D1, 2.5)
    before = story.monitor.statistics.values["log_ratio"]
    known = story.monitor.legs.other.history.get(D1)
    assert known is not None
    assert before is not None

    made = story.take(
        bar_batch(replace(known, adj_close=known.close * 0.9999, known_at_ns=ny(f"{D1} 20:15")))
    )

    assert made == []
    assert story.monitor.statistics.values["log_ratio"] == pytest.approx(before - np.log(0.9999), abs=1e-12)


def test_session_that_comes_late_into_the_window_restates_and_is_no_new_session() -> None:
    story = Story()
    late = bar(D1, 139.0)
    story.take(bar_batch(bar(D1, 1_200.0, instrument=LEAD, known_at_ns=ny(f"{D1} 16:00"))))
    story.reach(f"{D1} 21:00")
    story.commit(D2, 2.5)
    story.take(bar_batch(late))

    assert [event.type.value for event in story.events][:2] == ["open", "revised"]
    assert story.effects[-1].committed == ()
    assert story.monitor.legs.align().sessions[-2:] == (D1, D2)


def test_session_that_comes_late_from_before_the_window_restates_nothing() -> None:
    """Would have caught: a close of last year was corrected, and everyone was told of a divergence again."""
    story = Story()
    story.commit(D1, 2.5)
    gap = story.sessions.labels[story.sessions.index_of(D1) - 101]
    story.take(bar_batch(bar(gap, 1_200.0, instrument=LEAD), bar(gap, 140.0)))

    assert [event.type.value for event in story.events] == ["open"]
    assert story.monitor.statistics.count == 102


def test_correction_from_before_the_window_restates_nothing() -> None:
    story = Story()
    story.commit(D1, 2.5)
    old = story.sessions.labels[story.sessions.index_of(D1) - 95]
    story.take(bar_batch(bar(old, 120.0, revision=1)))

    kept = story.monitor.legs.other.history.get(old)
    assert kept is not None
    assert kept.close == 120.0
    assert [event.type.value for event in story.events] == ["open"]


def test_correction_inside_the_window_restates() -> None:
    story = Story()
    story.commit(D1, 2.5)
    old = story.sessions.labels[story.sessions.index_of(D1) - 5]
    story.take(bar_batch(bar(old, story.closes[old][1] * 1.001, revision=1)))

    assert [event.type.value for event in story.events] == ["open", "revised"]


def test_refill_with_a_correction_restates() -> None:
    story = Story()
    story.commit(D1, 2.5)
    old = story.sessions.labels[story.sessions.index_of(D1) - 5]
    story.take(bar_batch(bar(old, story.closes[old][1] * 1.001, revision=1), mode=BarsMode.HISTORY))

    assert [event.type.value for event in story.events] == ["open", "revised"]


def test_refill_after_an_outage_evaluates_the_newest_session_only() -> None:
    story = Story()
    closes: list[tuple[str, tuple[float, float]]] = []
    for session, z in ((D1, 2.5), (D2, 0.0), (D3, 2.4)):
        lead_close = round(story.price(z), 2)
        other_close = float(lead_close / np.exp(story.level(z)))
        closes.append((session, (lead_close, other_close)))
        story.closes[session] = (lead_close, other_close)
        story.last_other = other_close

    for leg in (0, 1):
        bars = [
            bar(session, both[leg], instrument=(LEAD, OTHER)[leg], known_at_ns=ny(f"{session} 20:15"))
            for session, both in closes
        ]
        story.take(bar_batch(*bars, mode=BarsMode.HISTORY))

    assert [(event.type.value, event.occurred_at) for event in story.events] == [
        ("open", "2019-06-06T00:15:00.000000Z")
    ]
    assert story.events[0].values["z_90"] == pytest.approx(2.4, abs=1e-9)
    assert story.events[0].evidence.inputs[0].session == D3


def test_refill_counts_the_sessions_that_it_brings_against_a_cooldown() -> None:
    story = Story()
    story.commit(D1, 2.5)
    story.commit(D2, 0.5)
    story.reach(f"{D5} 21:00")
    for instrument in (LEAD, OTHER):
        closes = {LEAD: story.price(0.5), OTHER: story.last_other}
        bars = [bar(session, closes[instrument], instrument=instrument) for session in (D3, D4, D5)]
        story.take(bar_batch(*bars, mode=BarsMode.HISTORY))

    assert (
        story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF).cooldown_sessions_left
        == 2
    )


def test_daily_refill_that_says_nothing_new_does_nothing() -> None:
    story = Story()
    story.commit(D1, 2.5)
    for record in story.log[:2]:
        assert story.take(record) == []
        assert story.effects[-1].changed == set()


def test_refill_with_a_correction_evaluates_the_newest_session_again() -> None:
    story = Story()
    story.commit(D1, 1.5)
    lead_close = story.closes[D1][0]
    close = float(lead_close / np.exp(story.level(2.5, until=D1)))

    story.reach(f"{D2} 09:00")
    made = story.take(
        bar_batch(bar(D1, close, revision=1, known_at_ns=ny(f"{D2} 09:00")), mode=BarsMode.HISTORY)
    )

    assert [(event.type, event.occurred_at) for event in made] == [
        (Transition.OPEN, "2019-06-04T13:00:00.000000Z")
    ]


def test_first_history_decides_nothing() -> None:
    lead, other = history(Story().sessions.labels[:95])
    stretched = [*other[:-1], replace(other[-1], close=110.0, adj_close=110.0)]
    engine = make_engine()
    for leg in (lead, stretched):
        effects = engine.apply(bar_batch(*leg, mode=BarsMode.HISTORY))
        assert effects.events == ()
    assert abs(engine.monitors[0].statistics.values["z_90"] or 0.0) > 10


def test_history_of_another_pair_is_nothing_to_this_one() -> None:
    story = Story()
    story.take(bar_batch(bar(D1, 300.0, instrument="SPY.TEST"), mode=BarsMode.HISTORY))
    story.take(bar_batch(bar(D1, 300.0, instrument="SPY.TEST")))
    story.reach(f"{D1} 21:00")

    assert all(not effects.changed for effects in story.effects[2:])


def test_warming_pair_has_no_z_and_says_nothing() -> None:
    story = Story(warm=89)
    story.tick(f"{D1} 10:00", 0.0)

    assert story.monitor.statistics.base is None
    assert story.monitor.statistics.live_z() is None
    assert story.monitor.prices.deadband() == (0.0, float("inf"))


def test_undefined_close_of_an_open_divergence_is_counted() -> None:
    """A flat window: 90 equal ratios have no scale to measure with."""
    story = Story(warm=91, rule=Rule())
    story.commit(D1, 2.5)
    assert story.events
    labels = story.sessions.labels[story.sessions.index_of(D1) - 91 : story.sessions.index_of(D1)]
    for instrument, close in ((LEAD, 1_200.0), (OTHER, 150.0)):
        bars = [bar(label, close, instrument=instrument, revision=1) for label in labels]
        story.take(bar_batch(*bars, mode=BarsMode.HISTORY))

    assert story.monitor.statistics.values["z_90"] is None
    assert story.suppressed("undefined") >= 1


def test_refill_with_a_new_session_evaluates_it_and_restates_nothing() -> None:
    story = Story()
    story.commit(D1, 2.5)
    story.reach(f"{D2} 21:00")
    lead_close = round(story.price(2.4), 2)
    other_close = float(lead_close / np.exp(story.level(2.4)))
    for instrument, close in ((LEAD, lead_close), (OTHER, other_close)):
        story.take(bar_batch(bar(D2, close, instrument=instrument), mode=BarsMode.HISTORY))

    assert story.monitor.statistics.session == D2
    assert [event.type.value for event in story.events] == ["open"]


def test_bar_of_another_pair_is_nothing_to_an_engine() -> None:
    story = Story()

    effects = story.engine.apply(bar_batch(bar(D1, 280.0, instrument="SPY.TEST")))

    assert effects.suppressed == {"other_instrument": 1}
    assert (effects.events, effects.changed, effects.is_shared_changed) == ((), frozenset(), False)


def test_correction_does_not_restate_what_no_close_has_confirmed() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(f"{D1} 10:00", 2.5)
    old = story.sessions.labels[story.sessions.index_of(D1) - 5]
    story.take(bar_batch(bar(old, story.closes[old][1] * 1.001, revision=1)))

    assert [event.type.value for event in story.events] == ["open"]


def test_refill_with_a_correction_restates_what_stands_on_it() -> None:
    story = Story()
    story.commit(D1, 2.5)
    lead_close = story.closes[D1][0]
    close = float(lead_close / np.exp(story.level(2.6, until=D1)))
    story.reach(f"{D2} 09:00")

    made = story.take(
        bar_batch(bar(D1, close, revision=1, known_at_ns=ny(f"{D2} 09:00")), mode=BarsMode.HISTORY)
    )

    assert [event.type for event in made] == [Transition.REVISED]
    assert made[0].values["z_90"] == pytest.approx(2.6, abs=1e-9)
