"""Run one live feed beside a test, without Kafka."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
from prometheus_client import CollectorRegistry

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import FeedCondition, Limits
from services.ingestor.core.refusals import Patience
from services.ingestor.feeds.ports import FeedDetail
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.feed import StreamFeed
from services.ingestor.feeds.streaming.gap_filler import FillTiming
from services.ingestor.feeds.streaming.ports import Backfill, StreamingVenue, VenueProtocol
from services.ingestor.feeds.streaming.subscriptions import Subscription, Timing
from services.ingestor.feeds.streaming.venue_feed import plan_of
from services.ingestor.feeds.transport.carrier import Channel, Endpoint
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import Tap
from services.ingestor.feeds.transport.websocket import open_websocket
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock, SystemClock
from shared.domain.ticks import FeedState
from tests.support.fake_feeds.sink import RecordingSink

# Reading the certificates takes longer than a whole test.
_TLS = ssl.create_default_context()

TIMING = Timing(
    limits=Limits(ack=0.5, first_data=0.5, idle=0.5, no_data=30.0),
    stale_after=0.6,
    lateness=2.0,
    reconnect_base=0.01,
    reconnect_cap=0.05,
    patience=Patience(
        refusals=4,
        over_seconds=0.5,
        ask_again_seconds=1.5,
        cool_down_seconds=0.3,
        longest_cool_down_seconds=1.2,
        blocked_seconds=0.1,
    ),
    fill=FillTiming(collect=0.01, retry_base=0.01, retry_cap=0.02, longest_wait=0.02),
    overlap=0.1,
)

# Of every polled venue: eleven unreadable answers must come before the first data is missed.
POLL_SECONDS = 0.02


class LiveFeed:
    def __init__(
        self, feed: StreamFeed, sink: RecordingSink, task: asyncio.Task[None], registry: CollectorRegistry
    ) -> None:
        self.feed = feed
        self.task = task
        self.sink = sink
        self.registry = registry

    def count(self, metric: str, **labels: str) -> float:
        value = self.registry.get_sample_value(
            f"convex_ingestor_{metric}", {"feed": self.feed.name, **labels}
        )
        assert value is not None, metric
        return value

    def is_connected(self) -> bool:
        return all(
            self.count("feed_connected", instrument=instrument) == 1 for instrument in self.feed.instruments
        )

    def condition(self) -> str:
        """Return the condition that the metric shows of the first instrument."""
        instrument = self.feed.instruments[0]
        (condition,) = (
            each
            for each in FeedCondition
            if self.count("feed_condition", instrument=instrument, condition=each) == 1
        )
        return condition

    def state(self, instrument: str | None = None) -> FeedState:
        return next(
            status.state
            for status in self.feed.statuses()
            if instrument is None or status.instrument == instrument
        )

    def detail(self, instrument: str | None = None) -> FeedDetail:
        """Return what an operator is shown now."""
        tuple(self.feed.statuses())
        return next(
            detail for detail in self.feed.details() if instrument is None or detail.instrument == instrument
        )

    async def until(self, is_so: Callable[[], bool], *, timeout_seconds: float = 5.0) -> None:
        async with asyncio.timeout(timeout_seconds):
            while not is_so():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def live_feed(
    name: str,
    *,
    url: str,
    make_protocol: Callable[[], VenueProtocol],
    backfill: Backfill | None,
    timing: Timing = TIMING,
    rotate_seconds: float | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[LiveFeed]:
    """Run a feed of one instrument over a websocket into a sink that remembers."""
    plan = ConnectionPlan(
        open=websocket_opener(url, timing), make_protocol=make_protocol, rotate_seconds=rotate_seconds
    )
    async with planned_feed(
        name, plan=plan, symbols=("PAXG/USD",), backfill=backfill, timing=timing, clock=clock
    ) as feed:
        yield feed


def websocket_opener(url: str, timing: Timing = TIMING) -> Callable[[], Awaitable[Channel]]:
    return functools.partial(
        open_websocket,
        Endpoint(url=url),
        open_timeout_seconds=timing.limits.ack,
        clock=SystemClock(),
    )


@asynccontextmanager
async def planned_feed(
    name: str,
    *,
    plan: ConnectionPlan,
    symbols: tuple[str, ...],
    backfill: Backfill | None = None,
    timing: Timing = TIMING,
    market: Callable[[int], FeedState] = lambda _: FeedState.LIVE,
    redactor: Redactor | None = None,
    tap: Tap | None = None,
    sink: RecordingSink | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[LiveFeed]:
    """Run a feed of some symbols, connected by a plan, into a sink that remembers."""
    registry = CollectorRegistry()
    instruments = tuple(f"{symbol}.{name.upper()}" for symbol in symbols)
    feed = StreamFeed(
        name,
        subscriptions=[
            Subscription(instrument=instrument, symbol=symbol, market=market, backfill=backfill)
            for instrument, symbol in zip(instruments, symbols, strict=True)
        ],
        plan=plan,
        timing=timing,
        uniform=lambda: 1.0,
        metrics=IngestorMetrics(
            registry, feeds=(name,), instruments=instruments, streams=dict.fromkeys(instruments, (name,))
        ),
        clock=clock or SystemClock(),
        redactor=redactor,
        tap=tap,
    )
    sink = sink or RecordingSink()
    running = LiveFeed(feed, sink, asyncio.create_task(feed.run(sink)), registry)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


@asynccontextmanager
async def venue_feed(
    venue: StreamingVenue,
    settings: IngestorSettings,
    symbols: tuple[str, ...],
    *,
    backfill: Backfill | None = None,
    timing: Timing = TIMING,
    market: Callable[[int], FeedState] = lambda _: FeedState.LIVE,
    tap: Tap | None = None,
) -> AsyncIterator[LiveFeed]:
    """Run a venue's feed over whatever carries its frames, polled often."""
    if venue.poll_seconds is not None:
        venue = replace(venue, poll_seconds=POLL_SECONDS)
    clock = SystemClock()
    async with httpx.AsyncClient(headers={"User-Agent": USER_AGENT}, verify=_TLS) as client:
        plan = plan_of(
            venue,
            settings,
            symbols,
            client=client,
            # Many connections may be opened at once, on a busy machine.
            open_timeout_seconds=max(timing.limits.ack, 3.0),
            clock=clock,
        )
        async with planned_feed(
            venue.name,
            plan=plan,
            symbols=symbols,
            backfill=backfill,
            timing=timing,
            market=market,
            redactor=Redactor.of_settings(settings),
            tap=tap,
        ) as feed:
            yield feed
