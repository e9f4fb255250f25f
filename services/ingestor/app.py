"""The composition root: build everything that the settings ask for, connect it, and run it."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from services.ingestor.config import IngestorSettings
from services.ingestor.core.published_trades import PublishedTrades
from services.ingestor.feed_order import feed_orders
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.registry import SPOT_HISTORY, TICK_HISTORY, macro_provider
from services.ingestor.feeds.replay.feed import ReplayFeed
from services.ingestor.feeds.replay.variables import with_variables
from services.ingestor.feeds.simulated.feed import SimulatedFeed
from services.ingestor.feeds.simulated.scenario import Scenario, require_simulated, ticks_of
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import Tap
from services.ingestor.kafka.lease import Lease
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.sink import KafkaSink
from services.ingestor.live_feeds import live_feeds
from services.ingestor.macro_feeds import macro_feeds
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.printed_sink import PrintedSink
from services.ingestor.recorded_feeds import recorded_feed
from services.ingestor.recording_options import RecordingOptions, tap_of
from services.ingestor.supervisor import Supervisor
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair, routes_of
from shared.errors import ConfigError
from shared.files.reading_options import ReadingOptions
from shared.files.timeline import Recording
from shared.health import HealthServer
from shared.kafka.publisher import Publisher

log = structlog.get_logger(__name__)
_uniform = random.SystemRandom().random
_NO_RECORDING: Final = RecordingOptions()


async def run_ingestor(
    kafka: KafkaSettings,
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    clock: Clock,
    stop: asyncio.Event,
    recording: RecordingOptions = _NO_RECORDING,
) -> None:
    """Run until asked to stop, or until a replay that is not held open has ended; then send what waits.

    Raises
    ------
    ConfigError
        If a setting, a pair or an input file is wrong.
    """
    registry = CollectorRegistry()
    routes = routes_of(pairs)
    settings = recording.settings(settings)
    metrics = _metrics_of(settings, pairs, registry)
    async with AsyncExitStack() as stack:
        tap = tap_of(recording, settings, metrics=metrics, clock=clock, stack=stack)
        publisher = Publisher(kafka, client_id="convex-ingestor")
        # Only closed here. The first send connects: the ingestor starts, and takes ticks, without Kafka.
        stack.push_async_exit(publisher)
        retrying = RetryingPublisher(publisher, metrics=metrics, uniform=_uniform)
        published = PublishedTrades()
        make_feeds = partial(
            _make_feeds,
            settings,
            kafka,
            pairs,
            recording,
            metrics=metrics,
            clock=clock,
            tap=tap,
            published=published,
        )
        async with AsyncExitStack() as trial:
            # A wrong setting is refused now, also by one that waits for the lease.
            await make_feeds(trial)
        lease = await _join(kafka, settings, clock=clock, stack=stack)
        metrics.follow_lease(lambda: lease is None or lease.is_held)
        sink = KafkaSink(
            retrying,
            routes=routes,
            max_ticks=settings.queue_max_ticks,
            metrics=metrics,
            right=lease,
            published=published,
        )
        supervisor = Supervisor(
            make_feeds,
            sink,
            lease=lease,
            status_interval_seconds=settings.status_interval_seconds,
            flush_timeout_seconds=settings.flush_timeout_seconds,
            is_live=settings.feed == "live",
            uniform=_uniform,
            redactor=Redactor.of_settings(settings),
            metrics=metrics,
            clock=clock,
        )
        health = stack.enter_context(
            HealthServer(
                registry,
                host=settings.health.host,
                port=settings.health.port,
                live={"loop": supervisor.problem},
                ready={"kafka": retrying.problem},
                detail={"feeds": supervisor.feed_details},
            )
        )
        log.info("ingestor_started", feed=settings.feed, health_port=health.port, instruments=sorted(routes))
        await supervisor.run(stop)
        log.info("ingestor_stopped", unsent_ticks=sink.waiting_ticks())


async def run_dry(
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    write: Callable[[bytes], None],
    clock: Clock,
    stop: asyncio.Event,
    recording: RecordingOptions = _NO_RECORDING,
) -> None:
    """Print what would be published, without Kafka, until asked to stop or nobody reads it any more.

    Parameters
    ----------
    write
        Writes bytes and returns once they are written; raises `BrokenPipeError` when nobody reads any more.

    Raises
    ------
    ConfigError
        If a setting, a pair or an input file is wrong.
    """
    settings = recording.settings(settings)
    metrics = _metrics_of(settings, pairs, CollectorRegistry())
    async with AsyncExitStack() as stack:
        tap = tap_of(recording, settings, metrics=metrics, clock=clock, stack=stack)
        sink = PrintedSink(write)
        supervisor = Supervisor(
            partial(_make_feeds, settings, None, pairs, recording, metrics=metrics, clock=clock, tap=tap),
            sink,
            lease=None,
            status_interval_seconds=settings.status_interval_seconds,
            flush_timeout_seconds=settings.flush_timeout_seconds,
            is_live=settings.feed == "live",
            uniform=_uniform,
            redactor=Redactor.of_settings(settings),
            metrics=metrics,
            clock=clock,
        )
        await supervisor.run(stop)
        if sink.dropped_lines:
            log.warning("lines_not_printed", dropped=sink.dropped_lines)


def _metrics_of(
    settings: IngestorSettings, pairs: tuple[Pair, ...], registry: CollectorRegistry
) -> IngestorMetrics:
    streams = _streams_of(settings, pairs)
    return IngestorMetrics(
        registry,
        feeds=_feed_names(settings, streams),
        instruments=routes_of(pairs),
        streams=streams,
        macro_series=settings.macro_series,
    )


def _streams_of(settings: IngestorSettings, pairs: tuple[Pair, ...]) -> dict[str, tuple[str, ...]]:
    """Return the names of the feeds of each instrument that ticks."""
    match settings.feed:
        case "live":
            orders = feed_orders(settings, pairs)
            return {instrument: order.names for instrument, order in orders.items() if order.order}
        case "simulated":
            return dict.fromkeys(ticks_of(pairs), (settings.feed,))
        case "replay":
            return {pair.lead: (settings.feed,) for pair in pairs}


def _feed_names(settings: IngestorSettings, streams: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of the feeds that are started; the labels of the metrics."""
    if settings.feed == "live":
        macro = (macro_provider(series).name for series in settings.macro_series)
        check = (settings.bars_check_source,) if settings.bars_check_source is not None else ()
        bars = (TICK_HISTORY.name, SPOT_HISTORY.name, settings.bars_source, *check)
        return tuple(dict.fromkeys((*chain(*streams.values()), *bars, *macro)))
    return (settings.feed,)


