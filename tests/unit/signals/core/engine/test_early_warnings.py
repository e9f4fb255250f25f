"""An early warning says how likely the next close agrees, and opens by that."""

import numpy as np
import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarsMode
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from tests.oracle.next_close_oracle import Expectation, expect, gold_to_come, price_for
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    SECOND,
    bar_batch,
    calendar,
    ny,
    pair,
    quotes,
    status,
)
from tests.support.pair_story import Story, history, make_engine, restart

COIN = "BTC/USD.TEST"
START = ny("2019-06-03 10:00")
BEGIN, CLOSE = ny("2019-05-31 16:00"), ny("2019-06-03 16:00")


def wanted(story: Story, ts_ns: int) -> Expectation:
    closes = np.array([story.closes[session] for session in sorted(story.closes)])
    price = story.engine.legs[LEAD].last_price.price
    assert price is not None
    return expect(
        closes[:, 0], closes[:, 1], lead_price=price, lead_to_come=gold_to_come(ts_ns, BEGIN, CLOSE)
    )


def require_said(event: DivergenceEvent, ahead: Expectation, *, level: float, sign: int) -> None:
    values = event.values
    assert event.probability == pytest.approx(ahead.probability(level, sign), abs=1e-9)
    assert values["z_90_expected"] == pytest.approx(ahead.mean, rel=1e-9)
    assert values["z_90_spread"] == pytest.approx(ahead.std, rel=1e-9)
    assert values["z_90_likely"] == pytest.approx(sign * ahead.likely(0.8, sign), rel=1e-9)
    assert values["lead_std_60"] == pytest.approx(ahead.lead_std, rel=1e-9)
    assert values["other_std_60"] == pytest.approx(ahead.other_std, rel=1e-9)
    beta = ahead.correlation * ahead.other_std / ahead.lead_std
    assert values["other_beta_60"] == pytest.approx(beta, rel=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_opening_says_how_likely_the_next_close_opens_it(sign: int) -> None:
    story = Story(rule=Rule(hold_seconds=0))

    (opened,) = story.tick(START, 2.3 * sign)

    require_said(opened, wanted(story, START), level=2.0, sign=sign)
    assert opened.probability is not None
    assert opened.probability > 0.8
    assert opened.thresholds["probability"] == 0.8
    assert opened.values["lead_to_come"] == pytest.approx(gold_to_come(START, BEGIN, CLOSE))
    assert opened.values["other_to_come"] == 1.0


def test_escalation_says_how_likely_the_next_close_is_critical() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(START, 2.3)

    (escalated,) = story.tick(START + MINUTE, 3.2)

    assert escalated.type is Transition.ESCALATED
    require_said(escalated, wanted(story, START + MINUTE), level=3.0, sign=1)


def test_warning_that_is_taken_back_says_how_likely_it_still_was() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(START, 2.3)

    (closed,) = story.tick(START + MINUTE, 0.9)

    assert closed.type is Transition.CLOSED
    require_said(closed, wanted(story, START + MINUTE), level=2.0, sign=1)


def test_confirmed_events_have_no_probability() -> None:
    story = Story(rule=Rule(hold_seconds=0))
    story.tick(START, 2.3)
    story.commit("2019-06-03", 2.4)

    assert [event.probability is None for event in story.events] == [False, True]
    assert "z_90_expected" not in story.events[-1].values


@pytest.mark.parametrize("probability", [0.5, 0.95])
def test_the_rule_says_how_likely_is_likely_enough(probability: float) -> None:
    """The price that opens at 0.8 opens at 0.5 the more, and not at 0.95."""
    usual = Story(rule=Rule(hold_seconds=0))
    price = usual.live_price(START, 2.001)
    story = Story(rule=Rule(hold_seconds=0, probability=probability))

    opened = story.take(quotes({START: price}))

    assert [event.type for event in opened] == ([Transition.OPEN] if probability == 0.5 else [])


def test_snapshot_says_how_likely_each_side_is() -> None:
    story = Story()
    story.tick(START, 2.1)
    ahead = wanted(story, START)

    shown = take_snapshot(story.monitor, START).provisional

    assert shown is not None
    assert shown.values["probability_risk_off"] == pytest.approx(ahead.probability(2.0, 1), abs=1e-9)
    assert shown.values["probability_risk_on"] == pytest.approx(ahead.probability(2.0, -1), abs=1e-9)
    assert shown.values["z_90_expected"] == pytest.approx(ahead.mean, rel=1e-9)


def test_snapshot_without_a_rule_or_a_window_says_nothing_of_the_next_close() -> None:
    unruled, warming = Story(rules=()), Story(warm=40)
    for story in (unruled, warming):
        story.take(quotes({START: 1_300.0}))
    without_rule, without_window = (
        take_snapshot(story.monitor, START).provisional for story in (unruled, warming)
    )

    assert without_rule is not None
    assert without_rule.values["probability_risk_off"] is None
    assert without_rule.values["z_90_expected"] is not None
    assert without_window is not None
    assert without_window.values["probability_risk_off"] is None
    assert without_window.values["z_90_expected"] is None


# -- steps of the clock -----------------------------------------------------------------------------------


def test_the_same_price_is_worth_more_when_less_is_to_come() -> None:
    """A quarter of an hour later the price reaches the level; the next tick, not the clock, starts a hold."""
    story = Story()
    late = ny("2019-06-03 10:14:59")
    price = (story.live_price(late, 2.0) + story.live_price(late + SECOND, 2.0)) / 2
    story.take(quotes({late: price}))
    story.reach(late + SECOND)
    state = story.monitor.transitions.divergence
    assert state(Kind.RATIO_STRETCH, Direction.RISK_OFF).phase is Phase.IDLE

    story.take(quotes({late + 2 * SECOND: price}))

    assert state(Kind.RATIO_STRETCH, Direction.RISK_OFF).warning_since_ns == late + 2 * SECOND


def test_step_of_the_clock_counts_for_a_level_that_is_being_held() -> None:
    """Both levels are decided by one clock: the step reaches critical, and that hold starts with the step."""
    story = Story()
    step = ny("2019-06-03 10:15")
    price = (story.live_price(step - 1, 3.0) + story.live_price(step, 3.0)) / 2
    story.take(quotes({step - MINUTE: price}))
    state = story.monitor.transitions.divergence
    assert state(Kind.RATIO_STRETCH, Direction.RISK_OFF).critical_since_ns is None

    story.reach(step + SECOND)

    assert state(Kind.RATIO_STRETCH, Direction.RISK_OFF).critical_since_ns == step


def test_clock_steps_cost_nothing_before_the_lead_has_a_price() -> None:
    story = Story()
    story.reach(START)

    assert story.engine._lead.due_ns >= CLOSE  # not the next quarter of an hour


# -- both legs live ---------------------------------------------------------------------------------------


def both_live(*coin_at: int, z: float, lead_at: int, restarts: bool = False) -> list[DivergenceEvent]:
    """Let the coin tick at its last close's price, and gold at a likely z; return the events."""
    begin = calendar().index_of("2019-06-03")
    gold, coin = history(calendar().labels[begin - 100 : begin], other=COIN)
    gold_closes, coin_closes = (np.array([each.close for each in leg]) for leg in (gold, coin))
    newest = coin_at[-1] // (15 * MINUTE) * 15 * MINUTE
    opens, closes = ny("2019-06-03 09:30"), CLOSE
    price = price_for(
        z,
        gold_closes,
        coin_closes,
        probability=0.8,
        lead_to_come=gold_to_come(lead_at, BEGIN, CLOSE),
        other_price=float(coin_closes[-1]),
        other_to_come=0.6 * (closes - newest) / (closes - opens),
    )
    log: list[TickRecord] = [
        bar_batch(*gold, mode=BarsMode.HISTORY),
        bar_batch(*coin, mode=BarsMode.HISTORY),
        *(quotes({each: float(coin_closes[-1])}, instrument=COIN) for each in coin_at),
        quotes({lead_at: price}),
        status(lead_at + SECOND),
    ]
    engine = make_engine(pair(other=COIN), rule=Rule(hold_seconds=0))
    events: list[DivergenceEvent] = []
    for record in log:
        engine = restart(engine) if restarts and record is log[-2] else engine
        events += engine.apply(record).events
    return events


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("coin_at", [(START,), (START - 30 * MINUTE, START), (START - 30 * MINUTE,)])
def test_with_both_legs_live_only_the_rest_of_the_session_is_unknown(
    coin_at: tuple[int, ...], restarts: bool
) -> None:
    lead_at = START + MINUTE

    opened = both_live(*coin_at, z=2.0001, lead_at=lead_at, restarts=restarts)
    assert [event.type for event in opened] == [Transition.OPEN]
    assert opened[0].probability == pytest.approx(0.8, abs=1e-3)
    assert opened[0].values["z_90_expected"] == opened[0].values["z_90"]

    assert both_live(*coin_at, z=1.9999, lead_at=lead_at, restarts=restarts) == []


def test_each_quarter_of_an_hour_in_which_the_other_leg_ticks_leaves_less_to_come() -> None:
    """The coin's tick itself, at an unchanged price, makes gold's price likely enough."""
    begin = calendar().index_of("2019-06-03")
    gold, coin = history(calendar().labels[begin - 100 : begin], other=COIN)
    gold_closes, coin_closes = (np.array([each.close for each in leg]) for leg in (gold, coin))
    price_of_coin = float(coin_closes[-1])
    old, new = START - 45 * MINUTE, START + MINUTE
    prices = [
        price_for(
            2.0,
            gold_closes,
            coin_closes,
            probability=0.8,
            lead_to_come=gold_to_come(START, BEGIN, CLOSE),
            other_price=price_of_coin,
            other_to_come=0.6 * (CLOSE - max(each, ny("2019-06-03 09:30"))) / (CLOSE - ny("2019-06-03 09:30"))
            if each == START
            else 1 - 0.4 * (old - BEGIN) / (ny("2019-06-03 09:30") - BEGIN),
        )
        for each in (old, START)
    ]
    engine = make_engine(pair(other=COIN), rule=Rule(hold_seconds=0))
    told: list[DivergenceEvent] = []
    for record in (
        bar_batch(*gold, mode=BarsMode.HISTORY),
        bar_batch(*coin, mode=BarsMode.HISTORY),
        quotes({old: price_of_coin}, instrument=COIN),
        quotes({START: sum(prices) / 2}),
    ):
        told += engine.apply(record).events
    assert told == []

    told += engine.apply(quotes({new: price_of_coin}, instrument=COIN)).events

    assert [event.type for event in told] == [Transition.OPEN]


def test_only_a_price_that_time_alone_can_decide_waits_for_the_steps_of_the_clock() -> None:
    """Far from a level nothing is due at the quarters of an hour: almost all ticks cost two comparisons."""
    far, near = Story(), Story()
    far.tick(START, 0.5)
    near.tick(START, 1.99)

    assert not far.monitor.prices.is_near
    assert near.monitor.prices.is_near
    assert far.engine._lead.due_ns >= CLOSE
    assert near.engine._lead.due_ns == ny("2019-06-03 10:15")


@pytest.mark.parametrize("seed", range(8))
def test_ticks_that_are_skipped_in_bulk_decide_nothing(seed: int) -> None:
    """One engine skips what its deadband allows; the other decides by each tick."""
    rng = np.random.default_rng(seed)
    rule = Rule(hold_seconds=0, cooldown_sessions=0)
    bulk, single = Story(rule=rule), Story(rule=rule)
    instants = np.sort(rng.integers(ny("2019-06-03 08:00"), ny("2019-06-04 12:00"), 250))
    zs = 2.0 + np.cumsum(rng.normal(0, 0.06, 250))
    price = bulk.price(0.0)
    prices = [price * float(np.exp(0.011 * (z + 0.4))) for z in zs]
    told: list[list[bytes]] = []
    for story, evaluates in ((bulk, False), (single, True)):
        made: list[DivergenceEvent] = []
        for ts_ns, each in zip(instants.tolist(), prices, strict=True):
            made += story.take(quotes({ts_ns: each}))
            if evaluates:
                story.engine._lead._clock.move_to(ts_ns, story.engine.progress.next_close)
                made += story.monitor.prices.evaluate(ts_ns).events
        told.append([DIVERGENCES.encode(event) for event in made])

    assert told[0] == told[1]
    assert told[0]
