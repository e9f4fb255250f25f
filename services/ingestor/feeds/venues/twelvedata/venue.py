"""Twelve Data, as the registry lists it: prices of metals, currencies and stocks, with a key.

A key has three connections; one more ends the oldest.
"""

from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, KeepAlive, Sharing, StreamingVenue
from services.ingestor.feeds.transport.required_keys import required_key
from services.ingestor.feeds.venues.twelvedata.protocol import HEARTBEAT_FRAME, TwelveDataProtocol


def _endpoint(settings: IngestorSettings, _: tuple[str, ...]) -> Endpoint:
    key = required_key(
        settings.twelvedata_key, variable="CONVEX_INGESTOR_TWELVEDATA_KEY", provider="Twelve Data"
    )
    return Endpoint(url=settings.twelvedata_websocket_url, query={"apikey": key})


TWELVEDATA: Final = StreamingVenue(
    name="twelvedata",
    carrier=Carrier.WEBSOCKET,
    sharing=Sharing.ALL_SHARE_ONE,
    endpoint=_endpoint,
    make_protocol=lambda _, symbols: TwelveDataProtocol(*symbols),
    keep_alive=KeepAlive(frame=HEARTBEAT_FRAME, every_seconds=10.0),
    # Three heartbeats without an answer.
    idle_seconds=30.0,
    no_data_seconds=120.0,
    # A time is cut to its second, and the sources that it adds up are some seconds apart.
    lateness_seconds=5.0,
)