async def _join(
    kafka: KafkaSettings, settings: IngestorSettings, *, clock: Clock, stack: AsyncExitStack
) -> Lease | None:
    """Return the lease, followed until the stack is closed; None for the only ingestor."""
    if not settings.is_one_of_several:
        return None
    lease = Lease(kafka, uniform=random.SystemRandom().random, clock=clock)
    following = asyncio.create_task(lease.run(), name="lease")

    async def leave() -> None:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    stack.push_async_callback(leave)
    return lease


async def _make_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings | None,
    pairs: tuple[Pair, ...],
    recording: RecordingOptions,
    stack: AsyncExitStack,
    *,
    metrics: IngestorMetrics,
    clock: Clock,
    tap: Tap,
    published: PublishedTrades | None = None,
) -> list[Feed]:
    """Return the feeds, not yet running; without Kafka nothing counts as published before."""
    if settings.feed != "live":
        # These cannot lose a connection: an alert on a lost one must not fire.
        for instrument, names in _streams_of(settings, pairs).items():
            for name in names:
                metrics.feed_connected.labels(name, instrument).set(1)
                metrics.feed_authoritative.labels(instrument, name).set(1)
    match settings.feed:
        case "replay":
            return [replay_feed(settings, pairs, clock)]
        case "simulated":
            return [_simulated(settings, pairs, clock)]
        case "live":
            clients = HttpClients(
                timeout_seconds=settings.request_timeout_seconds,
                interval_seconds=settings.request_interval_seconds,
                clock=clock,
                stack=stack,
                tap=tap,
            )
            if recording.replay is not None:
                return [
                    await recorded_feed(
                        recording.replay,
                        settings,
                        pairs,
                        speed=recording.speed,
                        metrics=metrics,
                        clients=clients,
                        wall=clock,
                    )
                ]
            return [
                *await live_feeds(
                    settings,
                    kafka,
                    pairs,
                    metrics=metrics,
                    clients=clients,
                    clock=clock,
                    tap=tap,
                    published=published,
                ),
                *await macro_feeds(
                    settings, kafka, clients=clients, uniform=_uniform, metrics=metrics, clock=clock
                ),
            ]


def replay_feed(settings: IngestorSettings, pairs: tuple[Pair, ...], clock: Clock) -> ReplayFeed:
    """Return the feed of recorded files that the settings name.

    Raises
    ------
    ConfigError
        If they name no files or an unknown zone, or there is more than one pair.
    """
    if not settings.replay_lead_files or not settings.replay_other_files:
        raise ConfigError(
            "CONVEX_INGESTOR_REPLAY_LEAD_FILES and CONVEX_INGESTOR_REPLAY_OTHER_FILES must each name a file"
        )
    if len(pairs) != 1:
        raise ConfigError(
            f"the replay feed plays exactly one pair, CONVEX_PAIRS has {len(pairs)}; "
            "the files name no instrument, so they could be of any leg of any pair"
        )
    recording = Recording(
        lead_files=settings.replay_lead_files,
        other_files=settings.replay_other_files,
        start=settings.replay_start,
        end=settings.replay_end,
        reading=_reading(settings),
    )
    return ReplayFeed(
        recording,
        pair=pairs[0],
        calendar=xnys_calendar(),
        speed=settings.replay_speed,
        is_held_open=settings.replay_hold_open,
        clock=clock,
    )


def _reading(settings: IngestorSettings) -> ReadingOptions:
    try:
        return ReadingOptions(
            format=settings.replay_format,
            date_order=settings.replay_date_order,
            decimal=settings.replay_decimal,
            timezone=settings.replay_timezone,
            skip_bad_rows=settings.replay_skip_bad_rows,
        )
    except ConfigError as error:
        raise ConfigError(with_variables(str(error))) from error


def _simulated(settings: IngestorSettings, pairs: tuple[Pair, ...], clock: Clock) -> SimulatedFeed:
    require_simulated(pairs)
    scenario = Scenario(
        pairs=pairs,
        seed=settings.simulated_seed,
        start_ns=to_ns(settings.simulated_start),
        speed=settings.simulated_speed,
        ticks_per_second=settings.simulated_ticks_per_second,
    )
    return SimulatedFeed(scenario, calendar=xnys_calendar(), clock=clock)
