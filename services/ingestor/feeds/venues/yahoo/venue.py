"""Yahoo's one-minute rows, as the registry lists them: the live price of a listed symbol without a key."""

from typing import Final

from services.ingestor.feeds.streaming.ports import Carrier, Endpoint, Sharing, StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_listed
from services.ingestor.feeds.venues.yahoo.chart import USER_AGENT
from services.ingestor.feeds.venues.yahoo.minute_prices import YahooMinutesProtocol

YAHOO_MINUTES: Final = StreamingVenue(
    name="yahoo_minutes",
    carrier=Carrier.POLLING,
    sharing=Sharing.EACH_ITS_OWN,
    endpoint=lambda settings, symbols: Endpoint(
        url=f"{settings.yahoo_url}/v8/finance/chart/{symbols[0]}",
        query={"range": "1d", "interval": "1m", "includePrePost": "false"},
        headers={"User-Agent": USER_AGENT},
    ),
    has_symbol=is_listed,
    make_protocol=lambda _, symbols: YahooMinutesProtocol(*symbols),
    # The row of the present minute changes with each trade; Yahoo blocks who asks more often.
    poll_seconds=15.0,
    # Several answers, each as slow as it may be.
    idle_seconds=90.0,
    # The row of a minute may still be null when the next one has begun.
    lateness_seconds=90.0,
)
