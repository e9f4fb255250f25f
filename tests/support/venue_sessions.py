"""Frames of every streaming venue, as its fake writes them: greeting, answers, ticks and heartbeats."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.ports import StreamingVenue, VenueProtocol
from tests.support.fake_feeds import alpaca, coinbase, finnhub, kraken, massive, oanda, tiingo, twelvedata
from tests.support.fake_feeds.binance import BinanceFormat, book_ticker
from tests.support.fake_feeds.played_venue import Fault
from tests.support.fake_feeds.polled import GoldApiFormat, SwissquoteFormat, YahooMinutesFormat
from tests.support.fake_feeds.venue import instant_of

SETTINGS: Final = IngestorSettings.model_validate(
    {
        "tiingo_token": tiingo.TOKEN,
        "finnhub_key": finnhub.KEY,
        "twelvedata_key": twelvedata.KEY,
        "massive_key": massive.KEY,
        "alpaca_key_id": alpaca.KEY_ID,
        "alpaca_secret_key": alpaca.SECRET_KEY,
        "oanda_token": oanda.TOKEN,
        "oanda_account": oanda.ACCOUNT,
    }
)
# Prices move little from one number to the next; trade ids go on.
_NUMBERS: Final = 16
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


@dataclass(frozen=True, kw_only=True)
class VenueSession:
    """What one venue sends on a connection.

    Parameters
    ----------
    make_format
        How the fake writes its frames; its ``tick`` is given a number and an instant.
    further
        Frames that the common scenarios do not have, for a number; their times are set.
    """

    venue: str
    symbol: str
    make_format: Callable[[], Any]
    further: Callable[[int], list[Any]] = field(default=lambda _: [])

    def streaming_venue(self) -> StreamingVenue:
        """Return the venue as the registry has it."""
        return next(each for each in STREAMING_VENUES if each.name == self.venue)

    def protocol(self) -> VenueProtocol:
        """Return the protocol of a new connection."""
        return self.streaming_venue().make_protocol(SETTINGS, (self.symbol,))

    def opening(self, protocol: VenueProtocol) -> list[str]:
        """Return what the venue sends before the first tick, refusals last."""
        wire = self.make_format()
        frames = [*wire.greeting()] if hasattr(wire, "greeting") else []
        if hasattr(wire, "answer"):
            requests = [orjson.loads(frame) for frame in protocol.opening_frames()]
            for fault in (None, *Fault):
                # Not every provider shows every fault.
                with contextlib.suppress(KeyError):
                    frames += [answer for request in requests for answer in wire.answer(request, fault=fault)]
        return [_text(frame) for frame in frames]

    def frames(self, at_ns: int) -> Iterator[Callable[[int], list[str]]]:
        """Return makers of frames of one instant, from a number that goes on."""
        wire = self.make_format()

        def ticks(number: int) -> list[str]:
            has_ids = self.venue in ("binance", "coinbase")
            frame, _ = wire.tick(self.symbol, number if has_ids else number % _NUMBERS, at_ns)
            return [_text(frame), *(_at(at_ns, _text(each)) for each in self.further(number))]

        def beats(_: int) -> list[str]:
            beat = wire.heartbeat() if hasattr(wire, "heartbeat") else None
            return [] if beat is None else [_at(at_ns, _text(beat))]

        yield ticks
        yield beats


def _text(frame: Any) -> str:
    if isinstance(frame, str):
        return frame
    return frame.decode() if isinstance(frame, bytes) else orjson.dumps(frame).decode()


def _at(at_ns: int, text: str) -> str:
    """Return a frame with every time of it set: some fakes write the present."""
    return _TIME.sub(instant_of(at_ns), text)


SESSIONS: Final = (
    VenueSession(
        venue="kraken",
        symbol="PAXG/USD",
        make_format=kraken.KrakenFormat,
        further=lambda number: [
            kraken.trades([number]),
            kraken.ticker("4000.1", "4000.9", kind="snapshot"),
            kraken.trades([number - 1, number], kind="snapshot"),
        ],
    ),
    VenueSession(
        venue="coinbase",
        symbol="PAXG/USD",
        make_format=coinbase.CoinbaseFormat,
        further=lambda number: [coinbase.ticker("4000.1", "4000.9"), coinbase.match(number)],
    ),
    VenueSession(
        venue="binance",
        symbol="PAXG/USDT",
        make_format=BinanceFormat,
        further=lambda number: [book_ticker(number, "4000.10", "4000.90")],
    ),
    VenueSession(venue="finnhub", symbol="XAU/USD", make_format=finnhub.FinnhubFormat),
    VenueSession(venue="finnhub", symbol="IWM", make_format=finnhub.FinnhubFormat),
    VenueSession(venue="twelvedata", symbol="XAU/USD", make_format=twelvedata.TwelveDataFormat),
    VenueSession(venue="twelvedata", symbol="IWM", make_format=twelvedata.TwelveDataFormat),
    VenueSession(venue="tiingo_fx", symbol="XAU/USD", make_format=tiingo.TiingoFxFormat),
    VenueSession(venue="tiingo_iex", symbol="IWM", make_format=tiingo.TiingoIexFormat),
    VenueSession(venue="massive", symbol="XAU/USD", make_format=massive.MassiveForexFormat),
    VenueSession(venue="massive_stocks", symbol="IWM", make_format=massive.MassiveStocksFormat),
    VenueSession(venue="alpaca", symbol="IWM", make_format=alpaca.AlpacaFormat),
    VenueSession(venue="oanda", symbol="XAU/USD", make_format=oanda.OandaFormat),
    VenueSession(venue="swissquote", symbol="XAU/USD", make_format=SwissquoteFormat),
    VenueSession(venue="gold_api", symbol="XAU/USD", make_format=GoldApiFormat),
    VenueSession(venue="yahoo_minutes", symbol="IWM", make_format=YahooMinutesFormat),
)
