"""The order of what is queued when a feed is chosen, and the faults that are told."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from services.ingestor.feeds.failover.feed import FeedChooser, StandbyFeed
from services.ingestor.feeds.failover.instrument_choice import InstrumentChoice
from services.ingestor.feeds.ports import Sink
from services.ingestor.metrics import IngestorMetrics
from shared.clock import ManualClock
from shared.domain.market_hours import MarketHours, RoundTheClock
from shared.domain.ticks import (
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from tests.support.fake_feeds.sink import RecordingSink
from tests.unit.ingestor.ticks import LEAD, quotes

_START = datetime(2026, 3, 10, 12, tzinfo=UTC)
_Entry = QuoteBatch | TradeBatch | FeedStatus | FeedAuthority | FeedFault


class _OrderedSink(RecordingSink):
    """Remember everything in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[_Entry] = []

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        self.log.append(batch)

    def put_status(self, status: FeedStatus) -> None:
        self.log.append(status)

    def put_authority(self, authority: FeedAuthority) -> None:
        self.log.append(authority)

    def put_feed_fault(self, fault: FeedFault) -> None:
        self.log.append(fault)


@dataclass
class _MadeUpFeed:
    """A feed of which the test says how it is."""

    name: str
    clock: ManualClock
    state: FeedState = FeedState.LIVE
    is_refused: bool = False
    instruments: tuple[str, ...] = (LEAD,)
    sent: list[QuoteBatch | FeedFault] = field(default_factory=list)
    confirmed: list[float] = field(default_factory=list)

    def confirm(self, _: str, price: float) -> None:
        self.confirmed.append(price)

    def statuses(self) -> tuple[FeedStatus, ...]:
        return (
            FeedStatus(
                instrument=LEAD, feed=self.name, state=self.state, watermark_ns=self.clock.now_ns() - 10**9
            ),
        )

    async def run(self, sink: Sink) -> None:
        for entry in self.sent:
            if isinstance(entry, FeedFault):
                sink.put_feed_fault(entry)
            else:
                sink.put_ticks(entry)


def _is_refused(feed: _MadeUpFeed, _: str) -> bool:
    return feed.is_refused


class _Market:
    """Feeds of one instrument, the choice among them, and what is queued."""

    def __init__(
        self,
        *order: str,
        checks: tuple[str, ...] = (),
        hours: MarketHours | None = None,
    ) -> None:
        self.clock = ManualClock(_START)
        self.sink = _OrderedSink()
        self.registry = CollectorRegistry()
        names = (*order, *checks)
        self.feeds = {name: _MadeUpFeed(name, self.clock) for name in names}
        self.choice = InstrumentChoice(
            LEAD,
            order=order,
            cross_checks=checks,
            hours=hours or RoundTheClock(),
            metrics=IngestorMetrics(self.registry, feeds=names, instruments=(LEAD,), streams={LEAD: names}),
            clock=self.clock,
        )
        choices = {LEAD: self.choice}
        self.standby = [
            StandbyFeed(feed, choices, is_refused=partial(_is_refused, feed), confirm=feed.confirm)
            for feed in self.feeds.values()
        ]
        self.chooser = FeedChooser(self.standby, choices)

    def tick(self, feed: str, *bids: float, back_seconds: float = 0.0) -> QuoteBatch:
        """Let a feed tick now."""
        batch = quotes(*bids, feed=feed, first_ns=self.clock.now_ns() - int(back_seconds * 10**9))
        self.choice.take(batch, self.sink)
        return batch

    def run(self, seconds: int, **bids: float) -> None:
        """Let time pass, with a tick of some feeds in each second."""
        for _ in range(seconds):
            self.clock.advance(timedelta(seconds=1))
            for feed, bid in bids.items():
                self.tick(feed, bid)
            self.chooser.decide(self.sink)

    def told(self) -> list[str]:
        """Return what is queued, in words, and forget it."""
        words = [_words(entry) for entry in self.sink.log]
        self.sink.log.clear()
        return words

    def value(self, metric: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"convex_ingestor_{metric}", labels)


def _words(entry: _Entry) -> str:
    match entry:
        case QuoteBatch():
            return f"{entry.feed} ticks {entry.bid.tolist()}"
        case TradeBatch():
            return f"{entry.feed} trades {entry.price.tolist()}"
        case FeedStatus():
            return f"{entry.feed} is {entry.state}"
        case FeedAuthority():
            return f"{entry.feed} instead of {entry.previous}: {entry.reason}"
        case FeedFault():
            return f"{entry.fault} of {entry.feed} {'begins' if entry.is_open else 'ends'}: {entry.detail}"


