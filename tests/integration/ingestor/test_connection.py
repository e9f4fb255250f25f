"""What a feed does whatever the venue is: phases of each symbol, refusals, rotation, frames and bounds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.ingestor.core.connection_health import Limits
from services.ingestor.core.refusals import Patience, Refusal
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.events import Event
from services.ingestor.feeds.streaming.ports import KeepAlive
from services.ingestor.feeds.streaming.unknown_kinds import MAX_KINDS
from services.ingestor.feeds.transport.carrier import ChannelEnded
from services.ingestor.feeds.transport.secrets import REMOVED, Redactor
from shared.domain.ticks import FeedState, QuoteBatch, TradeBatch
from tests.integration.ingestor.live import TIMING, LiveFeed, planned_feed
from tests.support.fake_feeds.scripted_venue import PRICE, PlainProtocol, ScriptedChannel, ScriptedVenue, live
from tests.support.fake_feeds.sink import RecordingSink

IWM, SPY = "IWM", "SPY"
_SLOW = replace(TIMING, limits=Limits(ack=5.0, first_data=5.0, idle=5.0, no_data=30.0))


@asynccontextmanager
async def _running(plan: ConnectionPlan, *symbols: str, **options: Any) -> AsyncIterator[LiveFeed]:
    options = {"timing": _SLOW, **options}
    async with planned_feed("test", plan=plan, symbols=symbols, **options) as feed:
        yield feed


def _name(symbol: str) -> str:
    return f"{symbol}.TEST"


async def test_each_symbol_of_a_shared_connection_has_its_own_condition_and_state() -> None:
    venue = ScriptedVenue()
    async with _running(venue.plan(IWM, SPY), IWM, SPY) as feed:
        await feed.until(lambda: bool(venue.channels))
        (channel,) = venue.channels
        assert channel.sent == ["subscribe IWM", "subscribe SPY"]
        channel.put(*live(IWM), "ack SPY")
        await feed.until(lambda: feed.detail(_name(SPY)).state == "acked")
        assert feed.detail(_name(IWM)).state == "live"
        assert feed.state(_name(IWM)) is FeedState.LIVE
        assert feed.state(_name(SPY)) is FeedState.STALE
        channel.put(f"quote SPY {PRICE}")
        await feed.until(lambda: feed.state(_name(SPY)) is FeedState.LIVE)
    assert {batch.instrument for batch in feed.sink.batches} == {_name(IWM), _name(SPY)}
    assert len(venue.channels) == 1


async def test_rejected_symbol_does_not_stop_the_other_and_is_asked_for_again_later() -> None:
    patience = Patience(refusals=3, over_seconds=0.3, ask_again_seconds=0.4)
    venue = ScriptedVenue(
        lambda channel, _: channel.put(*live(IWM), "reject SPY unknown_symbol no such symbol")
    )
    with capture_logs() as logs:
        async with _running(venue.plan(IWM, SPY), IWM, SPY, timing=replace(_SLOW, patience=patience)) as feed:
            await feed.until(lambda: feed.detail(_name(SPY)).state == "rejected")
            assert feed.detail(_name(SPY)).words == "no such symbol"
            assert feed.state(_name(IWM)) is FeedState.LIVE
            await asyncio.sleep(0.2)
            assert len(venue.channels) == 1
            await feed.until(lambda: feed.detail(_name(SPY)).state == "refused")
            assert feed.feed.is_refused(_name(SPY))
            assert not feed.feed.is_refused(_name(IWM))
    (refused,) = (each for each in logs if each["event"] == "feed_refused")
    assert refused["instruments"] == (_name(SPY),)
    assert len(venue.channels) >= 3


async def test_rejected_symbol_never_interrupts_the_other_more_than_once_in_the_time_to_ask_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Would have caught: the good symbol lost its connection after 60 s, then 120 s, for the other."""
    monkeypatch.setattr("services.ingestor.feeds.streaming.instrument_stream._TOLERANCE_SECONDS", 0.1)
    patience = Patience(refusals=99, over_seconds=99.0, ask_again_seconds=1.0)
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), "reject SPY other not entitled"))
    async with _running(venue.plan(IWM, SPY), IWM, SPY, timing=replace(_SLOW, patience=patience)) as feed:
        await feed.until(lambda: len(venue.channels) == 3)
        assert not feed.feed.is_refused(_name(SPY))
    first, second, third = venue.opened_at[:3]
    assert min(second - first, third - second) >= 1.0


