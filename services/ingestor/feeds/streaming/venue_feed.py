"""Build the feed of a venue for some instruments: its carrier, its limits and its backfill."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import httpx

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.feed import StreamFeed
from services.ingestor.feeds.streaming.ports import Carrier, Sharing, StreamingVenue, VenueProtocol
from services.ingestor.feeds.streaming.subscriptions import Subscription, Timing
from services.ingestor.feeds.transport.carrier import Channel, Endpoint
from services.ingestor.feeds.transport.http_lines import open_lines
from services.ingestor.feeds.transport.polling import MAX_FAILED_REQUESTS, open_polling
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import Tap
from services.ingestor.feeds.transport.websocket import open_websocket
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.ticks import FeedState
from shared.errors import ConfigError

# Failed requests in a row end a polled connection first, with what was said (`MAX_FAILED_REQUESTS`).
_POLLS_UNTIL_IDLE: Final = MAX_FAILED_REQUESTS + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An instrument, what a venue calls it in our notation, and when its market trades."""

    instrument: str
    symbol: str
    market: Callable[[int], FeedState]


def venue_feeds(
    venue: StreamingVenue,
    wanted: Sequence[Wanted],
    *,
    settings: IngestorSettings,
    timing: Timing,
    client: httpx.AsyncClient | None,
    rest_client: httpx.AsyncClient | None,
    uniform: Callable[[], float],
    metrics: IngestorMetrics,
    clock: Clock,
    redactor: Redactor,
    tap: Tap | None = None,
) -> list[StreamFeed]:
    """Return the feeds that bring some instruments: one for all where the venue allows one connection.

    Parameters
    ----------
    client
        For a venue whose frames come over HTTP; None for one with a websocket.
    rest_client
        With the address of the venue's REST service as its base, paced for missed trades; None for a venue
        without trade ids.

    Raises
    ------
    ConfigError
        If a key is missing.
    """
    groups = [list(wanted)] if venue.sharing is Sharing.ALL_SHARE_ONE else [[each] for each in wanted]
    return [
        _venue_feed(
            venue,
            group,
            settings=settings,
            timing=timing,
            client=client,
            rest_client=rest_client,
            uniform=uniform,
            metrics=metrics,
            clock=clock,
            redactor=redactor,
            tap=tap,
        )
        for group in groups
        if group
    ]


def plan_of(
    venue: StreamingVenue,
    settings: IngestorSettings,
    symbols: tuple[str, ...],
    *,
    client: httpx.AsyncClient | None,
    open_timeout_seconds: float,
    clock: Clock,
) -> ConnectionPlan:
    """Return how to connect to a venue for some symbols.

    Raises
    ------
    ConfigError
        If a key is missing.
    """
    endpoint = venue.endpoint(settings, symbols)
    return ConnectionPlan(
        open=_opener(venue, endpoint, settings, client, open_timeout_seconds, clock),
        make_protocol=_protocol_maker(venue, settings, symbols),
        # An HTTP answer with status 200 acknowledges all that was asked for.
        has_acknowledgement=venue.has_acknowledgement and venue.carrier is Carrier.WEBSOCKET,
        keep_alive=venue.keep_alive,
        rotate_seconds=venue.rotate_seconds,
        may_overlap=venue.sharing is Sharing.EACH_ITS_OWN,
    )


def _protocol_maker(
    venue: StreamingVenue, settings: IngestorSettings, symbols: tuple[str, ...]
) -> Callable[[], VenueProtocol]:
    if venue.carrier is not Carrier.POLLING:
        return functools.partial(venue.make_protocol, settings, symbols)
    # A request is a connection of its own: what the last answer said holds whatever failed in between.
    protocol = venue.make_protocol(settings, symbols)
    return lambda: protocol


def limits_of(venue: StreamingVenue, limits: Limits) -> Limits:
    """Return the limits of a venue's connections: its own where it has some."""
    idle = venue.idle_seconds or limits.idle
    if venue.poll_seconds is not None:
        idle = max(idle, _POLLS_UNTIL_IDLE * venue.poll_seconds)
    if venue.no_data_seconds is None:
        return replace(limits, idle=idle)
    return replace(limits, idle=idle, first_data=venue.no_data_seconds, no_data=venue.no_data_seconds)


def _venue_feed(
    venue: StreamingVenue,
    wanted: Sequence[Wanted],
    *,
    settings: IngestorSettings,
    timing: Timing,
    client: httpx.AsyncClient | None,
    rest_client: httpx.AsyncClient | None,
    uniform: Callable[[], float],
    metrics: IngestorMetrics,
    clock: Clock,
    redactor: Redactor,
    tap: Tap | None,
) -> StreamFeed:
    symbols = tuple(dict.fromkeys(each.symbol for each in wanted))
    make_backfill = venue.make_backfill if rest_client is not None else None
    return StreamFeed(
        venue.name,
        subscriptions=[
            Subscription(
                instrument=each.instrument,
                symbol=each.symbol,
                market=each.market,
                backfill=(
                    make_backfill(rest_client, each.symbol)
                    if make_backfill is not None and rest_client is not None
                    else None
                ),
            )
            for each in wanted
        ],
        plan=plan_of(
            venue,
            settings,
            symbols,
            client=client,
            open_timeout_seconds=timing.limits.ack,
            clock=clock,
        ),
        timing=replace(
            timing,
            limits=limits_of(venue, timing.limits),
            lateness=max(timing.lateness, venue.lateness_seconds or 0.0),
        ),
        uniform=uniform,
        metrics=metrics,
        clock=clock,
        redactor=redactor,
        tap=tap,
    )


def _opener(
    venue: StreamingVenue,
    endpoint: Endpoint,
    settings: IngestorSettings,
    client: httpx.AsyncClient | None,
    open_timeout_seconds: float,
    clock: Clock,
) -> Callable[[], Awaitable[Channel]]:
    if venue.carrier is Carrier.WEBSOCKET:
        return functools.partial(
            open_websocket, endpoint, open_timeout_seconds=open_timeout_seconds, clock=clock
        )
    if client is None:
        raise ConfigError(f"{venue.name}: a venue whose frames come over HTTP needs a client")
    if venue.carrier is Carrier.LINES:
        return functools.partial(
            open_lines, client, endpoint, open_timeout_seconds=open_timeout_seconds, clock=clock
        )
    if venue.poll_seconds is None:
        raise ConfigError(f"{venue.name}: a polled venue needs poll_seconds")
    return functools.partial(
        open_polling,
        client,
        endpoint,
        every_seconds=venue.poll_seconds,
        timeout_seconds=settings.request_timeout_seconds,
        clock=clock,
    )
