"""Event time that ran ahead: what takes it back, what does not, and what is taken back with it."""

from collections.abc import Iterator

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from services.signals.core.engine.log_progress import Doubt, LogProgress
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedState
from tests.support.builders_market import (
    HOUR,
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    ny,
    pair,
    quotes,
    status,
)
from tests.support.pair_story import Story, history, make_engine, restart

D1, D2 = "2019-06-03", "2019-06-04"
RULES = (Rule(), Rule(kind=Kind.DATA_FAULT))
START = ny(f"{D1} 10:00")
TWO_DAYS = 48 * HOUR


def beats(story: Story, start_ns: int, seconds: int, *, ahead_ns: int = 0, z: float = 0.1) -> int:
    """Tell a tick and a status record every second; return when the next one is due."""
    for second in range(seconds):
        at = start_ns + second * SECOND
        story.tick(at, z)
        story.take(status(at + ahead_ns))
    return start_ns + seconds * SECOND


def faults(story: Story) -> list[tuple[object, ...]]:
    return [
        (event.type, event.direction, *event.values)
        for event in story.events
        if event.kind is Kind.DATA_FAULT
    ]


def test_clock_two_days_ahead_for_twenty_seconds_is_over_when_it_is_right_again() -> None:
    """Would stay ahead for ever: both legs at fault, nothing opens, no alert."""
    story = Story(rules=RULES)
    at = beats(story, START, 5)
    at = beats(story, at, 20, ahead_ns=TWO_DAYS)
    at = beats(story, at, 15)

    assert story.suppressed("event_time_went_back") == 1
    assert story.engine.progress.watermark_ns == at - SECOND
    assert story.engine.progress.next_close == story.sessions.index_of(D1)
    assert [leg.data_quality.active_since_ns for leg in story.engine.legs.values()] == [{}, {}]
    assert [each[0] for each in faults(story)].count(Transition.OPEN) == 2
    assert [each[0] for each in faults(story)].count(Transition.CLOSED) == 2
    opened = story.ticks(at, at + 6 * MINUTE, 2.6, every_ns=MINUTE)
    assert [(event.type, event.kind) for event in opened] == [(Transition.OPEN, Kind.RATIO_STRETCH)]


def test_clock_that_stays_ahead_is_followed_less_what_it_is_ahead() -> None:
    story = Story(rules=RULES)
    at = beats(story, START, 40, ahead_ns=TWO_DAYS)
    assert story.suppressed("event_time_went_back") == 1
    # Quiet: only its status records come, and the feed is stale.
    for second in range(90):
        story.take(status(at + second * SECOND + TWO_DAYS, state=FeedState.STALE))

    assert abs(story.engine.progress.watermark_ns - (at + 89 * SECOND)) <= 2 * SECOND
    assert "stale" in story.engine.legs[LEAD].data_quality.active_since_ns
    story.take(status(at + 90 * SECOND))
    story.take(status(at + 91 * SECOND))
    assert story.engine.progress.watermark_ns == at + 91 * SECOND, "set right, it is followed as it is"
    assert story.engine.progress.status_ahead_ns == 0


def test_close_is_sampled_when_it_comes_and_not_when_a_clock_says_so() -> None:
    story = Story(rules=RULES)
    start = ny(f"{D1} 15:50")
    at = beats(story, start, 5, ahead_ns=0)
    at = beats(story, at, 30, ahead_ns=HOUR)
    close_ns = ny(f"{D1} 16:00")
    story.tick(close_ns - SECOND, 0.7)
    expected = story.engine.legs[LEAD].last_price.price
    story.take(status(close_ns - SECOND))
    story.take(status(close_ns + SECOND))

    sampled = [each for effects in story.effects for each in effects.sampled]
    assert [each.session for each in sampled] == [D1, D1], "once too early"
    known = story.engine.legs[LEAD].history.get(D1)
    assert known is not None
    assert known.close == expected


