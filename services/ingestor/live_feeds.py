"""Build the live feeds: daily bars for each listed leg, a stream and a history for each leg that ticks.

Each instrument is fetched once, however many pairs have it, and over a connection of its own: a fault of one
does not touch another. Each provider is asked through one client, which limits the rate of requests.
"""

import functools
import random

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.registry import TICK_HISTORY, bar_provider, require_live, streaming_venue
from services.ingestor.feeds.streaming.feed import Timing, WebsocketFeed
from services.ingestor.feeds.streaming.ports import StreamingVenue
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.kafka.known_bars import KnownBars
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.pairs import Pair, routes_of
from shared.domain.ticks import FeedState

_COOL_DOWN_SECONDS = 60.0
_uniform = random.SystemRandom().random


async def live_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings | None,
    pairs: tuple[Pair, ...],
    *,
    metrics: IngestorMetrics,
    clients: HttpClients,
    clock: Clock,
) -> list[Feed]:
    """Return the feeds of every leg.

    Raises
    ------
    ConfigError
        If no provider has a leg, or a key is missing.
    """
    require_live(pairs)
    make = _LiveFeeds(settings, kafka, pairs, metrics=metrics, clients=clients, clock=clock)
    feeds: list[Feed] = []
    for instrument in routes_of(pairs):
        venue = streaming_venue(instrument)
        if venue is None:
            feeds.append(
                await make.bars(instrument, bar_provider(settings.bars_source), is_history_only=False)
            )
        else:
            # Coming closes are sampled from the ticks; past ones are fetched.
            history = await make.bars(instrument, TICK_HISTORY, is_history_only=True)
            feeds += [await make.stream(instrument, venue), history]
    return feeds


class _LiveFeeds:
    def __init__(
        self,
        settings: IngestorSettings,
        kafka: KafkaSettings | None,
        pairs: tuple[Pair, ...],
        *,
        metrics: IngestorMetrics,
        clients: HttpClients,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._clients = clients
        self._known = KnownBars(kafka, frozenset(routes_of(pairs)), uniform=_uniform)

    async def stream(self, instrument: str, venue: StreamingVenue) -> WebsocketFeed:
        """Return the ticks of an instrument."""
        symbol = _symbol_of(instrument)
        assert venue.rest_url is not None  # noqa: S101 - both venues have one
        assert venue.make_backfill is not None  # noqa: S101
        client = await self._clients.of(venue.name, venue.rest_url(self._settings))
        return WebsocketFeed(
            venue.name,
            instrument=instrument,
            url=venue.endpoint(self._settings, (symbol,)).url,
            make_protocol=functools.partial(venue.make_protocol, self._settings, (symbol,)),
            backfill=venue.make_backfill(client, symbol),
            market=_always_open,
            timing=_timing(self._settings),
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )

    async def bars(self, instrument: str, provider: BarProvider, *, is_history_only: bool) -> DailyBarsFeed:
        """Return the daily bars of an instrument."""
        client = await self._clients.of(provider.name, provider.rest_url(self._settings))
        return DailyBarsFeed(
            provider.make_source(client, _symbol_of(instrument), self._settings),
            instrument=instrument,
            is_history_only=is_history_only,
            known=functools.partial(self._known.of, instrument),
            sessions=self._settings.backfill_sessions,
            calendar=xnys_calendar(),
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )


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


def _always_open(_: int) -> FeedState:
    """Return ``LIVE``: tokens trade round the clock."""
    return FeedState.LIVE
