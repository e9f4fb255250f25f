"""gold-api.com, as the registry lists it: prices of metals in US dollars without a key, for comparison."""

from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_over_the_counter
from services.ingestor.feeds.venues.gold_api.protocol import GoldApiProtocol
from shared.errors import ConfigError


def _endpoint(settings: IngestorSettings, symbols: tuple[str, ...]) -> Endpoint:
    metal, _, currency = symbols[0].partition("/")
    if currency != "USD":
        raise ConfigError(f"the feed gold_api has prices in US dollars, such as XAU/USD, not {symbols[0]}")
    return Endpoint(url=f"{settings.gold_api_url}/price/{metal}")


GOLD_API: Final = StreamingVenue(
    name="gold_api",
    carrier=Carrier.POLLING,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=_endpoint,
    has_symbol=is_over_the_counter,
    make_protocol=lambda _, symbols: GoldApiProtocol(*symbols),
    poll_seconds=10.0,
    # Several answers, each as slow as it may be.
    idle_seconds=90.0,
    lateness_seconds=30.0,
)