def test_authority_is_told_before_the_first_status_and_once() -> None:
    market = _Market("kraken", "coinbase")
    assert [feed.statuses() for feed in market.standby] == [(), ()]
    market.run(2)
    assert market.told() == ["kraken instead of None: first"]
    assert [len(list(feed.statuses())) for feed in market.standby] == [1, 0]
    market.tick("kraken", 4_401.0)
    assert market.told() == ["kraken ticks [4401.0]"]


def test_authority_is_told_before_a_tick_that_comes_before_the_first_choice() -> None:
    market = _Market("kraken", "coinbase")
    first = market.tick("kraken", 4_400.0)
    market.tick("kraken", 4_401.0)
    (authority,) = (entry for entry in market.sink.log if isinstance(entry, FeedAuthority))
    assert authority.since_ns == first.ts_event_ns[0]
    assert market.told() == [
        "kraken instead of None: first",
        "kraken ticks [4400.0]",
        "kraken ticks [4401.0]",
    ]


def test_process_that_took_over_says_so_and_from_what() -> None:
    market = _Market("kraken", "coinbase")
    market.choice.resume("coinbase")
    market.run(1)
    assert market.told() == ["kraken instead of coinbase: taken_over"]


def test_ticks_of_the_others_stand_by_and_are_counted() -> None:
    market = _Market("kraken", "coinbase", checks=("swissquote",))
    for bid in (4_400.0, 4_401.0, 4_402.0):
        market.clock.advance(timedelta(seconds=1))
        market.tick("coinbase", bid, bid)
        market.tick("swissquote", bid)
    assert market.told() == []
    # The newest is counted when it is used, or replaced by another.
    for feed, count in (("coinbase", 5.0), ("swissquote", 2.0)):
        assert market.value("ticks_standby_total", feed=feed) == count
        assert market.value("ticks_received_total", feed=feed) == count
        assert market.value("last_tick_timestamp_seconds", feed=feed, instrument=LEAD) == pytest.approx(
            market.clock.now_ns() / 10**9
        )


def test_feed_that_takes_over_brings_its_authority_its_status_and_its_newest_tick() -> None:
    market = _Market("kraken", "coinbase")
    market.run(5, kraken=4_400.0, coinbase=4_399.0)
    market.told()
    newest = market.tick("coinbase", 4_398.0, 4_397.0)
    market.feeds["kraken"].state = FeedState.STALE
    market.run(3)
    authority = next(entry for entry in market.sink.log if isinstance(entry, FeedAuthority))
    assert authority.since_ns == newest.ts_event_ns[-1]
    assert market.told() == [
        "coinbase instead of kraken: other_stale",
        "coinbase is LIVE",
        "coinbase ticks [4397.0]",
    ]
    market.tick("kraken", 4_390.0)
    market.tick("coinbase", 4_396.0)
    assert market.told() == ["coinbase ticks [4396.0]"]
    assert market.value("feed_authoritative", instrument=LEAD, feed="coinbase") == 1.0
    assert market.value("feed_authoritative", instrument=LEAD, feed="kraken") == 0.0
    assert market.value("feed_switches_total", instrument=LEAD, reason="other_stale") == 1.0


def test_status_of_the_instrument_is_that_of_the_chosen_feed() -> None:
    market = _Market("kraken", "coinbase")
    market.feeds["kraken"].state = FeedState.STALE

    def states() -> list[tuple[str, FeedState]]:
        return [(status.feed, status.state) for feed in market.standby for status in feed.statuses()]

    market.run(1)
    assert states() == [("kraken", FeedState.STALE)]
    market.run(3, coinbase=4_400.0)
    assert states() == [("coinbase", FeedState.LIVE)]


def test_trades_that_were_fetched_later_do_not_count_for_the_time_before_a_feed_was_chosen() -> None:
    market = _Market("kraken", "coinbase")
    market.run(5, coinbase=4_399.0)
    market.feeds["kraken"].state = FeedState.STALE
    market.run(3)
    market.told()
    before = market.value("ticks_standby_total", feed="coinbase") or 0.0
    market.tick("coinbase", 4_398.0, back_seconds=60.0)
    assert market.told() == []
    assert market.value("ticks_standby_total", feed="coinbase") == before + 1.0


def test_tick_that_was_used_before_is_not_used_again_after_a_return() -> None:
    market = _Market("kraken", "coinbase")
    market.run(1, kraken=4_400.0, coinbase=4_399.0)
    market.feeds["kraken"].state = FeedState.STALE
    market.run(3)
    market.feeds["kraken"].state = FeedState.LIVE
    market.told()
    market.run(70)
    assert market.told() == ["kraken instead of coinbase: preferred_is_back", "kraken is LIVE"]


