"""Build the live feeds: daily bars for each listed leg, a stream and a history for each that ticks.

Each instrument is fetched once, however many pairs have it, and over a connection of its own: what happens to
one does not touch another. A provider is asked through one client, which keeps requests apart.
"""

import functools
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.core.venues import require_live, streaming_feed
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.streaming.connection import USER_AGENT, VenueProtocol
from services.ingestor.feeds.streaming.feed import Backfill, Timing, WebsocketFeed
from services.ingestor.feeds.transport.rate_limiter import RateLimiter
from services.ingestor.feeds.venues.coinbase.backfill import CoinbaseBackfill
from services.ingestor.feeds.venues.coinbase.candles import CandleCloses
from services.ingestor.feeds.venues.coinbase.protocol import CoinbaseProtocol
from services.ingestor.feeds.venues.kraken.backfill import KrakenBackfill
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol
from services.ingestor.feeds.venues.tiingo.eod import TiingoEod
from services.ingestor.feeds.venues.yahoo.chart import YahooChart
from services.ingestor.kafka.known_bars import KnownBars
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair, routes_of
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
        If a leg is of no venue that has it, or a key is missing.
    """
    require_live(pairs)
    making = _LiveFeeds(settings, kafka, pairs, metrics=metrics, clock=clock, stack=stack)
    feeds: list[Feed] = []
    for instrument in routes_of(pairs):
        name = streaming_feed(instrument)
        if name is None:
            feeds.append(await making.daily(instrument))
        else:
            feeds += [await making.stream(instrument, name), await making.history(instrument)]
    return feeds


class _LiveFeeds:
    def __init__(
        self,
        settings: IngestorSettings,
        kafka: KafkaSettings,
        pairs: tuple[Pair, ...],
        *,
        metrics: IngestorMetrics,
        clock: Clock,
        stack: AsyncExitStack,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._stack = stack
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._known = KnownBars(kafka, frozenset(routes_of(pairs)), uniform=_uniform)

    async def stream(self, instrument: str, name: str) -> WebsocketFeed:
        """Return the ticks of an instrument of a streaming venue."""
        settings = self._settings
        symbol = _symbol_of(instrument)
        backfill: Backfill
        make_protocol: Callable[[], VenueProtocol]
        if name == "kraken":
            url = settings.kraken_websocket_url
            make_protocol = functools.partial(KrakenProtocol, symbol)
            backfill = KrakenBackfill(await self._client(settings.kraken_rest_url), symbol=symbol)
        else:
            url = settings.coinbase_websocket_url
            make_protocol = functools.partial(CoinbaseProtocol, _product_of(symbol))
            backfill = CoinbaseBackfill(
                await self._client(settings.coinbase_rest_url), product=_product_of(symbol)
            )
        return WebsocketFeed(
            name,
            instrument=instrument,
            url=url,
            make_protocol=make_protocol,
            backfill=backfill,
            market=_always_open,
            timing=_timing(settings),
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )

    async def history(self, instrument: str) -> DailyBarsFeed:
        """Return the past closes of an instrument that ticks; the coming ones are sampled from its ticks."""
        closes = CandleCloses(
            await self._client(self._settings.coinbase_rest_url),
            product=_product_of(_symbol_of(instrument)),
            calendar=xnys_calendar(),
        )
        return self._bars(closes, instrument, is_news=False)

    async def daily(self, instrument: str) -> DailyBarsFeed:
        """Return the daily bars of a listed instrument."""
        settings, symbol = self._settings, _symbol_of(instrument)
        source: BarSource
        if settings.bars_source == "yahoo":
            source = YahooChart(await self._client(settings.yahoo_url), symbol=symbol)
        elif settings.tiingo_token is None:
            raise ConfigError(
                "CONVEX_INGESTOR_TIINGO_TOKEN is needed when CONVEX_INGESTOR_BARS_SOURCE is tiingo"
            )
        else:
            client = await self._client(settings.tiingo_url)
            source = TiingoEod(client, ticker=symbol, token=settings.tiingo_token)
        return self._bars(source, instrument, is_news=True)

    def _bars(self, source: BarSource, instrument: str, *, is_news: bool) -> DailyBarsFeed:
        return DailyBarsFeed(
            source,
            instrument=instrument,
            is_news=is_news,
            known=functools.partial(self._known.of, instrument),
            sessions=self._settings.backfill_sessions,
            calendar=xnys_calendar(),
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )

    async def _client(self, base_url: str) -> httpx.AsyncClient:
        """Return the one client of a provider."""
        if base_url not in self._clients:
            client = httpx.AsyncClient(
                base_url=base_url,
                timeout=self._settings.request_timeout_seconds,
                headers={"User-Agent": USER_AGENT},
                event_hooks={
                    "request": [RateLimiter(self._settings.request_interval_seconds, clock=self._clock)]
                },
            )
            self._clients[base_url] = await self._stack.enter_async_context(client)
        return self._clients[base_url]


def _timing(settings: IngestorSettings) -> Timing:
    return Timing(
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
    )


def _symbol_of(instrument: str) -> str:
    return instrument.rpartition(".")[0]


def _product_of(symbol: str) -> str:
    """Return Coinbase's name of ``BASE/QUOTE``."""
    return symbol.replace("/", "-")


def _always_open(_: int) -> FeedState:
    """Tokens trade round the clock."""
    return FeedState.LIVE
