"""A live price speaks only after it has held its level in event time."""

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from shared.domain.divergences import Confirmation, Direction, Kind, Severity, Transition
from shared.domain.ticks import FeedState
from tests.support.builders_market import LEAD, MINUTE, SECOND, bar, bar_batch, ny, quotes, trades
from tests.support.pair_story import Story, make_engine

START = ny("2019-06-03 10:00")
HOLD = 5 * MINUTE


def transitions(story: Story) -> list[str]:
    return [event.type.value for event in story.events]


def holding(z: float = 2.5, *, until: int = HOLD - SECOND, rule: Rule | None = None) -> Story:
    """Tell a story in which z has been held from START on, a quote every minute, and one at ``until``."""
    story = Story(rule=rule or Rule())
    story.tick(START - SECOND, 0.0)
    story.ticks(START, START + until, z, every_ns=MINUTE)
    story.tick(START + until, z)
    return story


def test_level_held_for_the_whole_hold_opens_at_the_end_of_it() -> None:
    story = holding()
    assert story.events == []

    (opened,) = story.reach(START + HOLD)

    assert (opened.type, opened.severity, opened.direction) == (
        Transition.OPEN,
        Severity.WARNING,
        Direction.RISK_OFF,
    )
    assert opened.confirmation is Confirmation.PROVISIONAL
    assert opened.occurred_at == opened.opened_at == "2019-06-03T14:05:00.000000Z"
    assert opened.not_after == "2019-06-03T18:05:00.000000Z"
    assert opened.values["z_90_likely"] == pytest.approx(2.5, abs=1e-9)


def test_nothing_opens_a_nanosecond_before_the_end_of_the_hold() -> None:
    story = holding()

    assert story.reach(START + HOLD - 1) == []
    assert story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF).phase is Phase.PENDING


def test_tick_exactly_at_the_deadline_comes_after_it() -> None:
    story = holding()

    made = story.tick(START + HOLD, 0.0)

    assert [event.type for event in made] == [Transition.OPEN, Transition.CLOSED]
    assert made[0].values["z_90_likely"] == pytest.approx(2.5, abs=1e-9)
    assert made[1].values["z_90_expected"] == pytest.approx(0.0, abs=1e-9)


def test_tick_below_the_level_just_before_the_deadline_stops_the_hold() -> None:
    story = holding(until=4 * MINUTE)
    story.tick(START + HOLD - 1, 1.99)

    assert story.reach(START + HOLD) == []
    assert story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF).phase is Phase.IDLE


def test_hold_starts_anew_after_the_level_was_left() -> None:
    story = holding(until=2 * MINUTE)
    story.tick(START + 2 * MINUTE + SECOND, 1.9)
    again = START + 3 * MINUTE
    story.ticks(again, again + HOLD - 1, 2.2, every_ns=MINUTE)

    (opened,) = story.tick(again + HOLD, 2.2)

    assert opened.occurred_at == "2019-06-03T14:08:00.000000Z"


def test_risk_on_is_the_mirror_image() -> None:
    story = holding(-3.5)

    (opened,) = story.reach(START + HOLD)

    assert (opened.direction, opened.severity) == (Direction.RISK_ON, Severity.CRITICAL)


def test_two_minutes_old_price_still_holds_at_the_deadline() -> None:
    story = holding(until=3 * MINUTE)

    assert [event.type for event in story.reach(START + HOLD)] == [Transition.OPEN]


def test_price_older_than_two_minutes_at_the_deadline_holds_nothing() -> None:
    story = Story()
    story.tick(START - SECOND, 0.0)
    story.ticks(START, START + 2 * MINUTE, 2.5, every_ns=MINUTE)
    story.tick(START + 3 * MINUTE - 1, 2.5)

    assert story.reach(START + HOLD) == []
    assert story.suppressed("stale") == 1


def test_level_is_held_anew_when_the_price_comes_back_after_a_stale_hold() -> None:
    """Would have caught: the price came back at the same level, crossed nothing, and was never looked at."""
    story = holding(until=MINUTE)
    story.reach(START + HOLD)
    back = START + 10 * MINUTE
    story.ticks(back, back + HOLD, 2.5, every_ns=MINUTE)

    assert [(event.type, event.occurred_at) for event in story.events] == [
        (Transition.OPEN, "2019-06-03T14:15:00.000000Z")
    ]


def test_stale_feed_cancels_a_hold() -> None:
    story = holding()
    story.reach(START + HOLD - 1, state=FeedState.STALE)

    assert story.reach(START + HOLD) == []
    assert story.suppressed("stale") == 1


def test_level_is_held_anew_when_a_stale_feed_comes_back() -> None:
    """Would have caught: after an outage a stretched pair stayed unreported until z crossed a level."""
    story = holding(until=MINUTE)
    story.reach(START + 2 * MINUTE, state=FeedState.STALE)
    back = START + 20 * MINUTE
    story.ticks(back, back + HOLD, 2.5, every_ns=MINUTE)

    assert [(event.type, event.occurred_at) for event in story.events] == [
        (Transition.OPEN, "2019-06-03T14:25:00.000000Z")
    ]


def test_escalation_is_held_anew_when_a_stale_feed_comes_back() -> None:
    story = holding()
    story.ticks(START + HOLD, START + HOLD + MINUTE, 3.2, every_ns=MINUTE)
    story.reach(START + HOLD + 2 * MINUTE, state=FeedState.STALE)
    back = START + 30 * MINUTE
    story.ticks(back, back + HOLD, 3.2, every_ns=MINUTE)

    assert transitions(story) == ["open", "escalated"]
    assert story.events[-1].occurred_at == "2019-06-03T14:35:00.000000Z"


