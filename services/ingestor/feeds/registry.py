"""Every provider of live data, and which of them an instrument comes from.

A new streaming venue is a folder in ``venues/`` and a line in `STREAMING_VENUES`. A new provider of daily
bars is a folder, a line in `BAR_PROVIDERS`, and its name among the values of ``CONVEX_INGESTOR_BARS_SOURCE``.

The venue of an instrument says where it comes from; nothing else has to be set (``feed_order.py`` says what
can be):

========================= ============================= ============================================
venue                     ticks                         history
========================= ============================= ============================================
one of `STREAMING_VENUES` its stream                    hourly candles, sampled at the XNYS close
any other                 none                          daily bars, by the symbol
========================= ============================= ============================================
"""

from typing import Final

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.macro.ports import MacroProvider
from services.ingestor.feeds.streaming.ports import StreamingVenue
from services.ingestor.feeds.streaming.symbols import is_over_the_counter
from services.ingestor.feeds.venues.alpaca.bars import ALPACA_BARS
from services.ingestor.feeds.venues.alpaca.venue import ALPACA
from services.ingestor.feeds.venues.alpha_vantage.daily import ALPHA_VANTAGE
from services.ingestor.feeds.venues.binance.venue import BINANCE
from services.ingestor.feeds.venues.cboe.indices import CBOE
from services.ingestor.feeds.venues.coinbase.venue import COINBASE, COINBASE_HISTORY
from services.ingestor.feeds.venues.coingecko.market_chart import COINGECKO
from services.ingestor.feeds.venues.finnhub.venue import FINNHUB
from services.ingestor.feeds.venues.fred.graph_csv import FRED_GRAPH
from services.ingestor.feeds.venues.fred.series import FRED
from services.ingestor.feeds.venues.gold_api.venue import GOLD_API
from services.ingestor.feeds.venues.kraken.venue import KRAKEN
from services.ingestor.feeds.venues.massive.aggregates import MASSIVE_BARS
from services.ingestor.feeds.venues.massive.venue import MASSIVE, MASSIVE_STOCKS
from services.ingestor.feeds.venues.oanda.venue import OANDA, OANDA_HISTORY
from services.ingestor.feeds.venues.stooq.daily_csv import STOOQ
from services.ingestor.feeds.venues.swissquote.venue import SWISSQUOTE
from services.ingestor.feeds.venues.tiingo.eod import TIINGO
from services.ingestor.feeds.venues.tiingo.venue import TIINGO_FX, TIINGO_IEX
from services.ingestor.feeds.venues.twelvedata.time_series import TWELVEDATA_BARS
from services.ingestor.feeds.venues.twelvedata.venue import TWELVEDATA
from services.ingestor.feeds.venues.yahoo.chart import YAHOO
from services.ingestor.feeds.venues.yahoo.venue import YAHOO_MINUTES
from shared.errors import ConfigError

STREAMING_VENUES: Final[tuple[StreamingVenue, ...]] = (
    KRAKEN,
    COINBASE,
    BINANCE,
    FINNHUB,
    TWELVEDATA,
    TIINGO_FX,
    TIINGO_IEX,
    MASSIVE,
    MASSIVE_STOCKS,
    ALPACA,
    OANDA,
    SWISSQUOTE,
    GOLD_API,
    YAHOO_MINUTES,
)
BAR_PROVIDERS: Final[tuple[BarProvider, ...]] = (
    YAHOO,
    TIINGO,
    ALPACA_BARS,
    MASSIVE_BARS,
    TWELVEDATA_BARS,
    ALPHA_VANTAGE,
    STOOQ,
)
MACRO_PROVIDERS: Final[tuple[MacroProvider, ...]] = (
    FRED,
    FRED_GRAPH,
    CBOE,
    COINGECKO,
)
# The past closes of every token that ticks, of whichever venue, and of metals and currencies.
TICK_HISTORY: Final = COINBASE_HISTORY
SPOT_HISTORY: Final = OANDA_HISTORY


def streaming_venue(instrument: str) -> StreamingVenue | None:
    """Return the venue that streams an instrument, or None: then it has daily bars.

    Examples
    --------
    >>> streaming_venue("BTC/USD.KRAKEN").name
    'kraken'
    >>> streaming_venue("SLV.ARCX") is None
    True
    """
    code = instrument.rpartition(".")[2]
    return next((venue for venue in STREAMING_VENUES if venue.name.upper() == code), None)


def bar_provider(name: str) -> BarProvider:
    """Return a provider of daily bars by the name that the settings give it."""
    return next(provider for provider in BAR_PROVIDERS if provider.name == name)


def past_closes(symbol: str, settings: IngestorSettings) -> BarProvider | None:
    """Return who has the past closes of something that ticks; None if nobody that there is a key for.

    Examples
    --------
    >>> past_closes("PAXG/USD", IngestorSettings.model_construct()).name
    'coinbase'
    >>> past_closes("XAU/USD", IngestorSettings.model_construct()) is None
    True
    """
    if not is_over_the_counter(symbol):
        return TICK_HISTORY
    return SPOT_HISTORY if settings.oanda_token is not None and settings.oanda_account is not None else None


def macro_provider(series: str) -> MacroProvider:
    """Return the provider of a macro series such as ``fred:DFII10``.

    Raises
    ------
    ConfigError
        If there is none of that name.

    Examples
    --------
    >>> macro_provider("cboe:VIX").name
    'cboe'
    """
    name = series.partition(":")[0]
    for provider in MACRO_PROVIDERS:
        if provider.name == name:
            return provider
    known = ", ".join(provider.name for provider in MACRO_PROVIDERS)
    raise ConfigError(f"CONVEX_INGESTOR_MACRO_SERIES: {series}: {name} is no provider; known are {known}")