async def test_symbol_rejected_by_two_subscriptions_is_one_piece_of_evidence() -> None:
    patience = Patience(refusals=2, over_seconds=0.0, ask_again_seconds=60.0)
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), *["reject SPY unknown_symbol no"] * 5))
    async with _running(venue.plan(IWM, SPY), IWM, SPY, timing=replace(_SLOW, patience=patience)) as feed:
        await feed.until(lambda: feed.detail(_name(SPY)).state == "rejected")
        await asyncio.sleep(0.1)
        assert feed.detail(_name(SPY)).state == "rejected"


async def test_rejection_that_does_not_name_its_symbol_stops_no_other() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), "reject * unknown_symbol bad symbol"))
    async with _running(venue.plan(IWM, SPY), IWM, SPY) as feed:
        await feed.until(lambda: feed.state(_name(IWM)) is FeedState.LIVE)
        await asyncio.sleep(0.2)
        assert feed.state(_name(IWM)) is FeedState.LIVE
    assert len(venue.channels) == 1


async def test_silent_symbol_of_a_closed_market_is_left_in_peace_and_an_open_one_is_not() -> None:
    limits = Limits(ack=5.0, first_data=0.2, idle=60.0, no_data=0.2)
    is_open = False

    def market(_: int) -> FeedState:
        return FeedState.LIVE if is_open else FeedState.CLOSED

    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM)))
    async with _running(venue.plan(IWM), IWM, timing=replace(_SLOW, limits=limits), market=market) as feed:
        await feed.until(lambda: feed.detail().state == "live")
        assert feed.state() is FeedState.CLOSED
        await asyncio.sleep(0.6)
        assert len(venue.channels) == 1
        is_open = True
        await feed.until(lambda: len(venue.channels) == 2)
    assert feed.count("feed_reconnects_total", reason="no_data") == 1


async def test_venue_without_acknowledgements_is_acknowledged_when_it_is_open() -> None:
    venue = ScriptedVenue()
    async with _running(venue.plan(IWM, has_acknowledgement=False), IWM) as feed:
        await feed.until(lambda: feed.detail().state == "acked")
        venue.channels[0].put(f"quote IWM {PRICE}")
        await feed.until(lambda: feed.detail().state == "live")


async def test_replies_are_sent_at_once_and_frames_that_keep_alive_at_their_interval() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put("reply login secret"))
    keep_alive = KeepAlive(frame="still here", every_seconds=0.05)
    async with _running(venue.plan(IWM, keep_alive=keep_alive), IWM) as feed:
        await feed.until(lambda: bool(venue.channels) and venue.channels[0].sent.count("still here") >= 3)
    assert venue.channels[0].sent[:2] == ["subscribe IWM", "login secret"]


async def test_connection_cap_after_a_good_login_is_waited_out_longer_each_time() -> None:
    """Would have caught: a login that succeeds reset the back-off, and the cap was hammered."""

    def cap(channel: ScriptedChannel, _: int) -> None:
        channel.put(*live(IWM), "reject * too_many_connections Maximum number of connections exceeded")

    patience = Patience(cool_down_seconds=0.1, longest_cool_down_seconds=0.4)
    venue = ScriptedVenue(cap)
    async with _running(venue.plan(IWM), IWM, timing=replace(_SLOW, patience=patience)) as feed:
        await feed.until(lambda: len(venue.opened_at) == 5)
        assert feed.detail().words == "Maximum number of connections exceeded"
        assert not feed.feed.is_refused(_name(IWM))
    waits = [after - before for before, after in zip(venue.opened_at, venue.opened_at[1:], strict=False)]
    assert [round(wait, 1) for wait in waits] == [0.1, 0.2, 0.4, 0.4]


def test_connection_cap_is_waited_out_for_a_minute_at_least() -> None:
    assert Patience().cool_down_seconds >= 60.0


async def test_connection_that_another_takes_away_is_fought_for_with_growing_waits() -> None:
    """Two processes with one key must not take the connection from each other for ever."""

    def kick(channel: ScriptedChannel, _: int) -> None:
        channel.put(*live(IWM))
        channel.end("1008 (policy violation)")

    venue = ScriptedVenue(kick)
    timing = replace(_SLOW, reconnect_base=0.02, reconnect_cap=60.0)
    async with _running(venue.plan(IWM), IWM, timing=timing) as feed:
        await feed.until(lambda: len(venue.opened_at) == 6)
    waits = [after - before for before, after in zip(venue.opened_at, venue.opened_at[1:], strict=False)]
    assert waits == sorted(waits)
    assert waits[-1] >= 0.02 * 2**4


