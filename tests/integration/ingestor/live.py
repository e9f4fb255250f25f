"""Run one websocket feed beside a test, without Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from services.ingestor.core.connection_health import Limits
from services.ingestor.feeds.streaming.feed import Timing, WebsocketFeed
from services.ingestor.feeds.streaming.ports import Backfill, VenueProtocol
from services.ingestor.metrics import IngestorMetrics
from shared.clock import SystemClock
from shared.domain.ticks import FeedState
from tests.support.fake_feeds.sink import RecordingSink

TIMING = Timing(
    limits=Limits(ack=0.5, first_data=0.5, idle=0.5, no_data=30.0),
    stale_after=0.6,
    lateness=2.0,
    reconnect_base=0.01,
    reconnect_cap=0.05,
    cool_down=0.3,
)


class LiveFeed:
    def __init__(
        self, feed: WebsocketFeed, sink: RecordingSink, task: asyncio.Task[None], registry: CollectorRegistry
    ) -> None:
        self.feed = feed
        self.task = task
        self.sink = sink
        self._registry = registry

    def count(self, metric: str, **labels: str) -> float:
        value = self._registry.get_sample_value(
            f"convex_ingestor_{metric}", {"feed": self.feed.name, **labels}
        )
        assert value is not None, metric
        return value

    def is_connected(self) -> bool:
        (instrument,) = self.feed.instruments
        return self.count("feed_connected", instrument=instrument) == 1

    def state(self) -> FeedState:
        (status,) = self.feed.statuses()
        return status.state

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
    backfill: Backfill,
    timing: Timing = TIMING,
) -> AsyncIterator[LiveFeed]:
    """Run a feed into a sink that remembers."""
    registry = CollectorRegistry()
    instrument = f"PAXG/USD.{name.upper()}"
    feed = WebsocketFeed(
        name,
        instrument=instrument,
        url=url,
        make_protocol=make_protocol,
        backfill=backfill,
        market=lambda _: FeedState.LIVE,
        timing=timing,
        uniform=lambda: 1.0,
        metrics=IngestorMetrics(
            registry, feeds=(name,), instruments=(instrument,), streams={instrument: (name,)}
        ),
        clock=SystemClock(),
    )
    sink = RecordingSink()
    running = LiveFeed(feed, sink, asyncio.create_task(feed.run(sink)), registry)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
