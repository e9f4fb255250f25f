"""Build the live feeds: a stream and a history for each lead, daily bars for each other leg."""

import functools
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.monitor import Limits
from services.ingestor.feeds.bars.feed import DailyBarsFeed
from services.ingestor.feeds.bars.ports import BarSource
from services.ingestor.feeds.coinbase.backfill import CoinbaseBackfill
from services.ingestor.feeds.coinbase.candles import CandleCloses
from services.ingestor.feeds.coinbase.protocol import CoinbaseProtocol
from services.ingestor.feeds.connection import USER_AGENT, VenueProtocol
from services.ingestor.feeds.kraken.backfill import KrakenBackfill
from services.ingestor.feeds.kraken.protocol import KrakenProtocol
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.tiingo.eod import TiingoEod
from services.ingestor.feeds.websocket import Backfill, Timing, WebsocketFeed
from services.ingestor.feeds.yahoo.chart import YahooChart
from services.ingestor.known_bars import read_known_bars
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.bars import Bar
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedState
from shared.errors import ConfigError

_COOL_DOWN_SECONDS = 60.0
_uniform = random.SystemRandom().random


async def live_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings,
    pairs: tuple[Pair, ...],
    *,
    metrics: IngestorMetrics,
    clock: Clock,
    stack: AsyncExitStack,
) -> list[Feed]:
    """Return the feeds of every leg; their HTTP clients are closed with the stack.

    Raises
    ------
    ConfigError
        If a lead is of another venue than the gold feed, or a key is missing.
    """
    coinbase = await stack.enter_async_context(_client(settings, settings.coinbase_rest_url))
    feeds: list[Feed] = []
    for lead in dict.fromkeys(pair.lead for pair in pairs):
        symbol = _symbol_of(lead, settings)
        feeds.append(
            await _stream(settings, lead, symbol, coinbase, metrics=metrics, clock=clock, stack=stack)
        )
        closes = CandleCloses(
            coinbase,
            product=symbol.replace("/", "-"),
            calendar=xnys_calendar(),
            interval_seconds=settings.request_interval_seconds,
        )
        feeds.append(_daily(closes, settings, kafka, lead, is_news=False, metrics=metrics, clock=clock))
    for other in dict.fromkeys(pair.other for pair in pairs):
        source = await _bar_source(settings, other, stack)
        feeds.append(_daily(source, settings, kafka, other, is_news=True, metrics=metrics, clock=clock))
    return feeds


def _symbol_of(lead: str, settings: IngestorSettings) -> str:
    symbol, _, venue = lead.rpartition(".")
    if venue != settings.gold_feed.upper():
        raise ConfigError(
            f"CONVEX_INGESTOR_GOLD_FEED is {settings.gold_feed}, but a pair's lead is {lead}; "
            f"name {symbol}.{settings.gold_feed.upper()} in CONVEX_PAIRS or change the feed"
        )
    return symbol


async def _stream(
    settings: IngestorSettings,
    lead: str,
    symbol: str,
    coinbase: httpx.AsyncClient,
    *,
    metrics: IngestorMetrics,
    clock: Clock,
    stack: AsyncExitStack,
) -> WebsocketFeed:
    backfill: Backfill
    make_protocol: Callable[[], VenueProtocol]
    if settings.gold_feed == "kraken":
        url = settings.kraken_websocket_url
        make_protocol = functools.partial(KrakenProtocol, symbol)
        kraken = await stack.enter_async_context(_client(settings, settings.kraken_rest_url))
        backfill = KrakenBackfill(kraken, symbol=symbol, interval_seconds=settings.request_interval_seconds)
    else:
        url = settings.coinbase_websocket_url
        product = symbol.replace("/", "-")
        make_protocol = functools.partial(CoinbaseProtocol, product)
        backfill = CoinbaseBackfill(
            coinbase, product=product, interval_seconds=settings.request_interval_seconds
        )
    return WebsocketFeed(
        settings.gold_feed,
        instrument=lead,
        url=url,
        make_protocol=make_protocol,
        backfill=backfill,
        market=_always_open,
        timing=Timing(
            limits=Limits(
                ack=settings.ack_timeout_seconds,
                first_data=settings.first_data_timeout_seconds,
                idle=settings.idle_timeout_seconds,
                no_data=settings.resubscribe_after_seconds,
            ),
            stale_after=settings.stale_after_seconds,
            lateness=settings.allowed_lateness_seconds,
            reconnect_base=settings.reconnect_base_seconds,
            reconnect_cap=settings.reconnect_cap_seconds,
            cool_down=_COOL_DOWN_SECONDS,
        ),
        uniform=_uniform,
        metrics=metrics,
        clock=clock,
    )


async def _bar_source(settings: IngestorSettings, instrument: str, stack: AsyncExitStack) -> BarSource:
    symbol = instrument.rpartition(".")[0]
    if settings.bars_source == "yahoo":
        client = await stack.enter_async_context(_client(settings, settings.yahoo_url))
        return YahooChart(client, symbol=symbol)
    if settings.tiingo_token is None:
        raise ConfigError("CONVEX_INGESTOR_TIINGO_TOKEN is needed when CONVEX_INGESTOR_BARS_SOURCE is tiingo")
    client = await stack.enter_async_context(_client(settings, settings.tiingo_url))
    return TiingoEod(client, ticker=symbol, token=settings.tiingo_token)


def _daily(
    source: BarSource,
    settings: IngestorSettings,
    kafka: KafkaSettings,
    instrument: str,
    *,
    is_news: bool,
    metrics: IngestorMetrics,
    clock: Clock,
) -> DailyBarsFeed:
    known: Callable[[], Awaitable[tuple[Bar, ...]]] = functools.partial(
        read_known_bars, kafka, instrument, uniform=_uniform
    )
    return DailyBarsFeed(
        source,
        instrument=instrument,
        is_news=is_news,
        known=known,
        sessions=settings.backfill_sessions,
        calendar=xnys_calendar(),
        uniform=_uniform,
        metrics=metrics,
        clock=clock,
    )


def _client(settings: IngestorSettings, base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=settings.request_timeout_seconds,
        headers={"User-Agent": USER_AGENT},
    )


def _always_open(_: int) -> FeedState:
    """Tokens trade round the clock."""
    return FeedState.LIVE
