"""Run one venue's adapter against its fake provider, over the carrier that it asks for, without Kafka."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from services.ingestor.config import IngestorSettings
from services.ingestor.core.connection_health import Limits
from services.ingestor.feeds.registry import STREAMING_VENUES
from shared.domain.ticks import FeedState, QuoteBatch
from tests.integration.ingestor.live import TIMING, LiveFeed, venue_feed
from tests.support.fake_feeds.registry import FAKE_PROVIDERS, FakeServer


@dataclass
class PlayedRun:
    server: FakeServer
    feed: LiveFeed

    def prices(self) -> list[tuple[float, float]]:
        return [
            pair
            for batch in self.feed.sink.batches
            if isinstance(batch, QuoteBatch)
            for pair in zip(batch.bid.tolist(), batch.ask.tolist(), strict=True)
        ]

    async def until_all_published(self) -> None:
        """Wait until the last quote has come, and require each once and in order."""
        await self.feed.until(lambda: len(self.prices()) >= len(self.server.expected) >= 3)
        assert self.prices() == [tick.prices for tick in self.server.expected]


@asynccontextmanager
async def played_run(
    name: str, scenario: str, *, market: Callable[[int], FeedState] = lambda _: FeedState.LIVE
) -> AsyncIterator[PlayedRun]:
    """Run the adapter of a provider that plays a scenario."""
    provider = next(provider for provider in FAKE_PROVIDERS if provider.name == name)
    venue = next(each for each in STREAMING_VENUES if each.name == provider.venue)
    timing = replace(TIMING, limits=Limits(ack=0.5, idle=0.4, first_data=0.5, no_data=30.0))
    async with provider.serve(scenario) as server:
        settings = IngestorSettings(**provider.settings(server.url))
        async with venue_feed(venue, settings, provider.symbols, timing=timing, market=market) as feed:
            yield PlayedRun(server, feed)
