"""A listed other leg that ticks: its closes come from bars, its live price from ticks during the session."""

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import BARS, DIVERGENCES
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarsMode
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.ticks import FeedState
from tests.oracle.next_close_oracle import expect, gold_to_come, price_for
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    pair,
    quotes,
    status,
    trades,
)
from tests.support.pair_story import Story, history, make_engine, restart

D1, D2 = "2019-06-03", "2019-06-04"
CLOSE = ny(f"{D1} 16:00")
RULES = (Rule(), Rule(kind=Kind.DATA_FAULT))


def other_to_come(ts_ns: int, session: str = D1) -> float:
    """Return the share of a session that IWM has before it: 60 % from open to close, in quarters."""
    opens, closes = ny(f"{session} 09:30"), ny(f"{session} 16:00")
    quarter = min(ts_ns, closes - 1) // (15 * MINUTE) * 15 * MINUTE
    return 0.6 * (closes - quarter) / (closes - opens)


def lead_price(story: Story, ts_ns: int, z: float, *, other: float) -> float:
    """Return gold's price whose likely z at the next close is ``z`` while IWM trades at a price."""
    closes = np.array([story.closes[session] for session in sorted(story.closes)])
    begin = story.sessions.close_ns[story.sessions.first_closing_at_or_after(ts_ns) - 1]
    return price_for(
        z,
        closes[:, 0],
        closes[:, 1],
        probability=story.rule.probability,
        lead_to_come=gold_to_come(ts_ns, begin, CLOSE),
        other_price=other,
        other_to_come=other_to_come(ts_ns),
    )


def both_at(ts_ns: int, lead: float, other: float) -> list[TickRecord]:
    return [quotes({ts_ns: lead}), quotes({ts_ns: other}, instrument=OTHER), status(ts_ns)]


def test_close_of_a_listed_leg_is_not_sampled_and_that_of_the_lead_is() -> None:
    story = Story(rules=RULES)
    for record in both_at(CLOSE - SECOND, story.price(0.1), 150.0):
        story.take(record)
    story.take(status(CLOSE + SECOND))

    sampled = [bar_ for effects in story.effects for bar_ in effects.sampled]
    assert [(each.instrument, each.session) for each in sampled] == [(LEAD, D1)]
    assert story.suppressed("close_sample_stale") == 0


def test_listed_leg_that_ticks_no_more_at_the_close_is_no_fault_of_its_closes() -> None:
    story = Story(rules=RULES)
    for record in both_at(ny(f"{D1} 10:00"), story.price(0.1), 150.0):
        story.take(record)
    story.take(quotes({CLOSE - SECOND: story.price(0.1)}))
    story.take(status(CLOSE + SECOND))

    assert [event for event in story.events if event.kind is Kind.DATA_FAULT] == []
    story.take(status(ny(f"{D1} 22:15")))
    assert [(event.type, event.direction, *event.values) for event in story.events] == [
        (Transition.OPEN, Direction.OTHER, "missing_bar")
    ]


def test_ticks_of_a_listed_leg_outside_a_session_are_not_used_and_counted() -> None:
    story = Story(rules=RULES)
    opens = ny(f"{D1} 09:30")
    story.take(quotes({ny(f"{D1} 09:00"): story.price(0.1)}))
    story.take(quotes([(opens - 1, 140.0), (opens, 150.0)], instrument=OTHER))
    story.take(trades({CLOSE: 151.0, CLOSE + 1: 160.0}, instrument=OTHER, feed="test"))

    assert story.engine.legs[OTHER].last_price.price == 151.0, "the close itself is inside"
    assert story.suppressed("tick_outside_session") == 2


def test_ticks_of_a_listed_leg_at_the_weekend_and_after_the_calendar_are_outside() -> None:
    story = Story(rules=RULES)
    story.take(quotes({ny("2019-06-08 12:00"): 150.0}, instrument=OTHER))
    story.take(quotes({ny("2020-06-08 12:00"): 150.0}, instrument=OTHER))

    assert story.engine.legs[OTHER].last_price.price is None
    assert story.suppressed("tick_outside_session") == 2


