"""Build the live feeds: daily bars for each listed leg, a stream and a history for each leg that ticks.

Each instrument is fetched once, however many pairs have it, and over a connection of its own: a fault of one
does not touch another. Each provider is asked through one client, which limits the rate of requests.
"""

import functools
import random

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.core.inferred_closures import InferredClosures
from services.ingestor.core.session_ticks import SessionTicks
from services.ingestor.feed_order import FeedOrder, Source, feed_orders
from services.ingestor.feeds.daily_bars.closure_report import ClosureReport
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarProvider, BarSource
from services.ingestor.feeds.failover.feed import FeedChooser, StandbyFeed
from services.ingestor.feeds.failover.instrument_choice import InstrumentChoice
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.registry import TICK_HISTORY, bar_provider
from services.ingestor.feeds.streaming.feed import Timing, WebsocketFeed
from services.ingestor.feeds.streaming.symbols import is_pair
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.kafka.known_bars import KnownBars
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import declared_closures, xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.market_hours import MarketHours, hours_of
from shared.domain.pairs import Pair, routes_of

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
    orders = feed_orders(settings, pairs)
    make = _LiveFeeds(settings, kafka, pairs, metrics=metrics, clients=clients, clock=clock)
    bars: list[Feed] = [await make.history(instrument, order) for instrument, order in orders.items()]
    choices = {
        instrument: make.choice(instrument, order) for instrument, order in orders.items() if order.order
    }
    streams = [
        StandbyFeed(await make.stream(instrument, source), choices, is_refused=lambda _: False)
        for instrument, order in orders.items()
        for source in (*order.order, *order.cross_checks)
    ]
    return [*streams, FeedChooser(streams, choices), *bars]


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
        self._session_ticks: dict[str, SessionTicks] = {}
        self._closures = ClosureReport(
            InferredClosures(self._listed(pairs), has_ticked=self._has_ticked), metrics=metrics
        )
        self._known = KnownBars(kafka, frozenset(routes_of(pairs)), uniform=_uniform)

    async def history(self, instrument: str, order: FeedOrder) -> DailyBarsFeed:
        """Return the daily bars of an instrument."""
        if order.order and is_pair(_symbol_of(instrument)):
            # Coming closes are sampled from the ticks; past ones are fetched.
            return await self._bars(instrument, TICK_HISTORY, is_history_only=True)
        return await self._bars(instrument, bar_provider(self._settings.bars_source), is_history_only=False)

    def choice(self, instrument: str, order: FeedOrder) -> InstrumentChoice:
        """Return the choice among the feeds of an instrument."""
        return InstrumentChoice(
            instrument,
            order=tuple(source.venue.name for source in order.order),
            cross_checks=tuple(source.venue.name for source in order.cross_checks),
            hours=self._hours(instrument),
            on_used=None if is_pair(_symbol_of(instrument)) else self._ticks_of_sessions(instrument).take,
            failover_after_seconds=self._settings.failover_after_seconds,
            return_after_seconds=self._settings.return_after_seconds,
            metrics=self._metrics,
            clock=self._clock,
        )

    def _listed(self, pairs: tuple[Pair, ...]) -> list[str]:
        return [instrument for instrument in routes_of(pairs) if not is_pair(_symbol_of(instrument))]

    def _ticks_of_sessions(self, instrument: str) -> SessionTicks:
        """Return what is known of the sessions in which a listed symbol ticked."""
        if instrument not in self._session_ticks:
            self._session_ticks[instrument] = SessionTicks(xnys_calendar())
        return self._session_ticks[instrument]

    def _has_ticked(self, session: str) -> bool:
        return any(ticks.range_of(session) is not None for ticks in self._session_ticks.values())

    def _hours(self, instrument: str) -> MarketHours:
        return hours_of(instrument, calendar=xnys_calendar(), closures=declared_closures())

    async def stream(self, instrument: str, source: Source) -> WebsocketFeed:
        """Return the ticks of an instrument from one of its feeds."""
        venue, symbol = source.venue, source.symbol
        assert venue.rest_url is not None  # noqa: S101 - both venues have one
        assert venue.make_backfill is not None  # noqa: S101
        client = await self._clients.of(venue.name, venue.rest_url(self._settings))
        return WebsocketFeed(
            venue.name,
            instrument=instrument,
            url=venue.endpoint(self._settings, (symbol,)).url,
            make_protocol=functools.partial(venue.make_protocol, self._settings, (symbol,)),
            backfill=venue.make_backfill(client, symbol),
            market=self._hours(instrument).state,
            timing=_timing(self._settings),
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )

    async def _bars(self, instrument: str, provider: BarProvider, *, is_history_only: bool) -> DailyBarsFeed:
        """Return the daily bars of an instrument."""
        check = self._settings.bars_check_source
        has_check = not is_history_only and check is not None and check != provider.name
        return DailyBarsFeed(
            await self._source(instrument, provider),
            other=await self._source(instrument, bar_provider(check)) if check and has_check else None,
            instrument=instrument,
            is_history_only=is_history_only,
            known=functools.partial(self._known.of, instrument),
            sessions=self._settings.backfill_sessions,
            calendar=xnys_calendar(),
            closures=self._closures,
            session_range=self._ticks_of_sessions(instrument).range_of,
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
        )

    async def _source(self, instrument: str, provider: BarProvider) -> BarSource:
        client = await self._clients.of(
            provider.name,
            provider.rest_url(self._settings),
            interval_seconds=provider.least_interval_seconds,
        )
        return provider.make_source(client, _symbol_of(instrument), self._settings)


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
