"""Bars wait until they are known; the lead is sampled at each close."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.rules import Rule
from shared.domain.bars import BarStatus
from shared.domain.divergences import Confirmation, Severity, Transition
from shared.domain.ticks import FeedState
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    quotes,
    status,
)
from tests.support.pair_story import Story, make_engine

CLOSE = ny("2019-06-03 16:00")


def sampled(story: Story) -> list[tuple[str, float]]:
    return [(each.session, each.close) for effects in story.effects for each in effects.sampled]


def test_bar_is_not_used_before_it_is_known() -> None:
    story = Story()
    story.take(bar_batch(bar("2019-06-03", 1_300.0, instrument=LEAD, known_at_ns=CLOSE)))
    story.take(bar_batch(bar("2019-06-03", 150.0)))

    story.reach("2019-06-03 20:14:59.999999")
    assert story.monitor.statistics.session == "2019-05-31"

    story.reach("2019-06-03 20:15")
    assert story.monitor.statistics.session == "2019-06-03"
    assert story.effects[-1].committed == ("2019-06-03",)


def test_tick_at_the_instant_a_bar_becomes_known_comes_after_the_bar() -> None:
    story = Story()
    story.take(bar_batch(bar("2019-06-03", 1_300.0, instrument=LEAD, known_at_ns=CLOSE)))
    story.take(bar_batch(bar("2019-06-03", 150.0)))

    story.tick("2019-06-03 20:15", 0.0)

    assert story.effects[-1].committed == ("2019-06-03",)


def test_close_is_sampled_with_the_last_price_at_or_before_it() -> None:
    story = Story()
    story.take(quotes([(CLOSE - MINUTE, 1_290.0), (CLOSE, 1_291.0), (CLOSE + 1, 1_999.0)]))

    assert sampled(story) == [("2019-06-03", 1_291.0)]
    (bar_of_close,) = story.effects[-1].sampled
    assert (bar_of_close.known_at_ns, bar_of_close.source) == (CLOSE, "sampled")
    assert (bar_of_close.instrument, bar_of_close.adj_close) == (LEAD, 1_291.0)


def test_watermark_at_the_close_does_not_sample_yet() -> None:
    story = Story()
    story.take(quotes({CLOSE - MINUTE: 1_290.0}))

    story.reach(CLOSE)
    assert sampled(story) == []
    story.take(quotes({CLOSE: 1_291.0}))
    story.reach(CLOSE + 1)

    assert sampled(story) == [("2019-06-03", 1_291.0)]


def test_close_is_sampled_when_the_price_is_fifteen_minutes_old() -> None:
    story = Story()
    story.take(quotes({CLOSE - 15 * MINUTE: 1_290.0}))
    story.reach(CLOSE + 1)

    assert sampled(story) == [("2019-06-03", 1_290.0)]


def test_close_is_not_sampled_when_the_price_is_older_than_fifteen_minutes() -> None:
    story = Story()
    story.take(quotes({CLOSE - 15 * MINUTE - 1: 1_290.0}))
    story.reach(CLOSE + 1)

    assert sampled(story) == []
    assert story.suppressed("close_sample_stale") == 1


def test_close_is_not_sampled_without_a_tick() -> None:
    story = Story()
    story.reach(CLOSE - 1)
    story.reach(CLOSE + 1)

    assert sampled(story) == []
    assert story.suppressed("close_sample_stale") == 0


def test_early_close_is_sampled_at_its_own_hour() -> None:
    story = Story(first="2019-07-03")
    early = ny("2019-07-03 13:00")
    story.take(quotes([(early - SECOND, 1_290.0), (early, 1_291.0), (ny("2019-07-03 16:00"), 1_500.0)]))

    assert sampled(story) == [("2019-07-03", 1_291.0)]


def test_first_session_of_the_calendar_is_sampled() -> None:
    engine = make_engine()
    engine.apply(quotes({ny("2019-01-02 15:59"): 1_290.0}))

    assert [each.session for each in engine.apply(status(ny("2019-01-02 16:01"))).sampled] == ["2019-01-02"]


def test_holiday_is_not_sampled() -> None:
    story = Story(first="2019-07-03")
    story.take(quotes({ny("2019-07-04 15:59"): 1_290.0}))
    story.reach("2019-07-05 09:00")

    assert sampled(story) == []


def test_close_is_sampled_although_only_status_records_came_before_the_first_tick() -> None:
    """Would have caught: the first status forgot to plan the close, and later used the price of after it."""
    engine = make_engine()
    engine.apply(status(CLOSE - 10 * MINUTE))
    engine.apply(quotes({CLOSE - MINUTE: 1_290.0}))
    effects = engine.apply(quotes({CLOSE + MINUTE: 1_999.0}))

    assert [each.close for each in effects.sampled] == [1_290.0]


def test_closes_of_before_the_first_instant_are_not_sampled() -> None:
    engine = make_engine()
    effects = engine.apply(quotes({CLOSE + 1: 1_290.0}))
    assert effects.sampled == ()

    assert engine.progress.next_close == calendar().index_of("2019-06-04")


def test_first_instant_at_a_close_can_still_be_sampled() -> None:
    engine = make_engine()
    engine.apply(quotes({CLOSE: 1_290.0}))

    assert [each.session for each in engine.apply(status(CLOSE + 1)).sampled] == ["2019-06-03"]


def test_status_without_a_watermark_says_nothing_about_time() -> None:
    engine = make_engine()
    engine.apply(status(0))

    assert engine.progress.next_close == -1


def test_one_tick_after_a_long_weekend_samples_every_close_that_it_passes_once() -> None:
    story = Story()
    story.take(quotes({CLOSE: 1_290.0}))
    story.take(quotes({ny("2019-06-06 09:00"): 1_300.0}))

    assert sampled(story) == [("2019-06-03", 1_290.0)]
    assert story.suppressed("close_sample_stale") == 2


def test_sampled_close_and_bar_commit_the_session() -> None:
    story = Story()
    price = round(story.price(2.4), 2)
    story.take(quotes({CLOSE: price}))
    story.reach(CLOSE + 1)

    (opened,) = story.commit("2019-06-03", 2.4, lead_close=price)

    assert (opened.type, opened.confirmation) == (Transition.OPEN, Confirmation.CONFIRMED)
    assert opened.occurred_at == opened.opened_at == "2019-06-04T00:15:00.000000Z"
    assert opened.not_after == "2019-06-07T00:15:00.000000Z"
    assert [(leg.instrument, leg.source, leg.age_seconds) for leg in opened.legs] == [
        (LEAD, "sampled", 4.25 * 3_600),
        (OTHER, "test", 4.25 * 3_600),
    ]
    assert opened.values["z_90"] == pytest.approx(2.4, abs=1e-9)


def test_provisional_bar_is_not_used() -> None:
    story = Story()
    story.take(bar_batch(bar("2019-06-03", 150.0, status=BarStatus.PROVISIONAL)))
    story.reach("2019-06-04 09:00")

    assert story.monitor.legs.other.history.get("2019-06-03") is None
    assert story.suppressed("bar_provisional") == 1


def test_same_bar_twice_waits_once() -> None:
    story = Story()
    for _ in range(2):
        story.take(bar_batch(bar("2019-06-03", 150.0)))

    assert len(story.engine.waiting) == 1


def test_bar_that_says_nothing_new_is_counted() -> None:
    story = Story()
    story.reach("2019-06-03 21:00")
    first = bar("2019-06-03", 150.0)
    for each in (first, first, replace(first, close=151.0, source="another vendor")):
        story.take(bar_batch(each))

    assert (story.suppressed("bar_unchanged"), story.suppressed("bar_outdated")) == (1, 1)
    kept = story.monitor.legs.other.history.get("2019-06-03")
    assert kept is not None
    assert kept.close == 150.0


@pytest.mark.parametrize("session", ["2019-07-04", "2018-12-31", "2020-01-02", "yesterday"])
def test_bar_of_no_session_is_counted_and_passed(session: str) -> None:
    """Would have caught: a bar dated on a holiday ended the worker, again at each restart."""
    story = Story()
    stray = bar(session, 150.0, known_at_ns=ny("2019-06-03 15:00"))
    story.take(bar_batch(stray))
    story.take(bar_batch(stray, mode=story.log[0].mode))  # type: ignore[union-attr]  # the history
    story.reach("2019-06-03 15:30")
    story.tick("2019-06-03 15:31", 2.5)

    assert story.suppressed("bar_no_session") == 2


def test_time_after_the_last_session_of_the_calendar_is_passed() -> None:
    """Would have caught: one tick of the far future ended the worker, again at each restart."""
    story = Story()
    story.tick("2019-06-03 15:31", 0.0)
    story.tick("2031-06-03 15:31", 2.5)
    story.reach("2031-06-03 16:00")

    assert story.engine.progress.watermark_ns == ny("2031-06-03 16:00")


def test_provisional_divergence_of_the_calendars_last_session_has_no_expiry() -> None:
    story = Story(first="2019-12-31", rule=Rule(hold_seconds=0))
    (opened,) = story.tick("2019-12-31 15:30", 2.5)
    assert opened.type is Transition.OPEN

    assert story.reach("2020-06-01 12:00") == []


def test_provisional_divergence_expires_two_hours_after_the_second_session_is_final() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick("2019-06-03 15:59", 2.5)

    assert story.reach(ny("2019-06-04 22:15") - 1) == []
    (expired,) = story.reach("2019-06-04 22:15")

    assert expired.type is Transition.EXPIRED
    assert expired.occurred_at == "2019-06-05T02:15:00.000000Z"


def test_opening_exactly_at_a_close_counts_that_close_as_its_first() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(CLOSE, 2.5)

    assert [event.type for event in story.reach("2019-06-04 22:15")] == [Transition.EXPIRED]


def test_opening_after_a_close_waits_for_two_later_ones() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(CLOSE + 1, 2.5)

    assert story.reach("2019-06-04 22:15") == []
    assert [event.type for event in story.reach("2019-06-05 22:15")] == [Transition.EXPIRED]


def test_expired_warning_is_not_given_again_by_price_but_critical_is() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick("2019-06-03 15:59", 2.5)
    story.reach("2019-06-04 22:15")

    assert story.tick("2019-06-05 10:00", 2.6) == []
    assert story.suppressed("cooldown") == 1
    assert [event.severity for event in story.tick("2019-06-05 10:01", 3.1)] == [Severity.CRITICAL]


def test_feed_state_of_the_status_is_kept() -> None:
    story = Story()
    story.reach("2019-06-03 17:30", state=FeedState.BREAK)

    assert story.engine.legs[LEAD].last_price.feed_state is FeedState.BREAK
    assert story.engine.legs[LEAD].last_price.feed == "test"