def test_listed_lead_is_not_sampled_and_its_ticks_count_in_sessions_only() -> None:
    engine = make_engine(pair("gld-iwm", lead="GLD.TEST"), rules=RULES)
    begin = calendar().index_of(D1)
    lead, other = history(calendar().labels[begin - 100 : begin], lead="GLD.TEST")
    for legs in (lead, other):
        engine.apply(bar_batch(*legs, mode=BarsMode.HISTORY))
    price = lead[-1].close
    for ts_ns in (ny(f"{D1} 10:00"), CLOSE - SECOND):
        engine.apply(quotes({ts_ns: price}, instrument="GLD.TEST"))
        engine.apply(quotes({ts_ns: other[-1].close}, instrument=OTHER))
    after = engine.apply(quotes({CLOSE + SECOND: price * 1.01}, instrument="GLD.TEST"))
    closed = engine.apply(status(CLOSE + SECOND, instrument="GLD.TEST"))

    assert after.suppressed["tick_outside_session"] == 1
    assert engine.legs["GLD.TEST"].last_price.price == price
    assert closed.sampled == ()
    # The lead's bar is awaited, too: what is expected of that close is known but for the last quarter.
    ahead = engine.monitors[0].statistics.next_close()
    assert ahead is not None
    assert ahead.lead_to_come < 0.05


def test_early_warning_is_decided_by_the_live_prices_of_both_legs() -> None:
    """At a close of 150 gold would be no news; IWM has fallen by 4 % since, and gold need not move."""
    story = Story(rules=RULES)
    fallen = story.last_other * 0.96
    start = ny(f"{D1} 11:00")
    for minute in range(7):
        at = start + minute * MINUTE
        for record in both_at(at, lead_price(story, at, 2.05, other=fallen), fallen):
            story.take(record)

    (opened,) = story.events
    assert (opened.type, opened.confirmation) == (Transition.OPEN, Confirmation.PROVISIONAL)
    assert opened.occurred_at == "2019-06-03T15:05:00.000000Z"
    closes = np.array([story.closes[session] for session in sorted(story.closes)])
    at = start + 5 * MINUTE
    expected = expect(
        closes[:, 0],
        closes[:, 1],
        lead_price=opened.legs[0].price,
        other_price=fallen,
        lead_to_come=gold_to_come(at, ny("2019-05-31 16:00"), CLOSE),
        other_to_come=other_to_come(at),
    )
    assert opened.values["z_90_expected"] == pytest.approx(expected.mean, abs=1e-9)
    assert opened.probability == pytest.approx(expected.probability(2.0, 1), abs=1e-9)
    assert [leg.price for leg in opened.legs] == [opened.legs[0].price, pytest.approx(fallen)]


def test_between_the_close_and_the_bar_the_last_tick_stands_for_the_close() -> None:
    story = Story(rules=RULES)
    last = story.last_other * 0.97
    gold = story.price(0.4)
    for record in both_at(CLOSE - SECOND, gold, last):
        story.take(record)
    story.take(status(CLOSE + SECOND))
    # Neither gold nor IWM after hours changes what is expected of that close.
    story.take(quotes({CLOSE + 2 * MINUTE: gold * 1.05}))
    story.take(quotes({CLOSE + 2 * MINUTE: last * 0.9}, instrument=OTHER))

    ahead = story.monitor.statistics.next_close()
    live = story.monitor.legs.live_ratio()
    assert ahead is not None
    assert live is not None
    closes = np.array([story.closes[session] for session in sorted(story.closes)])
    expected = expect(
        closes[:, 0],
        closes[:, 1],
        lead_price=gold,
        other_price=last,
        lead_to_come=0.0,
        other_to_come=other_to_come(CLOSE),
    )
    assert ahead.expected(live) == pytest.approx(expected.mean, abs=1e-9)
    assert ahead.spread == pytest.approx(expected.std, abs=1e-9)
    assert story.engine.legs[OTHER].last_price.price == last


def test_bar_that_never_comes_does_not_hold_the_next_session_back() -> None:
    story = Story(rules=RULES)
    for record in both_at(CLOSE - SECOND, story.price(0.4), story.last_other):
        story.take(record)
    story.take(status(ny(f"{D1} 22:15")))

    ahead = story.monitor.statistics.next_close()
    assert ahead is not None
    assert ahead.lead_to_come > 0.5


def test_listed_leg_is_not_stale_while_its_market_is_closed() -> None:
    story = Story(rules=RULES)
    story.take(status(ny(f"{D1} 18:00")))
    for second in range(0, 300, 30):
        story.take(status(ny(f"{D1} 18:00") + second * SECOND, state=FeedState.CLOSED, instrument=OTHER))
        story.take(status(ny(f"{D1} 18:00") + second * SECOND))
    assert story.events == []

    opens = ny(f"{D2} 09:30")
    for second in (0, 30, 60, 90):
        story.take(status(opens + second * SECOND))
        story.take(status(opens + second * SECOND, state=FeedState.STALE, instrument=OTHER))
    assert "stale" in story.engine.legs[OTHER].data_quality.active_since_ns


