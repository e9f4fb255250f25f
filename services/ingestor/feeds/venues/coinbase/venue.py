"""Coinbase Exchange, as the registry lists it: ticks, missed trades, and history of ticking instruments."""

from typing import Final

from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_token_pair
from services.ingestor.feeds.venues.coinbase.backfill import CoinbaseBackfill
from services.ingestor.feeds.venues.coinbase.candles import CandleCloses
from services.ingestor.feeds.venues.coinbase.protocol import CoinbaseProtocol
from shared.calendars import xnys_calendar

_NAME: Final = "coinbase"


def product_of(symbol: str) -> str:
    """Return Coinbase's name of a symbol.

    Examples
    --------
    >>> product_of("PAXG/USD")
    'PAXG-USD'
    """
    return symbol.replace("/", "-")


COINBASE: Final = StreamingVenue(
    name=_NAME,
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=lambda settings, _: Endpoint(url=settings.coinbase_websocket_url),
    rest_url=lambda settings: settings.coinbase_rest_url,
    has_symbol=is_token_pair,
    make_protocol=lambda _, symbols: CoinbaseProtocol(*map(product_of, symbols)),
    make_backfill=lambda client, symbol: CoinbaseBackfill(client, product=product_of(symbol)),
)

COINBASE_HISTORY: Final = BarProvider(
    name=_NAME,
    rest_url=lambda settings: settings.coinbase_rest_url,
    make_source=lambda client, symbol, _: CandleCloses(
        client, product=product_of(symbol), calendar=xnys_calendar()
    ),
)
