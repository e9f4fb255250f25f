"""What a review of the engine broke: a log that a restart, or the size of its records, told differently."""

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord
from shared.domain.bars import HISTORY_SESSIONS, BarsMode
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from shared.domain.instants import format_rfc3339
from shared.domain.ticks import FeedState
from tests.oracle.next_close_oracle import price_for
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    pair,
    quotes,
    status,
)
from tests.support.pair_story import Story, history, make_engine, restart

COIN = "BTC/USD.TEST"
MORNING = ny("2019-06-03 10:00")


def prices_of(*records: list[tuple[int, float]], restarts: bool = False) -> tuple[float | None, int, int]:
    """Return the live price at the end, the prices not believed and those too late."""
    engine: LeadEngine = make_engine()
    refused = late = 0
    for record in records:
        if restarts:
            engine = restart(engine)
        effects = engine.apply(quotes(record))
        refused += effects.suppressed["tick_implausible"]
        late += effects.late_ticks
    return engine.legs[LEAD].last_price.price, refused, late


def test_second_price_of_a_lead_without_history_is_held_against_the_first() -> None:
    """Would have caught: nothing was refused before a pair had a window, unless the worker was restarted."""
    first, absurd = (MORNING, 1_300.0), (MORNING + SECOND, 1_300_000.0)

    assert prices_of([first], [absurd], restarts=True) == (1_300.0, 1, 0)
    assert prices_of([first], [absurd]) == (1_300.0, 1, 0)
    assert prices_of([first, absurd]) == (1_300.0, 1, 0)


def test_tick_before_one_that_was_not_believed_is_late_in_any_record() -> None:
    """Would have caught: it was late in the same record, and the newest price in the next."""
    first, absurd = (MORNING, 1_300.0), (MORNING + 2 * SECOND, 1_300_000.0)
    late = (MORNING + SECOND, 1_301.0)

    assert prices_of([first], [absurd, late]) == (1_300.0, 1, 1)
    assert prices_of([first], [absurd], [late]) == (1_300.0, 1, 1)
    assert prices_of([first], [absurd], [late], restarts=True) == (1_300.0, 1, 1)


def test_late_tick_of_the_other_leg_does_not_move_the_level_that_its_close_sets() -> None:
    """Would have caught: a coin's tick from before a sampled close shifted what a tick of gold is held to."""
    begin = calendar().index_of("2019-06-03")
    gold, coin = history(calendar().labels[begin - 100 : begin], other=COIN)
    close_ns = ny("2019-06-03 16:00")
    # What the next session is held against, and the price of gold that is just above its level of 2.
    price = coin[-1].close
    gold_closes, coin_closes = (np.array([each.close for each in (*leg, leg[-1])]) for leg in (gold, coin))
    above = price_for(2.01, gold_closes, coin_closes, probability=0.8, lead_to_come=1.0)
    log: list[TickRecord] = [
        bar_batch(*gold, mode=BarsMode.HISTORY),
        bar_batch(*coin, mode=BarsMode.HISTORY),
        quotes({close_ns - MINUTE: price}, instrument=COIN),
        quotes({close_ns - MINUTE: gold[-1].close}),
        status(close_ns + SECOND),
        quotes({close_ns - 2 * SECOND: price * 1.002}, instrument=COIN),
        *(quotes({close_ns + minute * MINUTE: above}) for minute in range(1, 8)),
    ]

    for restarts in (set[int](), {6}):
        engine = make_engine(pair(other=COIN))
        events: list[DivergenceEvent] = []
        for index, record in enumerate(log):
            engine = restart(engine) if index in restarts else engine
            events += engine.apply(record).events
        assert engine.legs[LEAD].last_price.price == above
        assert [event.type for event in events] == [Transition.OPEN]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_bar_of_a_session_left_out_restates_what_stands_on_it_also_after_a_restart(
    is_restarted: bool,
) -> None:
    """Would have caught: after a restart what held before it was computed with it, so nothing changed."""
    story = Story()
    story.commit("2019-06-03", 2.5)
    gold, fund = story.closes["2019-06-03"]
    known_ns = ny("2019-06-04 16:00")
    story.take(bar_batch(bar("2019-06-04", gold, instrument=LEAD, known_at_ns=known_ns)))
    story.commit("2019-06-05", 2.5)
    if is_restarted:
        story.engine = restart(story.engine)

    events = story.take(bar_batch(bar("2019-06-04", fund * 1.03)))

    assert [event.type for event in events] == [Transition.REVISED]