def two_sessions() -> list[TickRecord]:
    """Return the log of gold and IWM, both live, over two sessions: IWM falls on the first, and recovers."""
    begin = calendar().index_of(D1)
    lead, other = history(calendar().labels[begin - 100 : begin])
    log: list[TickRecord] = [bar_batch(*legs, mode=BarsMode.HISTORY) for legs in (lead, other)]
    gold, iwm = lead[-1].close, other[-1].close
    falls = {D1: (0.0, -0.035), D2: (-0.035, 0.0)}
    for session, (before, after) in falls.items():
        opens, closes = ny(f"{session} 09:30"), ny(f"{session} 16:00")
        log += [status(opens - MINUTE), status(opens - MINUTE, state=FeedState.CLOSED, instrument=OTHER)]
        for at in range(opens, closes, 5 * MINUTE):
            share = min(1.0, (at - opens) / (closes - opens) * 2)
            price = iwm * (1 + before + (after - before) * share)
            log += [
                quotes({at: gold, at + 90 * SECOND: gold}),
                quotes({at: price, at + 90 * SECOND: price}, instrument=OTHER),
                status(at + 2 * MINUTE),
                status(at + 2 * MINUTE, instrument=OTHER),
            ]
        last = iwm * (1 + after)
        log += [
            quotes({closes - SECOND: gold}),
            quotes({closes - SECOND: last, closes + MINUTE: last * 0.9}, instrument=OTHER),
            status(closes + SECOND),
            quotes({closes + 3 * MINUTE: gold}),
            status(closes + 5 * MINUTE, state=FeedState.CLOSED, instrument=OTHER),
            bar_batch(bar(session, round(last, 2))),
            status(ny(f"{session} 20:15")),
        ]
    return log


def run(log: list[TickRecord], *, restarts: bool) -> tuple[list[DivergenceEvent], list[bytes]]:
    engine: LeadEngine = make_engine(rules=RULES)
    events: list[DivergenceEvent] = []
    sampled: list[bytes] = []
    for at, record in enumerate(log):
        if restarts and at % 7 == 3:
            engine = restart(engine)
        effects = engine.apply(record)
        events += effects.events
        sampled += [BARS.encode(each) for each in effects.sampled]
    return events, sampled


def test_two_sessions_with_both_legs_live_warn_early_confirm_at_the_bar_and_ease_at_the_next() -> None:
    """IWM falls by 3.5 % until noon while gold stands: both warnings come hours before the bar."""
    events, sampled = run(two_sessions(), restarts=False)

    assert [(e.type, e.severity, e.confirmation, e.occurred_at[5:19]) for e in events] == [
        (Transition.OPEN, Severity.WARNING, Confirmation.PROVISIONAL, "06-03T14:11:30"),
        (Transition.ESCALATED, Severity.CRITICAL, Confirmation.PROVISIONAL, "06-03T14:56:30"),
        (Transition.REVISED, Severity.CRITICAL, Confirmation.CONFIRMED, "06-04T00:15:00"),
        (Transition.EASED, Severity.WARNING, Confirmation.CONFIRMED, "06-05T00:15:00"),
    ]
    assert {(e.kind, e.direction) for e in events} == {(Kind.RATIO_STRETCH, Direction.RISK_OFF)}
    assert len(sampled) == 2
    assert all(b'"instrument":"XAU/USD.TEST"' in each for each in sampled)


def test_two_sessions_with_both_legs_live_survive_restarts() -> None:
    events, sampled = run(two_sessions(), restarts=True)
    undisturbed = run(two_sessions(), restarts=False)

    assert [DIVERGENCES.encode(each) for each in events] == [DIVERGENCES.encode(e) for e in undisturbed[0]]
    assert sampled == undisturbed[1]


def test_snapshot_shows_the_live_price_of_a_listed_leg_with_its_age() -> None:
    story = Story(rules=RULES)
    for record in both_at(ny(f"{D1} 10:00"), story.price(0.1), 150.5):
        story.take(record)
    shown = take_snapshot(story.monitor, ny(f"{D1} 10:00") + 3 * SECOND).legs[1]

    assert (shown.price, shown.age_seconds, shown.source, shown.session) == (150.5, 3.0, "test", None)
