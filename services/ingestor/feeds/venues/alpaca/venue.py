"""Alpaca, as the registry lists it: trades and quotes of US stocks."""

from typing import Final

from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_listed
from services.ingestor.feeds.venues.alpaca.protocol import AlpacaProtocol
from shared.errors import ConfigError


def _keys(settings: IngestorSettings) -> tuple[SecretStr, SecretStr]:
    if settings.alpaca_key_id is None or settings.alpaca_secret_key is None:
        raise ConfigError(
            "CONVEX_INGESTOR_ALPACA_KEY_ID and CONVEX_INGESTOR_ALPACA_SECRET_KEY are needed for the feed "
            "alpaca"
        )
    return settings.alpaca_key_id, settings.alpaca_secret_key


def _endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    _keys(settings)
    return Endpoint(url=settings.alpaca_websocket_url)


def _protocol(settings: IngestorSettings, symbols: tuple[str, ...]) -> AlpacaProtocol:
    key_id, secret_key = _keys(settings)
    return AlpacaProtocol(key_id=key_id, secret_key=secret_key, symbols=symbols)


ALPACA: Final = StreamingVenue(
    name="alpaca",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_endpoint,
    has_symbol=is_listed,
    make_protocol=_protocol,
    # There is no heartbeat: while XNYS is open, quotes are the sign of life; while it is closed, nothing
    # comes, and a new connection a few times an hour finds out whether the old one was dead.
    idle_seconds=900.0,
    no_data_seconds=60.0,
)
