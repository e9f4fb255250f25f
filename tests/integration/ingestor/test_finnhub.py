"""What only Finnhub has: a key allows one connection, and a second one ends the first."""

import dataclasses

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.venues.finnhub.venue import FINNHUB
from tests.integration.ingestor.live import TIMING, venue_feed
from tests.support.fake_feeds import finnhub
from tests.support.fake_feeds.finnhub import FakeFinnhub

_SYMBOLS = ("XAU/USD", "IWM")


def _settings(server: FakeFinnhub) -> IngestorSettings:
    return IngestorSettings(finnhub_websocket_url=server.url, finnhub_key=finnhub.KEY)


async def test_gold_and_iwm_come_over_one_connection_with_the_key_in_its_query() -> None:
    async with FakeFinnhub() as server, venue_feed(FINNHUB, _settings(server), _SYMBOLS) as running:
        await running.until(lambda: 4003.625 in running.sink.bids() and len(running.sink.trade_ids()) == 3)
    assert server.connections == 1
    assert server.targets == [f"/?token={finnhub.KEY}"]


async def test_connection_that_another_one_with_the_same_key_has_ended_is_opened_again() -> None:
    """Two ingestors would take turns: which one connects is decided by the lease, not here."""
    timing = dataclasses.replace(TIMING, reconnect_base=0.2, reconnect_cap=0.2)
    async with (
        FakeFinnhub() as server,
        venue_feed(FINNHUB, _settings(server), _SYMBOLS, timing=timing) as running,
    ):
        await running.until(lambda: 4003.625 in running.sink.bids())
        await server.kick()
        await running.until(lambda: 4006.625 in running.sink.bids())
    assert server.connections == 2
    assert running.count("feed_reconnects_total", reason="closed") == 1
