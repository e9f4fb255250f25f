"""Build the live feeds: daily bars for each listed leg, a stream and a history for each leg that ticks.

Each instrument is fetched once from each of its feeds, however many pairs have it, and over a connection of
its own where the venue allows that: a fault of one does not touch another. Each provider is asked through one
client, which limits the rate of requests.
"""

import functools
import random
from collections.abc import Mapping, Sequence

import httpx
import structlog

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.core.inferred_closures import InferredClosures
from services.ingestor.core.published_trades import PublishedTrades
from services.ingestor.core.session_ticks import SessionTicks
from services.ingestor.feed_order import FeedOrder, feed_orders
from services.ingestor.feeds.daily_bars.closure_report import ClosureReport
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarProvider, BarSource
from services.ingestor.feeds.failover.feed import FeedChooser, StandbyFeed
from services.ingestor.feeds.failover.instrument_choice import InstrumentChoice
from services.ingestor.feeds.failover.log_end import begin_after_log
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.registry import bar_provider, past_closes
from services.ingestor.feeds.streaming.feed import StreamFeed
from services.ingestor.feeds.streaming.ports import Carrier, StreamingVenue
from services.ingestor.feeds.streaming.subscriptions import Timing
from services.ingestor.feeds.streaming.symbols import is_pair
from services.ingestor.feeds.streaming.venue_feed import Wanted, venue_feeds
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import NoTap, Tap
from services.ingestor.kafka.known_bars import KnownBars
from services.ingestor.kafka.log_tail import LogTails
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.declared_closures import declared_closures
from shared.domain.market_hours import hours_of
from shared.domain.pairs import Pair, routes_of

log = structlog.get_logger(__name__)

_uniform = random.SystemRandom().random


async def live_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings | None,
    pairs: tuple[Pair, ...],
    *,
    metrics: IngestorMetrics,
    clients: HttpClients,
    clock: Clock,
    tap: Tap | None = None,
    published: PublishedTrades | None = None,
) -> list[Feed]:
    """Return the feeds of every leg.

    Raises
    ------
    ConfigError
        If no provider has a leg, or a key is missing.
    """
    orders = feed_orders(settings, pairs)
    make = _LiveFeeds(
        settings,
        kafka,
        pairs,
        metrics=metrics,
        clients=clients,
        clock=clock,
        tap=tap or NoTap(),
        published=published,
    )
    bars = [feed for instrument, order in orders.items() for feed in await make.history(instrument, order)]
    streams = await make.streams(orders, has_backfill=True)
    return [*make.chosen(streams, orders), *bars]


