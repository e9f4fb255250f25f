"""Every fake provider that the contract suite runs: a new adapter adds one entry.

The suite starts ``serve(scenario)``, connects the adapter with ``settings(url)``, and compares what is
published with ``server.expected``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

from tests.support.fake_feeds import finnhub, tiingo, twelvedata
from tests.support.fake_feeds.binance import BinanceFormat
from tests.support.fake_feeds.coinbase import CoinbaseFormat
from tests.support.fake_feeds.finnhub import FinnhubFormat
from tests.support.fake_feeds.kraken import KrakenFormat
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, PlayedVenue, WireFormat
from tests.support.fake_feeds.tiingo import TiingoFxFormat, TiingoIexFormat
from tests.support.fake_feeds.twelvedata import TwelveDataFormat

# Scenarios of all websocket providers; each adds the faults that it can show.
COMMON: Final = frozenset(
    {
        "happy",
        "ack_ok_then_silence",
        "half_open",
        "ping_only",
        "many_bad_frames",
        "close_1000",
        "close_1001",
        "close_1006",
        "close_1008",
        "unknown_type",
        "bad_json",
        "binary_frame",
        "huge_frame",
        "null_price",
        "clock_skew_future",
        "clock_skew_past",
    }
)
# For providers that acknowledge a subscription, and for those with a heartbeat.
WITH_ACKNOWLEDGEMENT: Final = frozenset({"ack_missing"})
WITH_HEARTBEAT: Final = frozenset({"no_first_data"})


class FakeServer(Protocol):
    """A running fake provider; ``expected`` grows with each good tick that it sends.

    ``connections`` counts those that were accepted, ``handshakes`` also those that were refused.
    """

    connections: int
    handshakes: int
    expected: list[ExpectedTick]

    @property
    def url(self) -> str: ...

    def heal(self) -> None:
        """Refuse nothing from now on."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


@dataclass(frozen=True, kw_only=True)
class FakeProvider:
    """One provider, as the contract suite sees it.

    Parameters
    ----------
    name
        Of the fake: the provider's, unless it has two.
    venue
        Name in the registry of the ingestor's feeds.
    symbols
        Ours, such as ``PAXG/USD``: all over one connection where the venue shares it, else one.
    serve
        Makes the server of a scenario.
    settings
        The ingestor's settings that name the server's address, and a key.
    scenarios
        Those that it can play.
    secrets
        What must appear in no log, metric, dead letter or recording.
    make_format
        How it writes its frames, where it is a `PlayedVenue`: the property tests change such frames.
    """

    name: str
    venue: str
    symbols: tuple[str, ...]
    serve: Callable[[str], FakeServer]
    settings: Callable[[str], Mapping[str, Any]]
    scenarios: frozenset[str] = field(default=COMMON)
    secrets: tuple[str, ...] = ()
    make_format: Callable[[], WireFormat] | None = None


def _played(
    venue: str,
    make_format: Callable[[], WireFormat],
    *symbols: str,
    settings: Callable[[str], Mapping[str, Any]],
    scenarios: frozenset[str],
    refusals: Mapping[Fault, int] | None = None,
    secrets: tuple[str, ...] = (),
) -> FakeProvider:
    """Return a provider that plays the common scenarios."""
    return FakeProvider(
        name=venue,
        venue=venue,
        symbols=symbols,
        serve=lambda scenario: PlayedVenue(
            make_format, scenario=scenario, symbols=symbols, refusals=refusals
        ),
        settings=settings,
        scenarios=COMMON | scenarios,
        secrets=secrets,
        make_format=make_format,
    )


FAKE_PROVIDERS: Final = (
    _played(
        "kraken",
        KrakenFormat,
        "PAXG/USD",
        settings=lambda url: {"kraken_websocket_url": url},
        scenarios=WITH_ACKNOWLEDGEMENT | WITH_HEARTBEAT | {"unknown_symbol", "throttled"},
    ),
    _played(
        "coinbase",
        CoinbaseFormat,
        "PAXG/USD",
        settings=lambda url: {"coinbase_websocket_url": url},
        scenarios=WITH_ACKNOWLEDGEMENT | WITH_HEARTBEAT | {"unknown_symbol"},
    ),
    _played(
        "binance",
        BinanceFormat,
        "PAXG/USDT",
        settings=lambda url: {"binance_websocket_url": url},
        scenarios=WITH_ACKNOWLEDGEMENT | {"blocked"},
        refusals={Fault.BLOCKED: 451},
    ),
    _played(
        "finnhub",
        FinnhubFormat,
        "XAU/USD",
        "IWM",
        settings=lambda url: {"finnhub_websocket_url": url, "finnhub_key": finnhub.KEY},
        scenarios=WITH_HEARTBEAT | {"bad_key", "unknown_symbol", "throttled", "stale_snapshot"},
        refusals={Fault.BAD_KEY: 401},
        secrets=(finnhub.KEY,),
    ),
    _played(
        "twelvedata",
        TwelveDataFormat,
        "XAU/USD",
        "IWM",
        settings=lambda url: {"twelvedata_websocket_url": url, "twelvedata_key": twelvedata.KEY},
        scenarios=WITH_ACKNOWLEDGEMENT
        | WITH_HEARTBEAT
        | {"bad_key", "unknown_symbol", "partial_fails", "stale_snapshot"},
        secrets=(twelvedata.KEY,),
    ),
    _played(
        "tiingo_fx",
        TiingoFxFormat,
        "XAU/USD",
        settings=lambda url: {"tiingo_fx_websocket_url": url, "tiingo_token": tiingo.TOKEN},
        scenarios=WITH_ACKNOWLEDGEMENT | WITH_HEARTBEAT | {"bad_key", "throttled"},
        secrets=(tiingo.TOKEN,),
    ),
    _played(
        "tiingo_iex",
        TiingoIexFormat,
        "IWM",
        settings=lambda url: {"tiingo_iex_websocket_url": url, "tiingo_token": tiingo.TOKEN},
        scenarios=WITH_ACKNOWLEDGEMENT | WITH_HEARTBEAT | {"bad_key", "throttled"},
        secrets=(tiingo.TOKEN,),
    ),
)