def test_bar_that_was_used_too_early_waits_again() -> None:
    story = Story(rules=RULES)
    close_ns = ny(f"{D1} 16:00")
    at = beats(story, close_ns - 5 * SECOND, 10)
    story.take(bar_batch(bar(D1, story.last_other)))
    beats(story, at, 30, ahead_ns=TWO_DAYS)

    assert story.suppressed("event_time_went_back") == 1
    assert story.engine.legs[OTHER].history.get(D1) is None
    assert [each.session for each in story.engine.waiting] == [D1]
    story.take(status(ny(f"{D1} 20:15")))
    story.take(status(ny(f"{D1} 20:15") + SECOND))
    assert story.monitor.statistics.session == D1


def test_early_warning_that_expired_too_early_opens_again() -> None:
    story = Story(rules=RULES)
    story.ticks(START, START + 6 * MINUTE, 2.6, every_ns=MINUTE)
    at = beats(story, START + 6 * MINUTE + SECOND, 30, ahead_ns=120 * HOUR, z=2.6)
    expired = [event.type for event in story.events if event.kind is Kind.RATIO_STRETCH]
    assert expired == [Transition.OPEN, Transition.EXPIRED]

    again = story.ticks(at, at + 7 * MINUTE, 2.6, every_ns=MINUTE)

    assert [event.type for event in again] == [Transition.OPEN]


def test_early_warning_whose_hold_was_not_over_ends_and_opens_when_it_is() -> None:
    story = Story(rules=RULES)
    story.ticks(START, START + 4 * MINUTE, 2.6, every_ns=MINUTE)
    at = beats(story, START + 4 * MINUTE + SECOND, 30, ahead_ns=2 * HOUR, z=2.6)
    early = [event for event in story.events if event.kind is Kind.RATIO_STRETCH]
    assert [event.type for event in early] == [Transition.OPEN, Transition.CLOSED]

    again = story.ticks(at, at + 6 * MINUTE, 2.6, every_ns=MINUTE)

    assert [event.type for event in again] == [Transition.OPEN]
    state = story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    assert state.phase is Phase.OPEN


def test_restart_in_the_middle_changes_nothing() -> None:
    def run(*, restarts: bool) -> Iterator[DivergenceEvent]:
        story = Story(rules=RULES)
        for seconds, ahead_ns in ((5, 0), (7, TWO_DAYS), (6, TWO_DAYS), (6, 0), (20, 0)):
            at = story.engine.progress.watermark_ns
            start = START if not at else START + len(story.log) * SECOND
            beats(story, start, seconds, ahead_ns=ahead_ns)
            if restarts:
                story.engine = restart(story.engine)
        assert story.suppressed("event_time_went_back") == 1
        yield from story.events

    assert list(run(restarts=True)) == list(run(restarts=False))


def test_fault_that_the_ingestor_reported_meanwhile_holds_and_ends_in_time() -> None:
    story = Story(rules=RULES)
    at = beats(story, START, 5)
    story.take(status(at + TWO_DAYS))
    story.take(
        FeedFault(instrument=LEAD, feed="test", fault=FeedFaultKind.CLOCK_DISAGREES, is_open=True, at_ns=at)
    )
    at = beats(story, at, 20, ahead_ns=TWO_DAYS)

    quality = story.engine.legs[LEAD].data_quality
    assert list(quality.active_since_ns) == ["clock_disagrees"]
    assert quality.feed_faults[0].ends_at_ns <= at + 24 * HOUR


def test_burst_of_bad_ticks_and_a_stale_feed_meanwhile_are_measured_anew() -> None:
    story = Story(rules=RULES)
    at = beats(story, START, 5)
    price = story.engine.legs[LEAD].last_price.price or 0.0
    story.take(status(at + TWO_DAYS))
    for second in range(5):
        story.take(quotes({at + second: price * 100.0 ** (1 + second % 2)}))
    quality = story.engine.legs[LEAD].data_quality
    assert "bad_ticks" in quality.active_since_ns
    for second in (0, 59, 60):
        story.take(status(at + TWO_DAYS + second * SECOND, state=FeedState.STALE))
        for each in range(5 if second == 59 else 0):
            story.take(quotes({at + second + each: price * 100.0 ** (1 + each % 2)}))
    assert {"bad_ticks", "stale"} <= quality.active_since_ns.keys()
    for second in range(61, 80):
        story.take(quotes({at + second * SECOND: price}))
        story.take(status(at + second * SECOND, state=FeedState.STALE))
        if story.suppressed("event_time_went_back"):
            break

    assert quality.active_since_ns == {}
    assert quality.rejected_at_ns == []


