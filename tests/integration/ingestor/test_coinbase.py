"""The Coinbase feed against a server that speaks its protocol, scenario by scenario."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from services.ingestor.feeds.venues.coinbase.backfill import CoinbaseBackfill
from services.ingestor.feeds.venues.coinbase.protocol import CoinbaseProtocol
from shared.domain.ticks import FeedState
from tests.integration.ingestor.live import LiveFeed, live_feed
from tests.support.fake_feeds.coinbase import PRODUCT, CoinbaseRest, FakeCoinbase


def _client(rest: CoinbaseRest) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=rest.server.url, headers={"User-Agent": USER_AGENT})


@asynccontextmanager
async def _running(venue: FakeCoinbase) -> AsyncIterator[LiveFeed]:
    rest = CoinbaseRest()
    async with (
        venue,
        rest.server,
        _client(rest) as client,
        live_feed(
            "coinbase",
            url=venue.url,
            make_protocol=lambda: CoinbaseProtocol(PRODUCT),
            backfill=CoinbaseBackfill(client, product=PRODUCT),
        ) as running,
    ):
        yield running


async def test_quotes_and_matches_come_in_and_old_ones_do_not() -> None:
    venue = FakeCoinbase()
    async with _running(venue) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
        assert running.state() is FeedState.LIVE
    assert running.sink.bids() == [4001.0, 4002.0]
    assert running.sink.trade_ids() == ["101"]
    assert venue.received == [
        {"type": "subscribe", "product_ids": ["PAXG-USD"], "channels": ["ticker", "matches", "heartbeat"]}
    ]


async def test_unknown_product_is_noticed_and_asked_for_again() -> None:
    venue = FakeCoinbase("bad_product")
    async with _running(venue) as running:
        await running.until(lambda: running.count("feed_reconnects_total", reason="rejected") == 1)
        assert "not a valid product" in running.detail().words
        await running.until(lambda: running.state() is FeedState.LIVE)
    assert venue.connections == 2


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("ack_missing", "ack_timeout"),
        ("passing_error", "rejected"),
        ("half_open", "idle"),
        ("close_1000", "closed"),
        ("close_1001", "closed"),
        ("close_1006", "closed"),
    ],
)
async def test_connection_that_is_no_use_is_replaced(scenario: str, reason: str) -> None:
    venue = FakeCoinbase(scenario)
    async with _running(venue) as running:
        await running.until(lambda: 4003.0 in running.sink.bids())
    assert venue.connections == 2
    assert running.count("feed_reconnects_total", reason=reason) == 1


async def test_first_ticker_is_old_and_no_sign_of_life() -> None:
    async with _running(FakeCoinbase("stale_snapshot")) as running:
        await running.until(lambda: running.is_connected() or running.state() is FeedState.LIVE)
        await running.until(lambda: running.state() is FeedState.STALE)
    assert running.sink.bids() == []


async def test_trade_and_quote_seen_twice_are_published_once() -> None:
    async with _running(FakeCoinbase("dup_trades")) as running:
        await running.until(lambda: running.count("ticks_duplicate_total") == 2)
    assert running.sink.trade_ids() == ["101", "102"]
    assert running.sink.bids() == [4000.0, 4001.0]


async def test_gap_is_filled_by_id() -> None:
    async with _running(FakeCoinbase("trade_gap")) as running:
        await running.until(lambda: running.count("trade_gaps_total", outcome="filled") == 1)
    assert running.sink.trade_ids() == ["101", "105", "102", "103", "104"]


async def test_heartbeat_alone_uncovers_trades_that_no_frame_reported() -> None:
    async with _running(FakeCoinbase("hb_last_trade_id_ahead")) as running:
        await running.until(lambda: running.count("trade_gaps_total", outcome="filled") == 1)
        await asyncio.sleep(0.2)
    assert running.sink.trade_ids() == ["101", "102", "103"]
    assert running.count("trade_gaps_total", outcome="filled") == 1


async def test_empty_side_is_no_price() -> None:
    async with _running(FakeCoinbase("empty_side_zero")) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
    assert running.sink.bids() == [4000.0, 4002.0]


async def test_odd_frames_are_counted_and_the_connection_kept() -> None:
    venue = FakeCoinbase("odd_frames")
    async with _running(venue) as running:
        await running.until(lambda: 4002.0 in running.sink.bids())
    assert [reason for reason, _ in running.sink.rejected] == ["undecodable"] * 3
    assert running.count("unknown_frames_total") == 1
    assert venue.connections == 1


async def test_backfill_turns_pages_back_to_the_gap() -> None:
    rest = CoinbaseRest(last_id=100, page_rows=4)
    async with rest.server, _client(rest) as client:
        backfill = CoinbaseBackfill(client, product=PRODUCT)
        trades = await backfill.trades_in(Gap(after_id=80, before_id=91, since_ns=0))
    assert [trade.trade_id for trade in trades] == list(range(81, 91))
    assert [request.query["after"] for request in rest.server.requests] == ["91", "87", "83"]
    assert trades[0].ts_event_ns == 1_584_664_619_860_000_000