async def test_feed_that_cools_down_says_so() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put("reject * throttled slow down"))
    patience = Patience(cool_down_seconds=30.0)
    async with _running(venue.plan(IWM), IWM, timing=replace(_SLOW, patience=patience)) as feed:
        await feed.until(lambda: feed.detail().state == "cooling_down")
        assert feed.detail().words == "slow down"
        assert feed.condition() == "cooling_down"
        before = feed.detail().since_ns
        await asyncio.sleep(0.05)
        assert feed.detail().since_ns == before


async def test_refusal_heals_with_the_first_success_and_no_key_is_shown() -> None:
    patience = Patience(refusals=2, over_seconds=0.05, ask_again_seconds=0.2)

    def refuse(channel: ScriptedChannel, number: int) -> None:
        if number <= 4:
            raise ChannelEnded("refused", "HTTP 401: key abcdef123 is bad", refusal=Refusal.ACCESS)
        channel.put(*live(IWM))

    venue = ScriptedVenue(refuse)
    with capture_logs() as logs:
        async with _running(
            venue.plan(IWM),
            IWM,
            timing=replace(_SLOW, patience=patience),
            redactor=Redactor(["abcdef123"]),
        ) as feed:
            await feed.until(lambda: feed.detail().state == "refused")
            assert feed.detail().words == f"HTTP 401: key {REMOVED} is bad"
            await feed.until(lambda: feed.state() is FeedState.LIVE)
    assert "abcdef123" not in repr(logs)
    assert [each["event"] for each in logs].count("feed_refused") == 1
    assert [each["event"] for each in logs].count("feed_accepted_again") == 1


# -- rotation ----------------------------------------------------------------------------------------------


class _Market:
    """Numbered trades and quotes with times, the same on each connection, from where it subscribes."""

    def __init__(self, venue: ScriptedVenue, *, with_times: bool) -> None:
        self._venue = venue
        self._with_times = with_times
        self.last_id = 100
        self.bids: list[float] = []

    def tick(self) -> None:
        self.last_id += 1
        bid = PRICE + self.last_id / 100
        self.bids.append(bid)
        quote = f"stamped IWM {bid} {time.time_ns()}" if self._with_times else f"untimed IWM {bid}"
        for channel in self._venue.channels:
            if not channel.is_closed:
                channel.put(f"trade IWM {self.last_id}", quote)

    async def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.tick()
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("with_times", [True, False])
@pytest.mark.parametrize("announced", [True, False])
async def test_rotation_loses_nothing_and_repeats_nothing(announced: bool, with_times: bool) -> None:
    """Would have caught: a venue that ends connections at a known age made a gap each day."""
    venue = ScriptedVenue(lambda channel, _: channel.put("ack IWM"))
    market = _Market(venue, with_times=with_times)
    plan = venue.plan(IWM, rotate_seconds=None if announced else 0.4)
    async with _running(plan, IWM) as feed:
        await feed.until(lambda: bool(venue.channels))
        await market.run(40)
        if announced:
            venue.channels[0].put("rotate")
        await asyncio.gather(market.run(120), feed.until(lambda: len(venue.channels) == 2))
        await feed.until(lambda: venue.channels[0].is_closed)
        assert feed.state() is FeedState.LIVE
        await market.run(3)
        await feed.until(lambda: str(market.last_id) in feed.sink.trade_ids())
    assert feed.sink.trade_ids() == [str(number) for number in range(101, market.last_id + 1)]
    assert feed.sink.bids() == market.bids
    assert feed.count("feed_reconnects_total", reason="rotated") >= 1
    assert feed.count("feed_reconnects_total", reason="closed") == 0


async def test_old_connection_stays_in_use_when_the_next_one_fails() -> None:
    def admit(channel: ScriptedChannel, number: int) -> None:
        if number in (2, 3):
            raise ChannelEnded("unreachable", "no route")
        channel.put("ack IWM")

    venue = ScriptedVenue(admit)
    market = _Market(venue, with_times=True)
    async with _running(venue.plan(IWM), IWM) as feed:
        await feed.until(lambda: bool(venue.channels))
        await market.run(5)
        venue.channels[0].put("rotate")
        await asyncio.gather(market.run(100), feed.until(lambda: len(venue.channels) == 2))
        await feed.until(lambda: venue.channels[0].is_closed)
    assert feed.sink.trade_ids() == [str(number) for number in range(101, market.last_id + 1)]


async def test_connection_that_ends_while_the_next_is_opened_is_replaced_by_it() -> None:
    venue = ScriptedVenue(
        lambda channel, number: channel.put("ack IWM", "trade IWM 101") if number == 1 else None
    )
    async with _running(venue.plan(IWM), IWM) as feed:
        await feed.until(lambda: feed.sink.trade_ids() == ["101"])
        venue.channels[0].put("rotate")
        await feed.until(lambda: len(venue.channels) == 2)
        venue.channels[0].end()
        venue.channels[1].put("ack IWM", "trade IWM 102")
        await feed.until(lambda: feed.sink.trade_ids() == ["101", "102"])
        await feed.until(lambda: feed.state() is FeedState.LIVE)
    assert len(venue.channels) == 2