def test_refused_feed_is_left_at_once() -> None:
    market = _Market("kraken", "coinbase")
    market.run(1, coinbase=4_399.0)
    market.told()
    market.feeds["kraken"].is_refused = True
    market.run(1)
    assert market.told()[0] == "coinbase instead of kraken: other_refused"


def test_feed_without_a_status_yet_counts_as_stale() -> None:
    market = _Market("kraken", "coinbase")
    market.feeds["kraken"].statuses = lambda: ()  # type: ignore[method-assign]  # this feed has no status yet
    market.run(4, coinbase=4_399.0)
    assert market.told()[0] == "coinbase instead of kraken: other_stale"
    assert next(iter(market.standby)).statuses() == ()


def test_instrument_without_any_status_tells_nothing() -> None:
    market = _Market("kraken")
    market.feeds["kraken"].statuses = lambda: ()  # type: ignore[method-assign]  # this feed has no status yet
    market.run(10)
    assert market.told() == []


def test_cross_check_is_never_chosen() -> None:
    market = _Market("kraken", checks=("swissquote",))
    market.feeds["kraken"].state = FeedState.STALE
    market.run(600, swissquote=4_400.0)
    assert market.told() == ["kraken instead of None: first"]


def test_silent_feed_whose_market_moved_on_is_left_though_its_socket_lives() -> None:
    market = _Market("kraken", "coinbase")
    market.run(300, kraken=4_400.0, coinbase=4_400.0)
    market.told()
    market.run(25, coinbase=4_430.0)
    assert market.told()[0] == "coinbase instead of kraken: other_stale"


def test_feed_that_contradicts_two_others_is_left() -> None:
    market = _Market("kraken", "coinbase", checks=("swissquote",))
    market.run(300, kraken=4_400.0, coinbase=4_400.0, swissquote=4_402.0)
    market.told()
    market.run(40, kraken=4_430.0, coinbase=4_400.0, swissquote=4_402.0)
    told = market.told()
    assert "coinbase instead of kraken: other_disagrees" in told
    assert not any("begins" in words for words in told)
    assert market.value("feed_disagrees", instrument=LEAD, feed="kraken") == 1.0


def test_two_that_disagree_are_a_fault_that_begins_and_ends() -> None:
    market = _Market("kraken", checks=("coinbase",))
    market.run(300, kraken=4_400.0, coinbase=4_400.0)
    market.told()
    market.run(40, kraken=4_400.0, coinbase=4_430.0)
    market.run(40, kraken=4_400.0, coinbase=4_400.0)
    faults = [entry for entry in market.sink.log if isinstance(entry, FeedFault)]
    assert [(fault.fault, fault.feed, fault.is_open) for fault in faults] == [
        (FeedFaultKind.FEEDS_DISAGREE, "kraken", True),
        (FeedFaultKind.FEEDS_DISAGREE, "kraken", False),
    ]
    assert "are 0.68 % apart" in faults[0].detail
    assert faults[0].at_ns < faults[1].at_ns
    assert market.value("feed_fault", instrument=LEAD, fault="feeds_disagree") == 0.0


def test_basis_is_published() -> None:
    market = _Market("kraken", checks=("swissquote",))
    market.run(150, kraken=4_420.0, swissquote=4_400.0)
    basis = market.value("basis_ratio", instrument=LEAD, feed="swissquote")
    assert basis == pytest.approx(4_420.25 / 4_400.25 - 1)


@dataclass
class _OpensAt:
    """A market that opens at an instant."""

    open_ns: int

    def state(self, ts_ns: int) -> FeedState:
        return FeedState.LIVE if ts_ns >= self.open_ns else FeedState.CLOSED

    def opened_at_ns(self, ts_ns: int) -> int | None:
        return self.open_ns if ts_ns >= self.open_ns else None


def test_market_that_opens_late_is_told_after_five_minutes_and_ends_with_the_first_tick() -> None:
    open_ns = int((_START + timedelta(seconds=60)).timestamp()) * 10**9
    market = _Market("oanda", hours=_OpensAt(open_ns))
    feed = market.feeds["oanda"]
    feed.state = FeedState.CLOSED
    market.run(30, oanda=4_400.0)
    market.told()
    market.run(29)
    feed.state = FeedState.STALE
    market.run(300)
    assert market.told() == []
    market.run(2)
    assert market.told() == [
        "late_open of oanda begins: no tick since the market opened at 2026-03-10T12:01:00.000000Z"
    ]
    market.run(100)
    assert market.told() == []
    market.run(1, oanda=4_401.0)
    assert market.told() == ["oanda ticks [4401.0]", "late_open of oanda ends: "]
    assert market.value("feed_fault", instrument=LEAD, fault="late_open") == 0.0


