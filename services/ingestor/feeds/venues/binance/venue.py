"""Binance, as the registry lists it: quotes and trades by websocket, missed trades by REST.

Its gold token is priced in USDT, a token that stands for the dollar: ``PAXG/USDT``.
"""

from typing import Final

from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_token_pair
from services.ingestor.feeds.venues.binance.backfill import BinanceBackfill
from services.ingestor.feeds.venues.binance.protocol import BinanceProtocol

BINANCE: Final = StreamingVenue(
    name="binance",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=lambda settings, _: Endpoint(url=f"{settings.binance_websocket_url.rstrip('/')}/stream"),
    has_symbol=is_token_pair,
    make_protocol=lambda _, symbols: BinanceProtocol(*symbols),
    rest_url=lambda settings: settings.binance_rest_url,
    make_backfill=lambda client, symbol: BinanceBackfill(client, symbol=symbol),
    # It has no heartbeat of its own; a gold token's quote changes several times a minute, also at night.
    idle_seconds=60.0,
    # Binance ends every connection after 24 hours.
    rotate_seconds=23 * 3_600.0,
)
