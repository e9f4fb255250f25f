"""Every fake provider that the contract suite runs: a new adapter adds one entry.

The suite starts ``serve(scenario)``, connects the adapter with ``settings(url)``, and compares what is
published with ``server.expected``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

from tests.support.fake_feeds import alpaca, finnhub, massive, oanda, tiingo, twelvedata
from tests.support.fake_feeds.alpaca import AlpacaFormat
from tests.support.fake_feeds.binance import BinanceFormat
from tests.support.fake_feeds.coinbase import CoinbaseFormat
from tests.support.fake_feeds.finnhub import FinnhubFormat
from tests.support.fake_feeds.kraken import KrakenFormat
from tests.support.fake_feeds.massive import MassiveForexFormat, MassiveStocksFormat
from tests.support.fake_feeds.oanda import OandaFormat
from tests.support.fake_feeds.played_lines import PlayedLines
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, PlayedVenue, WireFormat
from tests.support.fake_feeds.polled import (
    REFUSALS,
    AnswerFormat,
    GoldApiFormat,
    PlayedAnswers,
    SwissquoteFormat,
    YahooMinutesFormat,
)
from tests.support.fake_feeds.tiingo import TiingoFxFormat, TiingoIexFormat
from tests.support.fake_feeds.twelvedata import TwelveDataFormat

_SAMPLED_AT_NS: Final = 1_790_000_000_123_456_789
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
# Those of lines of one HTTP answer, and of answers that are asked for again and again.
OF_LINES: Final = COMMON - {"ping_only", "close_1001", "close_1008"}
OF_ANSWERS: Final = frozenset(
    {
        "happy",
        "many_bad_frames",
        "unknown_type",
        "bad_json",
        "binary_frame",
        "null_price",
        "clock_skew_future",
        "clock_skew_past",
    }
)


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
    samples
        Frames that it may send, where it is another server: the property tests change them too.
    """

    name: str
    venue: str
    symbols: tuple[str, ...]
    serve: Callable[[str], FakeServer]
    settings: Callable[[str], Mapping[str, Any]]
    scenarios: frozenset[str] = field(default=COMMON)
    secrets: tuple[str, ...] = ()
    make_format: Callable[[], WireFormat] | None = None
    samples: tuple[str, ...] = ()


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


def _polled(name: str, *, symbol: str, wire: AnswerFormat, setting: str) -> FakeProvider:
    return FakeProvider(
        name=name,
        venue=name,
        symbols=(symbol,),
        serve=lambda scenario: PlayedAnswers(wire, scenario=scenario, symbol=symbol),
        settings=lambda url: {setting: url},
        scenarios=OF_ANSWERS | {"bad_key", "unknown_symbol", "throttled"},
        samples=(
            wire.tick(symbol, 1, _SAMPLED_AT_NS)[0].decode(),
            wire.without_price(symbol, _SAMPLED_AT_NS).decode(),
            *(REFUSALS[fault].body.decode() for fault in (Fault.BAD_KEY, Fault.UNKNOWN_SYMBOL)),
        ),
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
    _played(
        "massive",
        MassiveForexFormat,
        "XAU/USD",
        "EUR/USD",
        settings=lambda url: {"massive_forex_websocket_url": url, "massive_key": massive.KEY},
        scenarios=WITH_ACKNOWLEDGEMENT | {"bad_key", "partial_fails", "too_many_connections"},
        secrets=(massive.KEY,),
    ),
    _played(
        "massive_stocks",
        MassiveStocksFormat,
        "IWM",
        "SPY",
        settings=lambda url: {"massive_stocks_websocket_url": url, "massive_key": massive.KEY},
        scenarios=WITH_ACKNOWLEDGEMENT | {"bad_key", "partial_fails", "too_many_connections"},
        secrets=(massive.KEY,),
    ),
    _played(
        "alpaca",
        AlpacaFormat,
        "IWM",
        "SPY",
        settings=lambda url: {
            "alpaca_websocket_url": url,
            "alpaca_key_id": alpaca.KEY_ID,
            "alpaca_secret_key": alpaca.SECRET_KEY,
        },
        scenarios=WITH_ACKNOWLEDGEMENT
        | {"bad_key", "unknown_symbol", "partial_fails", "too_many_connections"},
        secrets=(alpaca.KEY_ID, alpaca.SECRET_KEY),
    ),
    FakeProvider(
        name="oanda",
        venue="oanda",
        symbols=("XAU/USD",),
        serve=lambda scenario: PlayedLines(OandaFormat(), scenario=scenario, symbols=("XAU/USD",)),
        settings=lambda url: {
            "oanda_stream_url": url,
            "oanda_token": oanda.TOKEN,
            "oanda_account": oanda.ACCOUNT,
        },
        scenarios=OF_LINES | WITH_HEARTBEAT | {"bad_key", "unknown_symbol", "throttled"},
        # The account is part of the address, and no key.
        secrets=(oanda.TOKEN,),
        samples=(
            OandaFormat().tick("XAU/USD", 1, _SAMPLED_AT_NS)[0],
            OandaFormat().heartbeat(),
            *(
                OandaFormat().refusal(fault).body.decode()
                for fault in (Fault.BAD_KEY, Fault.UNKNOWN_SYMBOL, Fault.THROTTLED)
            ),
        ),
    ),
    _polled("swissquote", symbol="XAU/USD", wire=SwissquoteFormat(), setting="swissquote_url"),
    _polled("gold_api", symbol="XAU/USD", wire=GoldApiFormat(), setting="gold_api_url"),
    _polled("yahoo_minutes", symbol="IWM", wire=YahooMinutesFormat(), setting="yahoo_url"),
)