def test_closed_market_changes_no_feed() -> None:
    market = _Market("oanda", "tiingo_fx")
    market.run(10, oanda=4_400.0, tiingo_fx=4_400.0)
    market.told()
    for feed in market.feeds.values():
        feed.state = FeedState.BREAK
    market.run(3_600)
    market.feeds["tiingo_fx"].state = FeedState.LIVE
    market.run(60, tiingo_fx=4_400.0)
    assert market.told() == []
    assert market.value("feed_open", feed="tiingo_fx", instrument=LEAD) == 1.0


async def test_feed_runs_as_it_would_alone_save_for_its_ticks_and_statuses() -> None:
    market = _Market("kraken", "coinbase")
    market.feeds["kraken"].sent = [quotes(4_400.0, feed="kraken")]
    market.feeds["coinbase"].sent = [quotes(4_399.0, feed="coinbase")]
    for feed in market.standby:
        await feed.run(market.sink)
    assert market.told() == ["kraken instead of None: first", "kraken ticks [4400.0]"]
    assert (market.chooser.name, market.chooser.instruments, market.chooser.statuses()) == (
        "choice",
        (LEAD,),
        (),
    )


def test_what_the_others_say_confirms_what_a_feed_holds() -> None:
    market = _Market("kraken", "coinbase", checks=("swissquote",))
    market.run(1, coinbase=4_400.0, swissquote=4_390.0)
    assert market.feeds["kraken"].confirmed == [4_400.25, 4_390.25]
    assert market.feeds["coinbase"].confirmed == [4_390.25]


_CLOCK = FeedFault(
    instrument=LEAD, feed="coinbase", fault=FeedFaultKind.CLOCK_DISAGREES, is_open=True, at_ns=5, detail="2 d"
)


async def test_fault_of_a_feed_is_the_instruments_while_it_is_chosen() -> None:
    market = _Market("kraken", "coinbase")
    market.run(1, kraken=4_400.0, coinbase=4_399.0)
    market.feeds["coinbase"].sent = [_CLOCK]
    market.told()
    for feed in market.standby:
        await feed.run(market.sink)
    assert market.told() == []
    market.feeds["kraken"].state = FeedState.STALE
    market.run(3)
    assert market.told()[-1] == "clock_disagrees of coinbase begins: 2 d"
    market.choice.take_fault(_CLOCK, market.sink)
    market.feeds["kraken"].state = FeedState.LIVE
    market.told()
    market.run(65, kraken=4_400.0)
    told = market.told()
    assert (
        told.index("clock_disagrees of coinbase ends: ")
        == told.index("kraken instead of coinbase: preferred_is_back") - 1
    )
    market.choice.take_fault(replace(_CLOCK, is_open=False), market.sink)
    market.feeds["kraken"].state = FeedState.STALE
    market.run(3)
    assert not any("clock" in words for words in market.told())


def test_operator_is_shown_which_feed_is_chosen_and_how_the_others_compare() -> None:
    market = _Market("kraken", checks=("coinbase",))
    market.run(150, kraken=4_420.0, coinbase=4_400.0)
    (detail,) = market.chooser.details()
    assert (detail.feed, detail.instrument, detail.state) == ("kraken", LEAD, "chosen")
    assert detail.words == "+0.455% to coinbase"
    market.run(40, kraken=4_480.0, coinbase=4_400.0)
    (detail,) = market.chooser.details()
    assert detail.words.startswith("kraken 4480.25 and coinbase 4400.25 are 1.82 % apart, usually 0.45 %; +")


async def test_nothing_is_chosen_before_it_is_known_where_the_log_ends() -> None:
    market = _Market("kraken", "coinbase")
    is_known = asyncio.Event()

    async def prepare() -> None:
        await is_known.wait()
        market.choice.resume("coinbase")

    choices = {LEAD: market.choice}
    waiting = StandbyFeed(
        market.feeds["kraken"],
        choices,
        is_refused=lambda _: False,
        confirm=market.feeds["kraken"].confirm,
        prepare=prepare,
    )
    chooser = FeedChooser([waiting, market.standby[1]], choices)
    running = asyncio.create_task(waiting.run(market.sink))
    await asyncio.sleep(0)
    chooser.decide(market.sink)
    assert market.told() == []
    is_known.set()
    await running
    chooser.decide(market.sink)
    assert market.told() == ["kraken instead of coinbase: taken_over"]