@pytest.mark.parametrize("state", [FeedState.LIVE, FeedState.BREAK, FeedState.CLOSED])
def test_other_states_of_the_feed_do_not_cancel_a_hold(state: FeedState) -> None:
    story = holding()
    story.reach(START + HOLD - 1, state=state)

    assert [event.type for event in story.reach(START + HOLD)] == [Transition.OPEN]


def test_both_levels_held_from_the_first_tick_open_as_critical() -> None:
    story = holding(3.1)

    assert [event.severity for event in story.reach(START + HOLD)] == [Severity.CRITICAL]


def test_critical_level_reached_later_opens_as_warning_and_escalates_when_held() -> None:
    story = holding(until=2 * MINUTE)
    story.ticks(START + 2 * MINUTE + 1, START + 9 * MINUTE, 3.1, every_ns=MINUTE)

    assert [(event.type.value, event.severity.value, event.occurred_at) for event in story.events] == [
        ("open", "warning", "2019-06-03T14:05:00.000000Z"),
        ("escalated", "critical", "2019-06-03T14:07:00.000000Z"),
    ]


def test_critical_by_price_eases_at_the_warning_level_at_once() -> None:
    story = holding(3.1)
    story.reach(START + HOLD)
    assert story.tick(START + 6 * MINUTE, 2.0001) == []

    (eased,) = story.tick(START + 7 * MINUTE, 1.9999)

    assert (eased.type, eased.severity) == (Transition.EASED, Severity.WARNING)


def test_provisional_divergence_closes_by_price_at_once() -> None:
    story = holding()
    story.reach(START + HOLD)
    assert story.tick(START + 6 * MINUTE, 1.0001) == []

    (closed,) = story.tick(START + 7 * MINUTE, 0.9999)

    assert closed.type is Transition.CLOSED
    assert closed.occurred_at == "2019-06-03T14:07:00.000000Z"
    assert closed.divergence_id == story.events[0].divergence_id


def test_jump_to_the_other_side_closes_before_it_starts_to_hold() -> None:
    story = holding()
    story.reach(START + HOLD)
    story.ticks(START + 6 * MINUTE, START + 11 * MINUTE, -2.5, every_ns=MINUTE)

    assert [(event.type.value, event.direction.value) for event in story.events] == [
        ("open", "risk_off"),
        ("closed", "risk_off"),
        ("open", "risk_on"),
    ]


def test_hold_of_no_time_opens_with_the_tick() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(START - SECOND, 0.0)

    assert [event.type for event in story.tick(START, 2.5)] == [Transition.OPEN]


def test_level_that_stands_before_the_history_is_held_from_the_next_tick_on() -> None:
    """Would have caught: ticks that came before the history were never held against it."""
    told = Story()
    engine = make_engine()
    price = told.live_price(START, 2.5)
    engine.apply(quotes({START - MINUTE: price}))
    for record in told.log:
        engine.apply(record)
    events = [
        event
        for minute in range(6)
        for event in engine.apply(quotes({START + minute * MINUTE: price})).events
    ]

    assert [(event.type, event.occurred_at) for event in events] == [
        (Transition.OPEN, "2019-06-03T14:05:00.000000Z")
    ]


def test_first_price_of_all_is_evaluated_even_when_it_is_extreme() -> None:
    story = Story()
    story.ticks(START, START + HOLD, 2.5, every_ns=MINUTE)

    assert transitions(story) == ["open"]


def test_bar_that_comes_late_starts_no_hold_in_the_past() -> None:
    """Would have caught: a bar from the evening, told in the morning, opened with a hold of yesterday."""
    story = Story()
    story.tick("2019-06-03 15:00", 0.0)  # too old at 16:00: no sample, so IWM's bar stays alone
    story.tick("2019-06-04 09:00", 0.0)
    stretched = story.last_other * (story.price(0.0) / story.price(5.0))

    story.take(bar_batch(bar("2019-06-03", stretched)))
    story.reach("2019-06-04 09:00:30")
    assert story.events == []
    story.take(quotes({ny("2019-06-04 09:04"): story.price(0.0)}))
    story.reach("2019-06-04 09:05")

    assert [event.occurred_at for event in story.events] == ["2019-06-04T13:05:00.000000Z"]


def test_event_names_the_feed_that_its_price_came_from() -> None:
    """Would have caught: a batch of another feed gave its name to what was due before its first tick."""
    story = holding()

    (opened,) = story.take(quotes({START + HOLD: story.price(2.5)}, feed="backup"))

    assert opened.legs[0].source == "test"


def test_trade_moves_the_price_only_when_quotes_have_been_silent_for_a_minute() -> None:
    story = Story()
    story.tick(START, 0.0)
    story.take(trades({START + MINUTE: 1.0}))
    assert story.engine.legs[LEAD].last_price.ts_ns == START
    assert story.suppressed("trade_superseded") == 1

    story.take(trades({START + MINUTE + 1: 1_300.0}))
    last_price = story.engine.legs[LEAD].last_price
    assert (last_price.price, last_price.ts_ns) == (1_300.0, START + MINUTE + 1)


def test_quote_is_its_mid() -> None:
    story = Story()
    story.take(quotes({START: 1_200.0}, spread=0.5))

    assert story.engine.legs[LEAD].last_price.price == 1_200.0
