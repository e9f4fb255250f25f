"""What only Binance has: its gaps are filled by id, and its connections end by appointment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.transport.http_errors import Refused
from services.ingestor.feeds.venues.binance.backfill import BinanceBackfill
from services.ingestor.feeds.venues.binance.protocol import BinanceProtocol
from tests.integration.ingestor.live import planned_feed, websocket_opener
from tests.support.fake_feeds.binance import SYMBOL, BinanceRest, FakeBinance


@asynccontextmanager
async def _backfill(rest: BinanceRest, symbol: str = SYMBOL) -> AsyncIterator[BinanceBackfill]:
    async with rest.server, httpx.AsyncClient(base_url=rest.server.url) as client:
        yield BinanceBackfill(client, symbol=symbol)


def _gap(after_id: int, before_id: int) -> Gap:
    return Gap(after_id=after_id, before_id=before_id, since_ns=0)


async def test_gap_among_the_newest_trades_takes_one_request() -> None:
    rest = BinanceRest(last_id=2_000)
    async with _backfill(rest) as backfill:
        trades = await backfill.trades_in(_gap(1_500, 1_503))
    assert trades == [
        Trade(
            ts_event_ns=(1_790_000_000_000 + number) * 1_000_000,
            price=4000.5 + number,
            size=0.01,
            trade_id=number,
        )
        for number in (1_501, 1_502)
    ]
    assert [request.path for request in rest.server.requests] == ["/api/v3/trades"]


async def test_older_gap_is_read_from_the_history_page_by_page() -> None:
    rest = BinanceRest(last_id=500, page_rows=100, has_history=True)
    async with _backfill(rest) as backfill:
        trades = await backfill.trades_in(_gap(99, 250))
    assert [trade.trade_id for trade in trades] == list(range(100, 250))
    asked = [request.query.get("fromId") for request in rest.server.requests]
    assert asked == [None, "100", "200"]


async def test_host_without_history_fills_what_is_among_the_newest_trades() -> None:
    rest = BinanceRest(last_id=500, page_rows=100)
    async with _backfill(rest) as backfill:
        trades = await backfill.trades_in(_gap(390, 410))
        assert [trade.trade_id for trade in trades] == list(range(401, 410))
        with pytest.raises(Refused):
            await backfill.trades_in(_gap(99, 250))


async def test_history_that_does_not_move_on_ends() -> None:
    rest = BinanceRest(last_id=0, has_history=True)
    async with _backfill(rest) as backfill:
        assert await backfill.trades_in(_gap(99, 250)) == []
    assert len(rest.server.requests) == 2


async def test_unknown_symbol_is_a_refusal() -> None:
    async with _backfill(BinanceRest(), "PAXG/USD") as backfill:
        with pytest.raises(Refused, match="Invalid symbol"):
            await backfill.trades_in(_gap(1, 3))


async def test_announced_end_loses_no_tick_and_repeats_none() -> None:
    async with FakeBinance() as venue:
        plan = ConnectionPlan(open=websocket_opener(venue.url), make_protocol=lambda: BinanceProtocol(SYMBOL))
        async with planned_feed("binance", plan=plan, symbols=(SYMBOL,)) as running:
            await running.until(lambda: 4000.46 in running.sink.bids() and "46" in running.sink.trade_ids())
    assert running.sink.trade_ids() == [str(number) for number in range(1, 47)]
    assert running.sink.bids() == [float(f"4000.{number:02}") for number in range(1, 47)]
    assert venue.connections == 2
    assert running.count("feed_reconnects_total", reason="rotated") == 1
    assert running.count("feed_reconnects_total", reason="closed") == 0
