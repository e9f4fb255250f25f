"""Massive, as the registry lists it: two venues, for a key has one connection for each kind of market."""

from typing import Final

from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_listed, is_over_the_counter
from services.ingestor.feeds.venues.massive.forex import read_forex
from services.ingestor.feeds.venues.massive.protocol import MassiveProtocol
from services.ingestor.feeds.venues.massive.stocks import read_stock
from shared.errors import ConfigError

# There is no heartbeat: while a market is open, its data are the sign of life; while it is closed, nothing
# comes, and a new connection a few times an hour finds out whether the old one was dead.
_NO_DATA_SECONDS: Final = 60.0
_IDLE_SECONDS: Final = 900.0


def _key(settings: IngestorSettings) -> SecretStr:
    if settings.massive_key is None:
        raise ConfigError("CONVEX_INGESTOR_MASSIVE_KEY is needed for the feeds massive and massive_stocks")
    return settings.massive_key


def _forex_endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    _key(settings)
    return Endpoint(url=settings.massive_forex_websocket_url)


def _stocks_endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    _key(settings)
    return Endpoint(url=settings.massive_stocks_websocket_url)


MASSIVE: Final = StreamingVenue(
    name="massive",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_forex_endpoint,
    has_symbol=is_over_the_counter,
    make_protocol=lambda settings, symbols: MassiveProtocol(
        key=_key(settings), symbols=symbols, channels=("C",), read=read_forex
    ),
    idle_seconds=_IDLE_SECONDS,
    no_data_seconds=_NO_DATA_SECONDS,
)

MASSIVE_STOCKS: Final = StreamingVenue(
    name="massive_stocks",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_stocks_endpoint,
    has_symbol=is_listed,
    make_protocol=lambda settings, symbols: MassiveProtocol(
        key=_key(settings), symbols=symbols, channels=("T", "Q"), read=read_stock
    ),
    idle_seconds=_IDLE_SECONDS,
    no_data_seconds=_NO_DATA_SECONDS,
)