def test_oldest_session_that_goes_is_gone_for_what_is_reported_next_also_without_a_restart() -> None:
    """Would have caught: the hedge answer was of 800 sessions, after a restart of 799, until the next bar."""
    sessions = calendar("2015-01-02")
    begin = sessions.index_of("2019-06-03")
    gold, fund = history(sessions.labels[begin - HISTORY_SESSIONS : begin])
    usual, close_ns = gold[-1].close, ny("2019-06-03 16:00")
    log: list[TickRecord] = [
        bar_batch(*gold, mode=BarsMode.HISTORY),
        bar_batch(*fund, mode=BarsMode.HISTORY),
        *(quotes({close_ns - minute * MINUTE: usual * 1.08}) for minute in range(10, 0, -1)),
        status(close_ns + MINUTE),
        status(ny("2019-06-04 22:15")),
    ]
    told = []
    for restarts in (set[int](), {len(log) - 1}):
        engine = make_engine(sessions=sessions)
        effects = [
            (engine := restart(engine) if index in restarts else engine).apply(record)
            for index, record in enumerate(log)
        ]
        events = [event for each in effects for event in each.events]
        assert [event.type for event in events] == [Transition.OPEN, Transition.EXPIRED]
        shown = take_snapshot(engine.monitors[0], engine.progress.watermark_ns)
        told.append(([DIVERGENCES.encode(event) for event in events], SIGNALS.encode(shown)))

    assert told[0] == told[1]


def without(kind: Kind) -> tuple[Rule, ...]:
    return tuple(rule for rule in PUBLISHED_RULES if rule.kind is not kind)


def test_correction_passes_by_a_divergence_whose_rule_was_switched_off() -> None:
    """Would have caught: the worker ended with a KeyError, and again each time it was started."""
    story = Story(rules=PUBLISHED_RULES)
    story.commit("2019-06-03", 2.5)
    story.engine = restart(story.engine, rules=without(Kind.RATIO_STRETCH))
    corrected = bar("2019-06-03", story.closes["2019-06-03"][1] * 1.001, revision=1)

    events = story.take(bar_batch(corrected))

    assert [event.kind for event in events] == [Kind.DATA_FAULT] * 2


def test_divergence_whose_kind_was_switched_off_still_ends_but_neither_escalates_nor_opens_again() -> None:
    """Would have caught: its receivers never got the end, and the page showed it for ever."""
    story = Story(rules=PUBLISHED_RULES)
    story.commit("2019-06-03", 2.5)
    began = story.monitor.transitions.divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    story.engine = restart(story.engine, rules=without(Kind.RATIO_STRETCH))

    events = [
        *(event for event in story.commit("2019-06-04", 4.5) if event.kind is Kind.RATIO_STRETCH),
        *(event for event in story.commit("2019-06-05", 0.0) if event.kind is Kind.RATIO_STRETCH),
        *(event for event in story.commit("2019-06-20", 4.5) if event.kind is Kind.RATIO_STRETCH),
    ]

    assert began.phase is Phase.OPEN
    assert [event.type for event in events] == [Transition.CLOSED]
    assert events[0].opened_at == format_rfc3339(began.opened_at_ns)
    assert events[0].thresholds["leave"] == 1.0


def test_fault_whose_rule_was_switched_off_holds_nothing_back() -> None:
    """Would have caught: a pair that was inhibited when faults were switched off was silent for ever."""
    story = Story(rules=PUBLISHED_RULES)
    story.commit("2019-06-03", 0.0)
    story.reach("2019-06-04 22:30")
    assert story.monitor.transitions.is_inhibited
    story.engine = restart(story.engine, rules=without(Kind.DATA_FAULT))

    events = story.commit("2019-06-05", 2.5)

    assert (Kind.RATIO_STRETCH, Transition.OPEN) in [(event.kind, event.type) for event in events]


def test_feed_that_is_stale_before_the_first_instant_is_at_fault_a_minute_after_it() -> None:
    """Would have caught: the other leg's feed had then been stale since 1970, and was at fault at once."""
    engine = make_engine(pair(other=COIN), rules=PUBLISHED_RULES)
    faults: list[DivergenceEvent] = []
    for seconds in (0, 1, 60, 61):
        at_ns = MORNING + seconds * SECOND
        faults += engine.apply(status(at_ns, state=FeedState.STALE, instrument=COIN)).events
        faults += engine.apply(status(at_ns)).events

    assert [event.occurred_at for event in faults] == ["2019-06-03T14:01:00.000000Z"]
