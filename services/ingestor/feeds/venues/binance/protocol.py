"""Binance's spot streams, without I/O: frames in, events out.

- A misspelt or unknown stream is acknowledged like any other, and then sends nothing: only the first data
  shows that a subscription works.
- A quote (``bookTicker``) has no time. Its update id ``u`` only grows: a smaller one is an older quote.
- A trade's id ``t`` counts by one for each symbol, so that a missing one is noticed.
- A connection ends after 24 hours, or soon after a frame ``serverShutdown``.
- Names are in small letters in a stream's name, and in capitals in its data.

References
----------
github.com/binance/binance-spot-api-docs: web-socket-streams.md, errors.md.
"""

from typing import Any, Final

import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Rejected,
    Rotate,
    Trade,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import milliseconds, number, read_object, whole
from shared.errors import DataError, DecodeError, QualityError

_CHANNELS: Final = ("trade", "bookTicker")
_SHUTDOWN: Final = "serverShutdown"
_REFUSALS: Final = {-1121: Refusal.UNKNOWN_SYMBOL, -1003: Refusal.THROTTLED}


def pair_of(symbol: str) -> str:
    """Return Binance's name of a symbol.

    Examples
    --------
    >>> pair_of("PAXG/USDT")
    'PAXGUSDT'
    """
    return symbol.replace("/", "").upper()


class BinanceProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Ours, such as ``PAXG/USDT``.
    """

    def __init__(self, *symbols: str) -> None:
        self._symbols = {pair_of(symbol): symbol for symbol in symbols}
        self._last_update: dict[str, int] = {}

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection: one frame, of the five a second that are allowed."""
        streams = [f"{pair.lower()}@{channel}" for pair in self._symbols for channel in _CHANNELS]
        return (orjson.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1}).decode(),)

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            return [self._message(read_object(frame))]
        except DataError as error:
            return [Unreadable(error=error)]

    def _message(self, fields: dict[str, Any]) -> Event:
        error = fields.get("error", fields)
        if isinstance(error, dict) and "code" in error:
            return _rejection(error)
        if "id" in fields and "result" in fields:
            return Acknowledged() if fields["result"] is None else Heartbeat()
        # A combined stream wraps its data; a server about to stop does so or not.
        data = fields.get("data") if "stream" in fields else fields
        if not isinstance(data, dict):
            raise DecodeError("data must be an object")
        kind = data.get("e", "bookTicker" if "u" in data else None)
        if kind == _SHUTDOWN:
            return Rotate()
        symbol = self._symbols.get(str(data.get("s")))
        if symbol is None or kind not in _CHANNELS:
            return Unknown(kind=str(kind)[:40])
        return _trade(data, symbol) if kind == "trade" else self._quote(data, symbol)

    def _quote(self, data: dict[str, Any], symbol: str) -> Event:
        update, last = whole(data, "u"), self._last_update.get(symbol)
        if last is not None and update == last:
            return Heartbeat()
        if last is not None and update < last:
            raise QualityError(f"u must grow, was {update} after {last}", reason="out_of_order")
        bid, ask = number(data, "b"), number(data, "a")
        self._last_update[symbol] = update
        if bid == 0 or ask == 0:
            return OneSided(symbol=symbol)
        return Quote(ts_event_ns=None, bid=bid, ask=ask, is_snapshot=False, symbol=symbol)


def _trade(data: dict[str, Any], symbol: str) -> Event:
    return Trade(
        ts_event_ns=milliseconds(data, "T"),
        price=number(data, "p"),
        size=number(data, "q"),
        trade_id=whole(data, "t"),
        symbol=symbol,
    )


def _rejection(error: dict[str, Any]) -> Rejected:
    code = error["code"]
    refusal = _REFUSALS.get(code, Refusal.OTHER) if isinstance(code, int) else Refusal.OTHER
    return Rejected(message=f"{code}: {error.get('msg')}"[:200], refusal=refusal)
