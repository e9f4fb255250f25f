"""What a host, a vendor or an operator can do to a running pair without costing it an alert."""

from dataclasses import replace

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from shared.domain.bars import BarsMode
from shared.domain.divergences import Direction, Kind, Transition
from tests.support.builders_market import LEAD, MINUTE, OTHER, SECOND, bar, bar_batch, ny, quotes
from tests.support.pair_story import Story, restart

D1, D2, D3 = "2019-06-03", "2019-06-04", "2019-06-05"


def test_host_clock_that_runs_ahead_of_the_venue_silences_nothing() -> None:
    """Every tick 3 s behind a status record's watermark counted as late: an hour at z 2.6 told nobody."""
    story = Story()
    start = ny(f"{D1} 10:00")
    for minute in range(7):
        now = start + minute * MINUTE
        story.reach(now)
        story.tick(now - 3 * SECOND, 2.6)

    assert [event.type for event in story.events] == [Transition.OPEN]
    assert story.suppressed("tick_behind_watermark") == 7
    assert sum(effects.late_ticks for effects in story.effects) == 0
    assert story.engine.legs[LEAD].last_price.ts_ns == start + 6 * MINUTE - 3 * SECOND


def test_tick_behind_a_tick_is_late_whatever_the_watermark_is() -> None:
    story = Story()
    start = ny(f"{D1} 10:00")
    story.take(quotes([(start + 2, story.price(0.1)), (start + 1, story.price(2.9))]))

    assert story.effects[-1].late_ticks == 1
    assert story.engine.legs[LEAD].last_price.price == pytest.approx(story.price(0.1))


def test_split_restated_by_the_source_keeps_the_window_on_one_scale() -> None:
    """The older closes were refused as outdated: half of the window on another scale, and a false alarm."""
    story = Story()
    story.commit(D1, 0.3)
    adjusted = [
        replace(known, close=known.close * 0.75, adj_close=known.adj_close * 0.75)
        for session in story.monitor.legs.other.history.sessions
        if (known := story.monitor.legs.other.history.get(session)) is not None
    ]

    made = story.take(bar_batch(*adjusted, mode=BarsMode.HISTORY))

    assert made == []
    assert story.monitor.statistics.values["z_90"] == pytest.approx(0.3, abs=1e-6)


def test_divergence_that_an_adjustment_explains_ends_with_it() -> None:
    story = Story()
    story.commit(D1, 0.3)
    jumped = story.closes[D1][1] * 0.75
    made = story.take(bar_batch(bar(D2, jumped)))
    made += story.take(
        bar_batch(bar(D2, story.closes[D1][0], instrument=LEAD, known_at_ns=ny(f"{D2} 16:00")))
    )
    made += story.reach(f"{D2} 20:15")
    assert [event.type for event in made] == [Transition.OPEN], (
        "four for three, too near to a crash to be a fault, and not adjusted for"
    )
    adjusted = [
        replace(known, close=known.close * 0.75, adj_close=known.adj_close * 0.75)
        for session in story.monitor.legs.other.history.sessions
        if session < D2 and (known := story.monitor.legs.other.history.get(session)) is not None
    ]

    made = story.take(bar_batch(*adjusted, mode=BarsMode.HISTORY))

    assert [event.type for event in made] == [Transition.CLOSED]


def _under(story: Story, rule: Rule) -> Story:
    """Go on with a story after a restart under another rule."""
    story.engine = restart(story.engine, rules=(rule,))
    story.rule = rule
    return story


def test_divergence_keeps_its_identity_when_the_rule_changes_meanwhile() -> None:
    """Its end went out under an identity that nobody had been told of, and the one they knew never ended."""
    story = Story()
    (opened,) = story.commit(D1, 2.5)
    story = _under(story, Rule(critical=4.0))

    (closed,) = story.commit(D2, 0.5)

    assert (closed.type, closed.divergence_id) == (Transition.CLOSED, opened.divergence_id)
    assert closed.evidence.rule_version == Rule(critical=4.0).version != opened.evidence.rule_version


def test_hold_under_the_old_rule_is_not_held_under_the_new_one() -> None:
    story = Story()
    story.tick(f"{D1} 10:00", 2.5)
    story = _under(story, Rule(hold_seconds=60))

    assert story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF).phase is Phase.IDLE


def test_warning_that_failed_by_price_does_not_hold_back_a_confirmed_one() -> None:
    story = Story()
    start = ny(f"{D1} 10:00")
    story.ticks(start, start + 6 * MINUTE, 2.1, every_ns=MINUTE)
    story.tick(start + 7 * MINUTE, 0.9)
    assert [event.type for event in story.events] == [Transition.OPEN, Transition.CLOSED]

    assert [event.type for event in story.commit(D1, 2.5)] == [Transition.OPEN]


def test_price_that_flickers_at_a_level_asks_for_no_checkpoint() -> None:
    """A checkpoint for each start and end of a hold was one per tick at a threshold."""
    story = Story()
    start = ny(f"{D1} 10:00")
    for number in range(100):
        story.tick(start + number, 2.0 + (0.001 if number % 2 else -0.001))
        assert story.effects[-1].changed == set()


def test_history_that_is_ahead_of_event_time_waits_for_it() -> None:
    story = Story()
    story.reach(f"{D1} 16:01")
    closes = {LEAD: story.price(2.5), OTHER: story.last_other}
    for instrument, close in closes.items():
        known_at_ns = ny(f"{D1} 20:15")
        news = bar(D1, close, instrument=instrument, known_at_ns=known_at_ns)
        assert story.take(bar_batch(news, mode=BarsMode.HISTORY)) == []

    (opened,) = story.reach(f"{D1} 20:15")

    assert opened.occurred_at == "2019-06-04T00:15:00.000000Z"
