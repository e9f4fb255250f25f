"""When a pair has trigger prices, and which: in a log read record by record, as a snapshot shows it."""

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.snapshot import take_snapshot
from shared.domain.bars import BarsMode
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.snapshots import Trigger, TriggerAt
from shared.domain.ticks import FeedState
from tests.support.builders_market import LEAD, MINUTE, bar, bar_batch, calendar, ny, quotes
from tests.support.pair_story import Story, history, make_engine

RATIO = Kind.RATIO_STRETCH


def triggers(story: Story, at: TriggerAt, kind: Kind = RATIO) -> list[Trigger]:
    shown = take_snapshot(story.monitor, story.engine.progress.watermark_ns)
    return [each for each in shown.triggers if each.at is at and each.kind is kind]


def prices_of(story: Story, at: TriggerAt) -> dict[tuple[Direction, Transition], float]:
    found = triggers(story, at)
    assert len({(each.direction, each.transition) for each in found}) == len(found)
    return {(each.direction, each.transition): each.lead_price for each in found}


def z_of(story: Story, price: float) -> float:
    """Return the z-score of a close of the lead at a price, the other leg unchanged."""
    ratios = np.log([a / b for a, b in story.closes.values()])[-90:]
    return float((np.log(price / story.last_other) - ratios.mean()) / ratios.std(ddof=1))


def assert_just_reaches(story: Story, price: float, level: float) -> None:
    """The price is the first of the grid, seen from the middle, at or beyond a level of z."""
    outward = 0.01 if level > 0 else -0.01
    assert abs(z_of(story, price)) >= abs(level) > abs(z_of(story, price - outward))


def test_quiet_pair_has_the_two_prices_at_which_a_close_opens() -> None:
    story = Story()
    story.reach("2019-06-03 10:00")

    found = prices_of(story, TriggerAt.CLOSE)

    assert set(found) == {(Direction.RISK_OFF, Transition.OPEN), (Direction.RISK_ON, Transition.OPEN)}
    assert_just_reaches(story, found[Direction.RISK_OFF, Transition.OPEN], 2.0)
    assert_just_reaches(story, found[Direction.RISK_ON, Transition.OPEN], -2.0)
    assert triggers(story, TriggerAt.LIVE) == [], "a lead without ticks has no live price"


def test_cooling_divergence_opens_only_where_it_is_critical() -> None:
    story = Story()
    story.commit("2019-06-03", 2.5)
    story.commit("2019-06-04", 0.0)
    story.reach("2019-06-05 10:00")

    found = prices_of(story, TriggerAt.CLOSE)

    assert_just_reaches(story, found[Direction.RISK_OFF, Transition.OPEN], 3.0)
    assert_just_reaches(story, found[Direction.RISK_ON, Transition.OPEN], -2.0)


def test_open_divergence_has_prices_for_what_may_follow() -> None:
    story = Story()
    story.commit("2019-06-03", 2.5)
    story.reach("2019-06-04 10:00")

    found = prices_of(story, TriggerAt.CLOSE)

    assert set(found) == {
        (Direction.RISK_OFF, Transition.ESCALATED),
        (Direction.RISK_OFF, Transition.CLOSED),
        (Direction.RISK_ON, Transition.OPEN),
    }
    assert_just_reaches(story, found[Direction.RISK_OFF, Transition.ESCALATED], 3.0)
    price = found[Direction.RISK_OFF, Transition.CLOSED]
    assert z_of(story, price) <= 1.0 < z_of(story, price + 0.01)


def test_early_warning_has_prices_for_its_confirmation_its_end_and_its_withdrawal() -> None:
    story = Story(first="2019-06-03")
    begin = ny("2019-06-03 10:00")
    story.ticks(begin, begin + 6 * MINUTE, 2.3, every_ns=MINUTE)
    assert [event.type for event in story.events] == [Transition.OPEN]

    close, live = prices_of(story, TriggerAt.CLOSE), prices_of(story, TriggerAt.LIVE)

    assert (Direction.RISK_OFF, Transition.REVISED) in close
    price = close[Direction.RISK_OFF, Transition.NOT_CONFIRMED]
    assert z_of(story, price) < 2.0 <= z_of(story, price + 0.01)
    assert set(live) == {
        (Direction.RISK_OFF, Transition.ESCALATED),
        (Direction.RISK_OFF, Transition.CLOSED),
        (Direction.RISK_ON, Transition.OPEN),
    }
    withdrawn = live[Direction.RISK_OFF, Transition.CLOSED]
    at_ns = story.engine.progress.watermark_ns
    assert story.take(quotes({at_ns + 1: withdrawn + 0.01})) == []
    assert [event.type for event in story.take(quotes({at_ns + 2: withdrawn}))] == [Transition.CLOSED]