# -- what does not take it back ----------------------------------------------------------------------------


def test_status_records_alone_do_not_take_event_time_back() -> None:
    """An ingestor that starts at the weekend knows the venue's last time only."""
    story = Story(rules=RULES)
    at = beats(story, START, 5)
    story.take(status(at + TWO_DAYS))
    for second in range(300):
        story.take(status(at + second * SECOND))

    assert story.engine.progress.watermark_ns == at + TWO_DAYS


def test_simulation_that_starts_again_stays_unused() -> None:
    story = Story(rules=RULES)
    beats(story, START, 30)
    beats(story, START - 5 * HOUR, 60)

    assert story.suppressed("event_time_went_back") == 0
    assert sum(effects.late_ticks for effects in story.effects) == 60


@pytest.mark.parametrize("delay_ns", [5 * SECOND, MINUTE, 15 * MINUTE, 30 * MINUTE])
def test_feed_that_is_delayed_behind_its_status_records_keeps_its_event_time(delay_ns: int) -> None:
    story = Story(rules=RULES)
    beats(story, START, 60, ahead_ns=delay_ns)

    assert story.suppressed("event_time_went_back") == 0


def test_trades_that_were_fetched_late_do_not_take_event_time_back() -> None:
    """An hour of trades within a few seconds: the status records stay, the ticks run."""
    story = Story(rules=RULES)
    at = beats(story, START, 5)
    now = at + HOUR
    for step in range(60):
        story.take(status(now + step * SECOND // 10))
        story.take(quotes({at + step * MINUTE: story.price(0.1)}))

    assert story.suppressed("event_time_went_back") == 0


def test_other_leg_that_ticks_keeps_event_time_at_its_newest_tick() -> None:
    story = Story(rules=RULES)
    for second in range(60):
        at = START + second * SECOND
        story.take(quotes({at + 20 * MINUTE: 150.0}, instrument=OTHER))
        story.tick(at, 0.1)
        story.take(status(at))

    assert story.suppressed("event_time_went_back") == 0
    assert story.engine.progress.watermark_ns == START + 59 * SECOND + 20 * MINUTE


def test_two_ticks_or_ticks_of_less_than_ten_seconds_are_too_few() -> None:
    progress = LogProgress(watermark_ns=TWO_DAYS, status_ns=10 * HOUR)
    for ts_ns in (10 * HOUR, 10 * HOUR, 10 * HOUR + SECOND, 10 * HOUR + 9 * SECOND):
        assert progress.goes_back_to(ts_ns, reached_ns=TWO_DAYS, other_ns=0, is_late=False) is None
    assert progress.doubt == Doubt(ticks=3, first_ns=10 * HOUR, last_ns=10 * HOUR + 9 * SECOND, ahead_ns=0)

    at = 10 * HOUR + 10 * SECOND
    assert progress.goes_back_to(at, reached_ns=TWO_DAYS, other_ns=0, is_late=False) == at


def test_batch_in_the_middle_of_which_event_time_goes_back_is_as_its_ticks_one_by_one() -> None:
    def run(*, joined: bool) -> list[DivergenceEvent]:
        story = Story(rules=RULES)
        at = beats(story, START, 5)
        story.take(status(at + TWO_DAYS))
        story.take(status(at + 10 * SECOND))
        ticks = {at + second * SECOND: story.price(0.1) for second in range(0, 40, 2)}
        parts = [ticks] if joined else [{each: price} for each, price in ticks.items()]
        for part in parts:
            story.take(quotes(part))
        story.take(status(at + 41 * SECOND))
        assert story.suppressed("event_time_went_back") == 1
        return story.events

    assert run(joined=True) == run(joined=False)


def test_quarantined_close_from_a_time_that_has_not_come_waits_again() -> None:
    story = Story(rules=RULES)
    close_ns = ny(f"{D1} 16:00")
    at = beats(story, close_ns - 5 * SECOND, 10)
    story.take(bar_batch(bar(D1, story.last_other * 10)))
    beats(story, at, 30, ahead_ns=TWO_DAYS)

    leg = story.engine.legs[OTHER]
    assert leg.data_quality.quarantined == ()
    assert leg.data_quality.active_since_ns == {}
    assert [each.close for each in story.engine.waiting] == [story.last_other * 10]


def test_second_pair_of_the_lead_comes_back_as_well() -> None:
    engine = make_engine(pair(), pair("gold-spy", other="SPY.TEST"), rules=RULES)
    begin = Story().sessions.index_of(D1)
    labels = Story().sessions.labels[begin - 100 : begin]
    lead, other = history(labels)
    for legs in (lead, other, history(labels, other="SPY.TEST")[1]):
        engine.apply(bar_batch(*legs))
    events: list[DivergenceEvent] = []
    for second in range(40):
        at = START + second * SECOND
        ahead_ns = TWO_DAYS if 5 <= second < 20 else 0
        for record in (quotes({at: lead[-1].close}), status(at + ahead_ns)):
            events += engine.apply(record).events

    ended = [(event.pair, event.direction) for event in events if event.type is Transition.CLOSED]
    assert sorted(ended) == sorted(
        (name, direction) for name in ("gold-iwm", "gold-spy") for direction in ("lead", "other")
    )


def test_opening_at_a_close_that_has_not_come_is_not_scored() -> None:
    story = Story(rules=RULES)
    close_ns = ny(f"{D1} 16:00")
    at = beats(story, close_ns - 40 * SECOND, 5)
    # The bar comes early, and with the clock's jump both legs have the session of today.
    story.take(bar_batch(bar(D1, story.last_other * 0.93)))
    at = beats(story, at, 30, ahead_ns=5 * HOUR)

    assert story.suppressed("event_time_went_back") == 1
    opened = [event for event in story.events if event.kind is Kind.RATIO_STRETCH]
    assert [event.type for event in opened] == [Transition.OPEN, Transition.CLOSED]
    assert story.monitor.transitions.outcomes.ledger.openings == ()
    assert story.monitor.statistics.session < D1


def test_close_that_a_later_one_made_believable_waits_with_it() -> None:
    """A jump is believed by the closes that agree with it; without them it is kept out again."""
    story = Story(rules=RULES)
    for session in (D1, D2):
        story.commit(session, 0.2)
    jump = story.last_other * 2.1
    sessions = ("2019-06-05", "2019-06-06", "2019-06-07", "2019-06-10")
    for session in sessions:
        story.take(bar_batch(bar(session, jump)))
    day = ny("2019-06-06 10:00")
    story.take(status(day))
    beats(story, day + SECOND, 40, ahead_ns=0)
    story.take(status(ny("2019-06-10 21:00")))
    leg = story.engine.legs[OTHER]
    assert leg.history.newest_session == "2019-06-10"
    at = day + 60 * SECOND
    price = story.engine.legs[LEAD].last_price.price or 0.0
    for second in range(30):
        story.take(quotes({at + second * SECOND: price}))
        story.take(status(at + second * SECOND))

    assert story.suppressed("event_time_went_back") == 1
    assert leg.history.newest_session == D2
    assert [each.session for each in leg.data_quality.quarantined] == ["2019-06-05"]
    assert [each.session for each in story.engine.waiting] == list(sessions[1:])


def test_pair_without_a_ratio_rule_and_a_leg_without_bars_come_back_as_well() -> None:
    engine = make_engine(rules=(Rule(kind=Kind.DATA_FAULT),))
    for second in range(40):
        at = START + second * SECOND
        engine.apply(quotes({at: 1_300.0}))
        engine.apply(status(at + (TWO_DAYS if 5 <= second < 20 else 0)))

    assert engine.progress.watermark_ns == START + 39 * SECOND
    assert engine.legs[OTHER].data_quality.active_since_ns == {}


def test_pair_that_watches_its_data_only_comes_back_as_well() -> None:
    story = Story(rules=(Rule(kind=Kind.DATA_FAULT),))
    at = beats(story, START, 5)
    at = beats(story, at, 20, ahead_ns=TWO_DAYS)
    at = beats(story, at, 15)

    assert story.suppressed("event_time_went_back") == 1
    assert story.engine.progress.watermark_ns == at - SECOND
    assert {event.kind for event in story.events} == {Kind.DATA_FAULT}
    assert [leg.data_quality.active_since_ns for leg in story.engine.legs.values()] == [{}, {}]
