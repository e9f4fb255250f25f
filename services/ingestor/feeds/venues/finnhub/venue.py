"""Finnhub, as the registry lists it: prices of metals and currencies, trades of stocks, with a key.

A key has one connection: a second one ends the first.
"""

from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.transport.required_keys import required_key
from services.ingestor.feeds.venues.finnhub.protocol import FinnhubProtocol


def _endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    key = required_key(settings.finnhub_key, variable="CONVEX_INGESTOR_FINNHUB_KEY", provider="Finnhub")
    return Endpoint(url=settings.finnhub_websocket_url, query={"token": key})


FINNHUB: Final = StreamingVenue(
    name="finnhub",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    has_acknowledgement=False,
    endpoint=_endpoint,
    make_protocol=lambda _, symbols: FinnhubProtocol(*symbols),
    # Its ping comes about once a minute.
    idle_seconds=90.0,
    # Only its data shows whether a plan has a symbol.
    no_data_seconds=120.0,
)
