"""The Kraken feed against a server that speaks its protocol, scenario by scenario."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from services.ingestor.core.connection_health import Limits
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.subscriptions import Timing
from services.ingestor.feeds.venues.kraken.backfill import KrakenBackfill
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol
from shared.clock import SystemClock
from shared.domain.ticks import FeedState, TradeBatch
from tests.integration.ingestor.live import TIMING, LiveFeed, live_feed
from tests.support.fake_feeds.kraken import SYMBOL, FakeKraken, KrakenRest


@asynccontextmanager
async def _running(
    venue: FakeKraken, rest: KrakenRest | None = None, timing: Timing = TIMING
) -> AsyncIterator[LiveFeed]:
    rest = rest or KrakenRest()
    async with (
        venue,
        rest.server,
        httpx.AsyncClient(base_url=rest.server.url) as client,
        live_feed(
            "kraken",
            url=venue.url,
            make_protocol=lambda: KrakenProtocol(SYMBOL),
            backfill=KrakenBackfill(client, symbol=SYMBOL),
            timing=timing,
        ) as running,
    ):
        yield running


async def test_quotes_and_trades_come_in_with_the_snapshot_as_the_starting_point() -> None:
    venue = FakeKraken()
    async with _running(venue) as running:
        assert running.state() is FeedState.STALE
        await running.until(lambda: 4002.0 in running.sink.bids())
        assert running.state() is FeedState.LIVE
        assert running.is_connected()
    assert running.sink.bids() == [4000.0, 4001.0, 4002.0]
    assert running.sink.asks() == [4000.5, 4001.5, 4002.5]
    assert running.sink.trade_ids() == ["101"]
    assert [request["params"] for request in venue.received] == [
        {"channel": "ticker", "symbol": ["PAXG/USD"], "event_trigger": "bbo", "snapshot": True},
        {"channel": "trade", "symbol": ["PAXG/USD"], "snapshot": True},
    ]
    assert venue.connections == 1
    assert running.sink.rejected == []
    assert running.count("tick_delay_seconds_count") == 3


async def test_watermark_follows_the_clock_and_never_goes_back() -> None:
    async with _running(FakeKraken()) as running:
        await running.until(lambda: running.state() is FeedState.LIVE)
        marks = []
        for _ in range(5):
            (status,) = running.feed.statuses()
            marks.append(SystemClock().now_ns() - status.watermark_ns)
            await asyncio.sleep(0.02)
    assert all(2.0e9 <= behind < 2.2e9 for behind in marks)


async def test_refused_subscription_is_noticed_although_heartbeats_go_on_and_asked_for_again() -> None:
    """Would have caught: one rejection ended the feed for ever."""
    venue = FakeKraken("ack_fail_heartbeats_on")
    async with _running(venue) as running:
        await running.until(lambda: running.count("feed_reconnects_total", reason="rejected") == 1)
        assert venue.connections == 1
        assert running.state() is FeedState.STALE
        assert running.detail().words == "Currency pair not supported XYZ/USD"
        await running.until(lambda: running.state() is FeedState.LIVE)
        assert running.detail().words == ""
    assert venue.connections == 2


async def test_passing_refusal_is_tried_again_after_a_rest() -> None:
    venue = FakeKraken("ack_fail_for_now")
    began = asyncio.get_running_loop().time()
    async with _running(venue) as running:
        await running.until(lambda: 4003.0 in running.sink.bids())
    assert asyncio.get_running_loop().time() - began >= 0.3
    assert venue.connections == 2


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("ack_missing", "ack_timeout"),
        ("no_first_data", "no_first_data"),
        ("ack_ok_then_silence", "idle"),
        ("half_open", "idle"),
        ("ping_only", "idle"),
        ("many_bad_frames", "too_many_bad_frames"),
        ("close_1000", "closed"),
        ("close_1001", "closed"),
        ("close_1006", "closed"),
        ("close_1008", "closed"),
    ],
)
async def test_connection_that_is_no_use_is_replaced(scenario: str, reason: str) -> None:
    venue = FakeKraken(scenario)
    async with _running(venue) as running:
        await running.until(lambda: 4003.0 in running.sink.bids() and "102" in running.sink.trade_ids())
        assert running.state() is FeedState.LIVE
    assert venue.connections == 2
    assert running.count("feed_reconnects_total", reason=reason) == 1
    # Both connections subscribed anew.
    assert len(venue.received) == 4


async def test_quiet_market_with_heartbeats_goes_stale_without_reconnecting() -> None:
    venue = FakeKraken("heartbeat_only")
    async with _running(venue) as running:
        await running.until(lambda: running.state() is FeedState.LIVE)
        await running.until(lambda: running.state() is FeedState.STALE)
        assert running.is_connected()
    assert venue.connections == 1


async def test_market_quiet_for_very_long_is_asked_again() -> None:
    timing = replace(TIMING, limits=Limits(ack=0.5, first_data=0.5, idle=0.5, no_data=0.4), stale_after=0.2)
    venue = FakeKraken("heartbeat_only")
    async with _running(venue, timing=timing) as running:
        await running.until(lambda: venue.connections == 2)
    assert running.count("feed_reconnects_total", reason="no_data") >= 1


async def test_trade_seen_twice_is_published_once() -> None:
    async with _running(FakeKraken("dup_trades")) as running:
        await running.until(lambda: running.count("ticks_duplicate_total") == 2)
    assert running.sink.trade_ids() == ["101", "102"]


async def test_gap_is_filled_by_id() -> None:
    async with _running(FakeKraken("trade_gap")) as running:
        await running.until(lambda: running.count("trade_gaps_total", outcome="filled") == 1)
    assert running.sink.trade_ids() == ["101", "105", "106", "102", "103", "104"]


async def test_backfill_turns_pages_until_it_is_past_the_gap() -> None:
    rest = KrakenRest(last_id=5_000)
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url) as client:
        backfill = KrakenBackfill(client, symbol=SYMBOL)
        trades = await backfill.trades_in(Gap(after_id=1_999, before_id=2_003, since_ns=10**18))
    assert [trade.trade_id for trade in trades] == [2_000, 2_001, 2_002]
    assert [request.query["since"] for request in rest.server.requests] == [
        "999999999999999999",
        "1000",
        "2000",
    ]
    assert trades[0].ts_event_ns == 1_762_795_433_000_200_000
    assert (trades[0].price, trades[0].size) == (6000.5, 0.00027625)


async def test_backfill_of_bitcoin_asks_for_what_rest_calls_it() -> None:
    rest = KrakenRest(pair="XBTUSD")
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url) as client:
        backfill = KrakenBackfill(client, symbol="BTC/USD")
        trades = await backfill.trades_in(Gap(after_id=7, before_id=9, since_ns=0))
    assert [trade.trade_id for trade in trades] == [8]


async def test_snapshot_after_a_gap_does_not_hide_it() -> None:
    async with _running(FakeKraken("snapshot_replay_over_gap")) as running:
        await running.until(lambda: running.count("trade_gaps_total", outcome="filled") == 1)
    assert sorted(running.sink.trade_ids()) == ["101", "102", "103", "104"]


@pytest.mark.parametrize("fault", ["rate_limit", "unknown_pair", "empty", "html"])
async def test_gap_that_cannot_be_filled_is_counted(fault: str) -> None:
    async with _running(FakeKraken("trade_gap"), KrakenRest(fault=fault)) as running:
        await running.until(lambda: running.count("trade_gaps_total", outcome="unfillable") == 1)
        assert not running.task.done()
    assert running.sink.trade_ids() == ["101", "105", "106"]


async def test_old_snapshot_is_no_tick_and_no_sign_of_life() -> None:
    async with _running(FakeKraken("stale_snapshot")) as running:
        await running.until(lambda: running.is_connected() or running.state() is FeedState.LIVE)
        await running.until(lambda: running.state() is FeedState.STALE)
    assert running.sink.bids() == []


@pytest.mark.parametrize(
    ("scenario", "unreadable"),
    [("bad_json", 1), ("binary_frame", 1), ("huge_frame", 1), ("wrong_types", 2), ("unknown_type", 0)],
)
async def test_frame_that_is_no_use_is_counted_and_the_connection_kept(
    scenario: str, unreadable: int
) -> None:
    venue = FakeKraken(scenario)
    async with _running(venue) as running:
        await running.until(lambda: running.sink.trade_ids() == ["101"])
    assert [reason for reason, _ in running.sink.rejected] == ["undecodable"] * unreadable
    assert venue.connections == 1
    if scenario == "unknown_type":
        assert running.count("unknown_frames_total") == 2


async def test_empty_side_is_no_price() -> None:
    async with _running(FakeKraken("empty_side_zero")) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
    assert running.sink.bids() == [4000.0, 4002.0]
    assert running.count("ticks_rejected_total", reason="one_sided") == 2
    assert running.sink.rejected == []


async def test_trailing_zeros_and_exponents_are_exact() -> None:
    async with _running(FakeKraken("trailing_zero")) as running:
        await running.until(lambda: running.sink.trade_ids() == ["101"])
    assert (running.sink.bids()[-1], running.sink.asks()[-1]) == (4001.63, 4001.64)
    (trade,) = (batch for batch in running.sink.batches if isinstance(batch, TradeBatch))
    assert trade.size.tolist() == [1e-08]


@pytest.mark.parametrize(("scenario", "reason"), [("crossed", "crossed"), ("clock_skew_future", "future")])
async def test_implausible_quote_is_rejected_with_its_reason(scenario: str, reason: str) -> None:
    async with _running(FakeKraken(scenario)) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
    assert [each for each, _ in running.sink.rejected] == [reason]
    assert running.sink.bids() == [4000.0, 4002.0]


async def test_quote_without_a_time_happened_when_it_was_received() -> None:
    async with _running(FakeKraken("no_timestamp")) as running:
        await running.until(lambda: 4001.0 in running.sink.bids())
    last = running.sink.batches[-1]
    assert last.ts_event_ns[-1] == last.ts_received_ns[-1]


async def test_maintenance_is_waited_for_on_the_same_connection() -> None:
    venue = FakeKraken("maintenance_status")
    async with _running(venue) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
    assert venue.connections == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 418, 429, 451, 500, 503, 520])
async def test_one_refused_handshake_is_no_reason_to_give_up(status: int) -> None:
    """Would have caught: one 403, such as a proxy gives while it restarts, ended the feed for ever."""
    venue = FakeKraken(refuse_with=(status, {}))
    async with _running(venue) as running:
        await running.until(lambda: venue.handshakes == 1)
        venue.admit_all()
        await running.until(lambda: running.state() is FeedState.LIVE)
        assert running.detail().state == "live"


@pytest.mark.parametrize("status", [401, 403, 404, 451])
async def test_handshake_refused_for_long_is_asked_again_seldom_and_told_with_the_words(status: int) -> None:
    venue = FakeKraken(refuse_with=(status, {}))
    with capture_logs() as logs:
        async with _running(venue) as running:
            await running.until(lambda: running.detail().state == "refused")
            assert running.state() is FeedState.STALE
            assert running.detail().words == f"HTTP {status}: no"
            assert running.condition() == "refused"
            asked = venue.handshakes
            assert asked >= 4
            await asyncio.sleep(1.0)
            assert venue.handshakes == asked
            venue.admit_all()
            await running.until(lambda: running.state() is FeedState.LIVE)
            assert running.condition() == "live"
    (refused,) = (each for each in logs if each["event"] == "feed_refused")
    assert refused["log_level"] == "error"
    assert (refused["instruments"], refused["words"]) == (("PAXG/USD.KRAKEN",), f"HTTP {status}: no")
    assert [each["event"] for each in logs].count("feed_accepted_again") == 1


async def test_too_many_connections_are_waited_out_as_asked() -> None:
    venue = FakeKraken(refuse_with=(429, {"Retry-After": "1"}))
    async with _running(venue) as running:
        await running.until(lambda: venue.handshakes == 1)
        await asyncio.sleep(0.8)
        assert venue.handshakes == 1
        await running.until(lambda: venue.handshakes == 2)
    assert running.count("feed_reconnects_total", reason="refused") >= 1


@asynccontextmanager
async def _refusing(retry_after: bytes) -> AsyncIterator[str]:
    """Refuse every handshake, byte for byte: a server of websockets would write the header as UTF-8."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 503 Busy\r\nRetry-After: " + retry_after + b"\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(("asked", "longest"), [(b"\xb2", 60.0), (b"9" * 400, 3600.0)])
async def test_wait_that_is_no_number_or_for_ever_does_not_end_the_feed(asked: bytes, longest: float) -> None:
    """Would have caught: "²" is a digit to Python and no number to float, and 400 nines are infinity."""
    with capture_logs() as logs:
        async with (
            _refusing(asked) as url,
            httpx.AsyncClient(base_url="http://127.0.0.1:1") as unused,
            live_feed(
                "kraken",
                url=url,
                make_protocol=lambda: KrakenProtocol(SYMBOL),
                backfill=KrakenBackfill(unused, symbol=SYMBOL),
            ) as running,
        ):
            await running.until(lambda: any(each["event"] == "feed_disconnected" for each in logs))
            assert not running.task.done()
    waits = [each["retry_in_seconds"] for each in logs if each["event"] == "feed_disconnected"]
    assert waits[0] <= longest


async def test_venue_that_is_not_there_is_tried_for_ever() -> None:
    venue = FakeKraken(refuse_with=(503, {}))
    async with _running(venue) as running:
        await running.until(lambda: venue.handshakes >= 5)
        assert running.state() is FeedState.STALE
