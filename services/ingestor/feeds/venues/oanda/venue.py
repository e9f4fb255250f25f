"""OANDA v20, as the registry lists it: the prices at which a broker deals spot gold."""

from datetime import time
from typing import Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.daily_bars.ports import BarProvider, BarSource
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_over_the_counter
from services.ingestor.feeds.venues.oanda.candles import OandaCloses
from services.ingestor.feeds.venues.oanda.protocol import OandaProtocol
from shared.calendars import xnys_calendar
from shared.errors import ConfigError


def instrument_of(symbol: str) -> str:
    """Return OANDA's name of a symbol.

    Examples
    --------
    >>> instrument_of("XAU/USD")
    'XAU_USD'
    """
    return symbol.replace("/", "_")


def _access(settings: IngestorSettings) -> tuple[SecretStr, SecretStr]:
    if settings.oanda_token is None or settings.oanda_account is None:
        raise ConfigError(
            "CONVEX_INGESTOR_OANDA_TOKEN and CONVEX_INGESTOR_OANDA_ACCOUNT are needed for the feed oanda"
        )
    return settings.oanda_token, settings.oanda_account


def _endpoint(settings: IngestorSettings, symbols: tuple[str, ...]) -> Endpoint:
    token, account = _access(settings)
    return Endpoint(
        url=f"{settings.oanda_stream_url}/v3/accounts/{account.get_secret_value()}/pricing/stream",
        query={"instruments": ",".join(map(instrument_of, symbols)), "snapshot": "true"},
        headers={
            "Authorization": f"Bearer {token.get_secret_value()}",
            "Accept-Datetime-Format": "RFC3339",
        },
    )


OANDA: Final = StreamingVenue(
    name="oanda",
    carrier=Carrier.LINES,
    # One unknown instrument has the whole request refused.
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=_endpoint,
    has_symbol=is_over_the_counter,
    make_protocol=lambda _, symbols: OandaProtocol({instrument_of(symbol): symbol for symbol in symbols}),
    # A heartbeat comes every five seconds.
    idle_seconds=10.0,
    daily_break=(time(16, 58), time(18, 3)),
)


def _make_source(client: httpx.AsyncClient, symbol: str, settings: IngestorSettings) -> BarSource:
    token, _ = _access(settings)
    return OandaCloses(client, instrument=instrument_of(symbol), token=token, calendar=xnys_calendar())


OANDA_HISTORY: Final = BarProvider(
    name="oanda", rest_url=lambda settings: settings.oanda_rest_url, make_source=_make_source
)
