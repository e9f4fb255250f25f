"""Trigger prices, compared with an engine that is given that price or one a tick beside it.

What is expected comes from the events of the engine. For the next close it is given a bar of the lead with
the price, a bar of the other leg with its last close, and event time that goes past both; for a live price,
ticks at that price until a hold would end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.pairs.snapshot import take_snapshot
from shared.domain.bars import Bar, BarsMode
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Transition
from shared.domain.snapshots import Trigger, TriggerAt
from shared.domain.ticks import FeedState
from tests.property.engine_markets import RULES, sessions
from tests.support.builders_market import (
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
from tests.support.pair_story import make_engine, restart

FIRST: Final = "2019-06-24"
What = tuple[Kind, Direction, Transition]
# Each example commits dozens of closes.
few = settings(max_examples=max(1, settings().max_examples // 10))

# None is 0: five equal closes in a row are a fault of the data.
_MOVE = st.sampled_from([-0.06, -0.03, -0.01, -0.002, -0.0005, 0.0005, 0.002, 0.01, 0.03, 0.06])


@dataclass(frozen=True)
class Past:
    """What a pair has gone through before its trigger prices are asked for.

    Parameters
    ----------
    warm
        Sessions of history.
    moves
        Log returns of both legs in the sessions after it.
    adjusted
        The other leg's adjusted closes over its raw ones.
    today
        Log return of the lead by the afternoon; None while it has no ticks.
    is_stale
        The lead's feed is stale, so that its data are at fault.
    levels
        Multiplies the levels of every rule.
    tie
        The lead's return for each unit of the other leg's, in the history.
    """

    seed: int
    warm: int
    moves: list[tuple[float, float]]
    adjusted: float
    today: float | None
    is_stale: bool
    levels: float
    tie: float

    @property
    def rules(self) -> tuple[Rule, ...]:
        evidence = Rule(kind=Kind.EVIDENCE_BREAK, warning=60.0, critical=100.0, leave=55.0)
        return tuple(
            replace(
                rule,
                warning=rule.warning * self.levels,
                critical=rule.critical * self.levels,
                leave=rule.leave * self.levels,
                cooldown_sessions=3,
            )
            for rule in (*RULES, evidence)
        )


pasts = st.builds(
    Past,
    seed=st.integers(0, 1_000),
    warm=st.sampled_from([5, 60, 89, 90, 91, 130, 251, 252, 280]),
    moves=st.one_of(
        st.lists(st.tuples(_MOVE, _MOVE), max_size=12),
        st.lists(st.sampled_from([(0.06, 0.001), (-0.06, -0.001), (-0.06, 0.001)]), min_size=20, max_size=26),
    ),
    adjusted=st.sampled_from([1.0, 0.97]),
    today=st.one_of(st.none(), st.sampled_from([-0.12, -0.05, -0.01, 0.0, 0.01, 0.05, 0.12])),
    is_stale=st.booleans(),
    levels=st.sampled_from([0.6, 1.0, 1.5]),
    tie=st.sampled_from([-0.8, 0.0, 0.8]),
)


@dataclass
class Market:
    """An engine that has gone through a past, and the next close."""

    engine: LeadEngine
    session: str
    other: Bar
    state: FeedState

    @property
    def close_ns(self) -> int:
        return sessions().close_of(self.session)

    def triggers(self, at: TriggerAt) -> list[Trigger]:
        shown = take_snapshot(self.engine.monitors[0], self.engine.progress.watermark_ns)
        return [each for each in shown.triggers if each.at is at]

    @property
    def present(self) -> float:
        lead = self.engine.legs[LEAD]
        newest = lead.history.newest()
        assert newest is not None
        return lead.last_price.price or newest.close

    def happens_live(self, price: float) -> set[What]:
        """Let a copy of the engine read ticks at a price for as long as a hold takes, and a little longer."""
        engine = restart(self.engine)
        begin_ns = engine.progress.watermark_ns + SECOND
        events: list[DivergenceEvent] = []
        for minute in range(6):
            events += engine.apply(quotes({begin_ns + minute * MINUTE: price})).events
        events += engine.apply(quotes({begin_ns + 5 * MINUTE + SECOND: price})).events
        return {
            (event.kind, event.direction, event.type)
            for event in events
            if event.confirmation is Confirmation.PROVISIONAL and event.kind is not Kind.DATA_FAULT
        }

    def happens(self, price: float) -> set[What]:
        """Commit the next close in a copy of the engine, and return what its events report."""
        engine = restart(self.engine)
        events: list[DivergenceEvent] = []
        for bar_ in (
            bar(self.session, price, instrument=LEAD, known_at_ns=self.close_ns),
            bar(self.session, self.other.close, adj_close=self.other.adj_close),
        ):
            events += engine.apply(bar_batch(bar_)).events
        assert not events
        events += engine.apply(status(ny(f"{self.session} 20:15"), state=self.state)).events
        return {
            (event.kind, event.direction, event.type)
            for event in events
            if event.confirmation is Confirmation.CONFIRMED
            and event.kind is not Kind.DATA_FAULT
            # A regime change ends in the instant in which it opens.
            and not (event.kind is Kind.REGIME_CHANGE and event.type is Transition.CLOSED)
        }


def market_of(past: Past, *, minutes_left: int = 5, held: int = 8, other_ticks: bool = False) -> Market:
    """Let an engine go through a past.

    Parameters
    ----------
    minutes_left
        Before the close, when the trigger prices are asked for.
    held
        Minutes for which the lead has stood at its price, if it has ticks.
    other_ticks
        The other leg has ticks, too.
    """
    labels = sessions().labels
    begin = labels.index(FIRST)
    rng = np.random.default_rng(past.seed)
    returns = rng.normal(0.0, (0.008, 0.01), (past.warm, 2))
    returns[:, 0] += past.tie * returns[:, 1]
    legs = np.array([1_300.0, 150.0]) * np.exp(np.cumsum(returns, axis=0))
    watched = replace(pair(), agreement_low=0.42, agreement_high=0.52)
    engine = make_engine(watched, rules=past.rules, sessions=sessions())
    for leg, instrument in enumerate((LEAD, OTHER)):
        bars = [
            _bar(label, close, instrument, past)
            for label, close in zip(labels[begin - past.warm : begin], legs[:, leg].tolist(), strict=True)
        ]
        engine.apply(bar_batch(*bars, mode=BarsMode.HISTORY))
    engine.apply(status(ny(f"{labels[begin]} 09:00")))
    prices = legs[-1]
    for label, moves in zip(labels[begin:], past.moves, strict=False):
        prices = prices * np.exp(moves)
        for instrument, price in zip((LEAD, OTHER), prices.tolist(), strict=True):
            engine.apply(bar_batch(_bar(label, price, instrument, past)))
        engine.apply(status(ny(f"{label} 20:15")))
    session = labels[begin + len(past.moves)]
    state = FeedState.LIVE
    if past.today is not None:
        price = float(prices[0]) * math.exp(past.today)
        asked_ns = sessions().close_of(session) - minutes_left * MINUTE
        if other_ticks:
            engine.apply(quotes({asked_ns - 10 * MINUTE: float(prices[1]) * 1.003}, instrument=OTHER))
        for before in range(held, 0, -1):
            engine.apply(quotes({asked_ns - before * MINUTE: price}))
        if past.is_stale:
            state = FeedState.STALE
            engine.apply(status(asked_ns - MINUTE // 2, state=state))
            engine.apply(status(asked_ns - MINUTE // 4, state=state))
        engine.apply(status(asked_ns, state=state))
    else:
        engine.apply(status(ny(f"{session} 12:00")))
    newest = engine.legs[OTHER].history.newest()
    assert newest is not None
    return Market(engine, session, newest, state)


def _bar(label: str, close: float, instrument: str, past: Past) -> Bar:
    close = round(close, 2)
    adj_close = close * past.adjusted if instrument == OTHER else close
    return bar(label, close, instrument=instrument, adj_close=adj_close)


def what_of(trigger: Trigger) -> What:
    return trigger.kind, trigger.direction, trigger.transition


@few
@given(past=pasts)
def test_a_trigger_price_is_the_first_at_which_the_close_decides_so(past: Past) -> None:
    market = market_of(past)

    assert_first_prices(market, market.triggers(TriggerAt.CLOSE), market.happens)


@few
@given(past=pasts, shares=st.lists(st.floats(0.76, 1.24), min_size=8, max_size=8))
def test_whatever_a_close_decides_has_a_trigger_price_on_the_way_to_it(
    past: Past, shares: list[float]
) -> None:
    market = market_of(past)

    assert_complete(market, market.triggers(TriggerAt.CLOSE), market.happens, shares)


@few
@given(past=pasts, held=st.sampled_from([1, 3, 8]), other_ticks=st.booleans())
def test_a_live_trigger_price_is_the_first_that_does_so_when_held(
    past: Past, held: int, other_ticks: bool
) -> None:
    market = market_of(past, minutes_left=12, held=held, other_ticks=other_ticks)

    assert_first_prices(market, market.triggers(TriggerAt.LIVE), market.happens_live)


@few
@given(
    past=pasts,
    held=st.sampled_from([1, 3, 8]),
    other_ticks=st.booleans(),
    shares=st.lists(st.floats(0.76, 1.24), min_size=8, max_size=8),
)
def test_whatever_a_held_price_does_has_a_live_trigger_price_on_the_way_to_it(
    past: Past, held: int, other_ticks: bool, shares: list[float]
) -> None:
    market = market_of(past, minutes_left=12, held=held, other_ticks=other_ticks)
    triggers = market.triggers(TriggerAt.LIVE)

    if past.today is None:
        assert not triggers, "a lead without a tick has no live price to be moved"
    else:
        assert_complete(market, triggers, market.happens_live, shares)


def assert_first_prices(
    market: Market, triggers: list[Trigger], happens: Callable[[float], set[What]]
) -> None:
    for trigger in triggers:
        tick = round(trigger.lead_price * 100)
        assert trigger.lead_price == tick / 100
        assert what_of(trigger) in happens(trigger.lead_price), trigger
        if abs(tick - market.present * 100) >= 1:
            nearer = tick - 1 if tick > market.present * 100 else tick + 1
            assert what_of(trigger) not in happens(nearer / 100), trigger


def assert_complete(
    market: Market, triggers: list[Trigger], happens: Callable[[float], set[What]], shares: list[float]
) -> None:
    newest = market.engine.legs[LEAD].history.newest()
    assert newest is not None
    for share in shares:
        tick = round(newest.close * share * 100)
        low, high = sorted((tick, round(market.present * 100)))
        on_the_way = {what_of(each) for each in triggers if low <= round(each.lead_price * 100) <= high}
        assert happens(tick / 100) <= on_the_way, tick
