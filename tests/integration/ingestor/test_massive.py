"""What only Massive does: a connection too many is refused after everything was accepted."""

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.venues.massive.venue import MASSIVE
from tests.integration.ingestor.live import venue_feed
from tests.support.fake_feeds.massive import KEY, CappedMassive


async def test_wait_after_a_connection_too_many_grows_although_each_was_accepted() -> None:
    async with CappedMassive(refused=3) as server:
        settings = IngestorSettings(massive_forex_websocket_url=server.url, massive_key=KEY)
        async with venue_feed(MASSIVE, settings, ("XAU/USD",)) as feed:
            await feed.until(lambda: server.connections == 4)
            reconnects = feed.count("feed_reconnects_total", reason="rejected")
            words = feed.detail().words
    waits = [later - earlier for earlier, later in zip(server.opened_at, server.opened_at[1:], strict=False)]
    assert reconnects == 3
    assert waits == pytest.approx([0.3, 0.6, 1.2], abs=0.25)
    assert waits == sorted(waits)
    assert "max_connections" in words