async def test_venue_that_allows_one_connection_is_rotated_by_closing_first() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM)))
    async with _running(venue.plan(IWM, may_overlap=False), IWM) as feed:
        await feed.until(lambda: feed.state() is FeedState.LIVE)
        venue.channels[0].put("rotate")
        await feed.until(lambda: len(venue.channels) == 2)
        assert venue.channels[0].is_closed
        await feed.until(lambda: feed.state() is FeedState.LIVE)
    assert feed.count("feed_reconnects_total", reason="rotated") == 1


# -- frames ------------------------------------------------------------------------------------------------


async def test_fault_of_a_parser_costs_its_frame_and_nothing_else() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), "explode", f"quote IWM {PRICE + 1}"))
    with capture_logs() as logs:
        async with _running(venue.plan(IWM), IWM) as feed:
            await feed.until(lambda: PRICE + 1 in feed.sink.bids())
    assert feed.sink.rejected == [("parser_failed", b"explode")]
    assert len(venue.channels) == 1
    (failed,) = (each for each in logs if each["event"] == "parser_failed")
    assert failed["log_level"] == "error"
    assert "ZeroDivisionError: a fault of the protocol" in failed["traceback"]


class _FailingSink(RecordingSink):
    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        if isinstance(batch, QuoteBatch) and PRICE + 7 in batch.bid.tolist():
            raise OverflowError("year 0001")
        super().put_ticks(batch)


async def test_tick_that_cannot_be_taken_costs_its_frame_and_nothing_else() -> None:
    """Would have caught: valid JSON that passes the parser and fails later ended the process."""
    frames = (*live(IWM), f"quote IWM {PRICE + 7}", f"quote IWM {PRICE + 1}")
    venue = ScriptedVenue(lambda channel, _: channel.put(*frames))
    async with _running(venue.plan(IWM), IWM, sink=_FailingSink()) as feed:
        await feed.until(lambda: PRICE + 1 in feed.sink.bids())
    assert [reason for reason, _ in feed.sink.rejected] == ["parser_failed"]
    assert len(venue.channels) == 1


async def test_key_that_a_frame_repeats_is_removed_from_its_dead_letter_and_its_recording() -> None:
    taken: list[bytes | str] = []

    class _Tap:
        def frame(self, *, raw: bytes | str, **_: object) -> None:
            taken.append(raw)

        def answer(self, **_: object) -> None:
            raise AssertionError

    class _Quoting(PlainProtocol):
        def receive(self, frame: str | bytes) -> list[Event]:
            raise ValueError(frame)

    venue = ScriptedVenue(lambda channel, _: channel.put("key-12345 is bad"))
    plan = replace(venue.plan(IWM), make_protocol=_Quoting)
    with capture_logs() as logs:
        async with _running(plan, IWM, redactor=Redactor(["key-12345"]), tap=_Tap()) as feed:
            await feed.until(lambda: bool(feed.sink.rejected))
    assert taken == [f"{REMOVED} is bad"]
    assert feed.sink.rejected == [("parser_failed", f"{REMOVED} is bad".encode())]
    assert "key-12345" not in repr(logs)
    (failed,) = (each for each in logs if each["event"] == "parser_failed")
    assert f"ValueError: {REMOVED} is bad" in failed["traceback"]


async def test_unknown_type_is_logged_once_and_no_more_types_than_the_bound() -> None:
    kinds = [f"kind{number}" for number in range(3 * MAX_KINDS)]
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), *kinds, *kinds))
    with capture_logs() as logs:
        async with _running(venue.plan(IWM), IWM) as feed:
            await feed.until(lambda: feed.count("unknown_frames_total") == 2 * len(kinds))
    logged = [each["kind"] for each in logs if each["event"] == "unknown_frame"]
    assert logged == kinds[:MAX_KINDS]


async def test_data_of_a_symbol_that_was_not_asked_for_are_no_ticks() -> None:
    venue = ScriptedVenue(lambda channel, _: channel.put(*live(IWM), f"quote QQQ {PRICE}"))
    async with _running(venue.plan(IWM), IWM) as feed:
        await feed.until(lambda: feed.count("unknown_frames_total") == 1)
    assert {batch.instrument for batch in feed.sink.batches} == {_name(IWM)}
