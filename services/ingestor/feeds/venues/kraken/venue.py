"""Kraken, as the registry lists it: ticks by websocket, missed trades by REST."""

from typing import Final

from services.ingestor.feeds.streaming.ports import StreamingVenue
from services.ingestor.feeds.venues.kraken.backfill import KrakenBackfill
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol

KRAKEN: Final = StreamingVenue(
    name="kraken",
    websocket_url=lambda settings: settings.kraken_websocket_url,
    rest_url=lambda settings: settings.kraken_rest_url,
    make_protocol=KrakenProtocol,
    make_backfill=lambda client, symbol: KrakenBackfill(client, symbol=symbol),
)
