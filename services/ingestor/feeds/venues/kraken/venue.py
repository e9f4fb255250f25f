"""Kraken, as the registry lists it: ticks by websocket, missed trades by REST."""

from typing import Final

from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_token_pair
from services.ingestor.feeds.venues.kraken.backfill import KrakenBackfill
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol

KRAKEN: Final = StreamingVenue(
    name="kraken",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=lambda settings, _: Endpoint(url=settings.kraken_websocket_url),
    rest_url=lambda settings: settings.kraken_rest_url,
    has_symbol=is_token_pair,
    make_protocol=lambda _, symbols: KrakenProtocol(*symbols),
    make_backfill=lambda client, symbol: KrakenBackfill(client, symbol=symbol),
)