def test_what_happens_at_the_present_price_has_that_price() -> None:
    story = Story()
    begin = ny("2019-06-03 10:00")
    story.ticks(begin, begin + 2 * MINUTE, 2.5, every_ns=MINUTE)
    present = story.engine.legs[LEAD].last_price.price
    assert present is not None

    found = prices_of(story, TriggerAt.LIVE)[Direction.RISK_OFF, Transition.OPEN]

    assert abs(found - present) <= 0.005 + 1e-9


def test_while_the_data_are_at_fault_nothing_opens_or_escalates_at_any_price() -> None:
    story = Story(rules=PUBLISHED_RULES, warm=300, first="2019-06-03", sessions=calendar("2018-01-02"))
    story.tick("2019-06-03 10:00", 0.0)
    story.reach("2019-06-03 10:01", state=FeedState.STALE)
    story.reach("2019-06-03 10:03", state=FeedState.STALE)

    shown = take_snapshot(story.monitor, story.engine.progress.watermark_ns)

    assert shown.faults
    assert {each.transition for each in shown.triggers}.isdisjoint({Transition.OPEN, Transition.ESCALATED})


def test_once_the_lead_has_closed_its_price_decides_nothing_until_the_other_bar_is_there() -> None:
    story = Story()
    story.tick("2019-06-03 15:59", 0.0)
    assert triggers(story, TriggerAt.CLOSE)
    story.reach("2019-06-03 16:00:01")
    sampled = story.monitor.legs.lead.history.newest()
    assert sampled is not None
    assert sampled.session == "2019-06-03"

    assert triggers(story, TriggerAt.CLOSE) == []
    assert triggers(story, TriggerAt.LIVE) == [], "the lead's close is known"

    story.commit("2019-06-03", 0.5, lead_close=sampled.close)
    assert triggers(story, TriggerAt.CLOSE)
    assert triggers(story, TriggerAt.LIVE)


def test_a_bar_that_never_came_is_awaited_for_two_hours_after_it_is_final() -> None:
    story = Story()
    story.tick("2019-06-03 15:59", 0.0)
    story.reach("2019-06-03 22:14")
    assert triggers(story, TriggerAt.CLOSE) == []

    story.reach("2019-06-03 22:15")

    assert triggers(story, TriggerAt.CLOSE)


def test_a_close_that_is_known_before_event_time_reaches_it_is_not_searched() -> None:
    story = Story()
    story.reach("2019-06-03 15:00")
    early = bar("2019-06-03", 1_290.0, instrument=LEAD, known_at_ns=ny("2019-06-03 14:00"))
    story.take(bar_batch(early))

    assert triggers(story, TriggerAt.CLOSE) == []


def test_without_another_session_in_the_calendar_there_is_no_next_close() -> None:
    story = Story(sessions=calendar("2019-01-02", "2019-06-03"))
    story.commit("2019-06-03", 0.5)

    assert triggers(story, TriggerAt.CLOSE) == []


@pytest.mark.parametrize(("warm", "is_searched"), [(0, False), (89, False), (90, True)])
def test_a_window_that_the_next_close_fills_is_searched(warm: int, is_searched: bool) -> None:
    engine = make_engine()
    sessions = calendar().labels[:warm]
    for legs in history(sessions) if warm else ():
        engine.apply(bar_batch(*legs, mode=BarsMode.HISTORY))

    shown = take_snapshot(engine.monitors[0], ny("2019-06-03 10:00"))

    assert bool(shown.triggers) is is_searched


def test_a_lead_whose_price_is_below_the_grid_has_no_trigger_prices() -> None:
    engine = make_engine()
    lead, other = history(calendar().labels[:100])
    for legs in ([bar(each.session, each.close * 1e-6, instrument=LEAD) for each in lead], other):
        engine.apply(bar_batch(*legs, mode=BarsMode.HISTORY))
    engine.apply(quotes({ny("2019-06-03 10:00"): lead[-1].close * 1e-6}))

    assert take_snapshot(engine.monitors[0], engine.progress.watermark_ns).triggers == ()


def test_a_kind_without_a_rule_has_no_trigger_prices() -> None:
    story = Story(rules=(Rule(kind=Kind.HEDGE_LOST, warning=0.01, critical=0.02, leave=0.0),))
    story.tick("2019-06-03 10:00", 0.0)

    shown = take_snapshot(story.monitor, story.engine.progress.watermark_ns)

    assert {each.kind for each in shown.triggers} <= {Kind.HEDGE_LOST}


def test_the_search_is_made_once_a_session_and_again_when_a_close_is_corrected() -> None:
    story = Story()
    story.reach("2019-06-03 10:00")
    before = prices_of(story, TriggerAt.CLOSE)
    regions = story.monitor.triggers._regions
    story.reach("2019-06-03 11:00")
    assert prices_of(story, TriggerAt.CLOSE) == before
    assert story.monitor.triggers._regions is regions

    newest = story.monitor.legs.other.history.newest()
    assert newest is not None
    story.take(bar_batch(bar(newest.session, newest.close * 1.01, revision=1)))

    after = prices_of(story, TriggerAt.CLOSE)
    assert story.monitor.triggers._regions is not regions
    assert all(after[what] != price for what, price in before.items())