async def streams_to_play(
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    metrics: IngestorMetrics,
    clients: HttpClients,
    clock: Clock,
) -> tuple[list[StreamFeed], list[StandbyFeed], FeedChooser]:
    """Return the streams of every leg, to be given the frames of a recording: nothing is asked of anybody.

    Raises
    ------
    ConfigError
        If no provider has a leg.
    """
    orders = feed_orders(settings, pairs)
    make = _LiveFeeds(settings, None, pairs, metrics=metrics, clients=clients, clock=clock, tap=NoTap())
    streams = await make.streams(orders, has_backfill=False)
    *standbys, chooser = make.chosen(streams, orders)
    return streams, standbys, chooser


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
        tap: Tap,
        published: PublishedTrades | None = None,
    ) -> None:
        self._settings = settings
        self._kafka = kafka
        self._published = published or PublishedTrades()
        self._routes = routes_of(pairs)
        self._tap = tap
        self._redactor = Redactor.of_settings(settings)
        self._metrics = metrics
        self._clock = clock
        self._clients = clients
        self._session_ticks: dict[str, SessionTicks] = {}
        self._closures = ClosureReport(
            InferredClosures(self._listed(pairs), has_ticked=self._has_ticked), metrics=metrics
        )
        self._known = KnownBars(kafka, frozenset(routes_of(pairs)), uniform=_uniform)

    def _tails(self) -> LogTails | None:
        """Return what reads the ends of the log; None without Kafka."""
        if self._kafka is None:
            return None
        return LogTails(self._kafka, leads=self._routes, trades=self._published)

    async def history(self, instrument: str, order: FeedOrder) -> list[DailyBarsFeed]:
        """Return the daily bars of an instrument; none if nobody has its past closes."""
        symbol = _symbol_of(instrument)
        if not (order.order and is_pair(symbol)):
            provider = bar_provider(self._settings.bars_source)
            return [await self._bars(instrument, provider, is_history_only=False)]
        # Coming closes are sampled from the ticks; past ones are fetched.
        past = past_closes(symbol, self._settings)
        if past is None:
            log.warning("no_past_closes", instrument=instrument, why="only coming closes fill its windows")
            return []
        return [await self._bars(instrument, past, is_history_only=True)]

    def choice(self, instrument: str, order: FeedOrder) -> InstrumentChoice:
        """Return the choice among the feeds of an instrument."""
        return InstrumentChoice(
            instrument,
            order=tuple(source.venue.name for source in order.order),
            cross_checks=tuple(source.venue.name for source in order.cross_checks),
            hours=hours_of(instrument, calendar=xnys_calendar(), closures=declared_closures()),
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

    def chosen(
        self, streams: Sequence[StreamFeed], orders: Mapping[str, FeedOrder]
    ) -> tuple[*tuple[StandbyFeed, ...], FeedChooser]:
        """Return the streams, each behind the choice among those of its instruments, and what chooses."""
        choices = {
            instrument: self.choice(instrument, order) for instrument, order in orders.items() if order.order
        }
        tails = self._tails()
        standbys = [
            StandbyFeed(
                stream,
                choices,
                is_refused=stream.is_refused,
                confirm=stream.confirm,
                prepare=None
                if tails is None
                else functools.partial(begin_after_log, stream, choices, tails, clock=self._clock),
            )
            for stream in streams
        ]
        return (*standbys, FeedChooser(standbys, choices))

    async def streams(self, orders: Mapping[str, FeedOrder], *, has_backfill: bool) -> list[StreamFeed]:
        """Return the feeds that bring the ticks of some instruments, from each of their venues."""
        wanted: dict[str, list[Wanted]] = {}
        venues: dict[str, StreamingVenue] = {}
        for instrument, order in orders.items():
            for source in (*order.order, *order.cross_checks):
                venues[source.venue.name] = source.venue
                hours = source.hours(calendar=xnys_calendar(), closures=declared_closures())
                wanted.setdefault(source.venue.name, []).append(
                    Wanted(instrument=instrument, symbol=source.symbol, market=hours.state)
                )
        return [
            stream
            for name, venue in venues.items()
            for stream in await self._of(venue, wanted[name], has_backfill)
        ]

    async def _of(self, venue: StreamingVenue, wanted: list[Wanted], has_backfill: bool) -> list[StreamFeed]:
        settings, clients = self._settings, self._clients
        rest_client = None
        if has_backfill and venue.rest_url is not None and venue.make_backfill is not None:
            rest_client = await clients.of(
                venue.name, venue.rest_url(settings), interval_seconds=settings.fill_interval_seconds
            )
        client = None
        if venue.carrier is not Carrier.WEBSOCKET:
            url = httpx.URL(venue.endpoint(settings, tuple(each.symbol for each in wanted)).url)
            client = await clients.of(venue.name, str(url.join("/")))
        return venue_feeds(
            venue,
            wanted,
            settings=settings,
            timing=_timing(settings),
            client=client,
            rest_client=rest_client,
            uniform=_uniform,
            metrics=self._metrics,
            clock=self._clock,
            redactor=self._redactor,
            tap=self._tap,
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
            redactor=self._redactor,
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
    )


def _symbol_of(instrument: str) -> str:
    return instrument.rpartition(".")[0]
