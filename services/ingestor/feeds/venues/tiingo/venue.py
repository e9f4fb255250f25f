"""Tiingo's live services, as the registry lists them: metals and currencies, and stocks of IEX."""

from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_listed, is_over_the_counter
from services.ingestor.feeds.transport.required_keys import required_key
from services.ingestor.feeds.venues.tiingo.fx_protocol import TiingoFxProtocol
from services.ingestor.feeds.venues.tiingo.iex_protocol import TiingoIexProtocol

# Two heartbeats are missing.
_IDLE_SECONDS: Final = 75.0


def _token(settings: IngestorSettings) -> str:
    return required_key(
        settings.tiingo_token, variable="CONVEX_INGESTOR_TIINGO_TOKEN", provider="Tiingo's websocket"
    )


def _fx_endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    _token(settings)
    return Endpoint(url=settings.tiingo_fx_websocket_url)


def _fx_protocol(settings: IngestorSettings, symbols: tuple[str, ...]) -> TiingoFxProtocol:
    level = settings.tiingo_fx_threshold_level
    return TiingoFxProtocol(*symbols, token=_token(settings), threshold_level=level)


def _iex_endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    _token(settings)
    return Endpoint(url=settings.tiingo_iex_websocket_url)


def _iex_protocol(settings: IngestorSettings, symbols: tuple[str, ...]) -> TiingoIexProtocol:
    level = settings.tiingo_iex_threshold_level
    return TiingoIexProtocol(*symbols, token=_token(settings), threshold_level=level)


TIINGO_FX: Final = StreamingVenue(
    name="tiingo_fx",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_fx_endpoint,
    has_symbol=is_over_the_counter,
    make_protocol=_fx_protocol,
    idle_seconds=_IDLE_SECONDS,
)

TIINGO_IEX: Final = StreamingVenue(
    name="tiingo_iex",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_iex_endpoint,
    has_symbol=is_listed,
    make_protocol=_iex_protocol,
    idle_seconds=_IDLE_SECONDS,
)
