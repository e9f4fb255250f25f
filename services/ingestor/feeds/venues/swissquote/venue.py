"""Swissquote, as the registry lists it: quotes of spot metals without a key, for comparison."""

from typing import Final

from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_over_the_counter
from services.ingestor.feeds.venues.swissquote.protocol import SwissquoteProtocol

SWISSQUOTE: Final = StreamingVenue(
    name="swissquote",
    carrier=Carrier.POLLING,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=lambda settings, symbols: Endpoint(
        url=f"{settings.swissquote_url}/public-quotes/bboquotes/instrument/{symbols[0]}"
    ),
    has_symbol=is_over_the_counter,
    make_protocol=lambda settings, symbols: SwissquoteProtocol(
        *symbols, platform=settings.swissquote_platform, profile=settings.swissquote_profile
    ),
    poll_seconds=5.0,
    # Several answers, each as slow as it may be.
    idle_seconds=60.0,
    lateness_seconds=10.0,
)
