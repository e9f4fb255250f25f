"""Twelve Data's websocket, without I/O: frames in, events out.

- One reply comes for the whole subscription, with status ``warning`` or ``error`` where some symbols failed:
  each symbol stands in ``success`` or ``fails``, and either list may be null.
- Times are whole seconds: many ticks share one, and their order is the order in which they come.
- The first price of a symbol on a connection may be from before the weekend: it is a snapshot.
- ``bid`` and ``ask`` may be missing; then the price stands for both.
- There are no ids and no trades: a stock's price has the day's volume, not its own.
- The server wants a heartbeat about every ten seconds and answers it; that answer is the only sign of a
  connection in a closed market.

References
----------
twelvedata.com/docs/llms/websocket; github.com/twelvedata/twelvedata-python, websocket.py.
"""

from typing import Any, Final

import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Quote,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import number, optional, read_object, seconds
from shared.errors import DecodeError

HEARTBEAT_FRAME: Final = '{"action":"heartbeat"}'
_REFUSALS: Final = (
    ("credits", Refusal.THROTTLED),
    ("too many requests", Refusal.THROTTLED),
    ("connection", Refusal.TOO_MANY_CONNECTIONS),
    ("not found", Refusal.UNKNOWN_SYMBOL),
    ("invalid symbol", Refusal.UNKNOWN_SYMBOL),
    ("apikey", Refusal.ACCESS),
    ("api key", Refusal.ACCESS),
    ("not authorized", Refusal.ACCESS),
    ("entitle", Refusal.ACCESS),
    ("permission", Refusal.ACCESS),
    ("not available", Refusal.ACCESS),
    ("plan", Refusal.ACCESS),
)
_WORDS_NAMES: Final = ("message", "messages", "msg", "reason", "error", "detail", "description")
_MOST_WORDS: Final = 200
_NO_REASON: Final = "refused without a reason"
_CODES: Final = {
    401: Refusal.ACCESS,
    403: Refusal.ACCESS,
    404: Refusal.UNKNOWN_SYMBOL,
    429: Refusal.THROTTLED,
}


class TwelveDataProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Such as ``XAU/USD`` and ``IWM``: ours are Twelve Data's own.
    """

    def __init__(self, *symbols: str) -> None:
        self._symbols = {symbol.upper(): symbol for symbol in symbols}
        self._has_price: set[str] = set()

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection."""
        subscribe = {"action": "subscribe", "params": {"symbols": ",".join(self._symbols)}}
        return (orjson.dumps(subscribe).decode(),)

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            fields = read_object(frame)
            match fields.get("event"):
                case "price":
                    return [self._price(fields)]
                case "heartbeat":
                    return [Heartbeat()]
                case "subscribe-status":
                    return self._subscription(fields)
                case _ if fields.get("status") == "error":
                    return [_rejection(fields)]
                case kind:
                    return [Unknown(kind=str(kind)[:40])]
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _price(self, fields: dict[str, Any]) -> Event:
        symbol = self._symbol_of(fields)
        if symbol is None:
            return Unknown(kind="price of another symbol")
        price = number(fields, "price")
        bid, ask = optional(number, fields, "bid"), optional(number, fields, "ask")
        if not bid or not ask:
            bid = ask = price
        ts_event_ns = seconds(fields, "timestamp")
        is_first = symbol not in self._has_price
        self._has_price.add(symbol)
        return Quote(ts_event_ns=ts_event_ns, bid=bid, ask=ask, is_snapshot=is_first, symbol=symbol)

    def _subscription(self, fields: dict[str, Any]) -> list[Event]:
        accepted: list[Event] = [
            Acknowledged(symbol=symbol)
            for each in _listed(fields, "success")
            if (symbol := self._symbol_of(each)) is not None
        ]
        failed: list[Event] = [
            _rejection(each, symbol=symbol)
            for each in _listed(fields, "fails")
            if (symbol := self._symbol_of(each)) is not None
        ]
        if not accepted and not failed:
            # Symbols that stand in neither list are waited for until the deadline.
            return [_rejection(fields)] if fields.get("status") == "error" else [Heartbeat()]
        return accepted + failed

    def _symbol_of(self, fields: dict[str, Any]) -> str | None:
        return self._symbols.get(str(fields.get("symbol")).upper())


def _listed(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise DecodeError(f"{name} must be an array of objects")
    return value


def _rejection(fields: dict[str, Any], *, symbol: str | None = None) -> Rejected:
    message = _words(fields)
    code = fields.get("code")
    # An entry without a reason says only that this symbol cannot be had.
    without_reason = Refusal.UNKNOWN_SYMBOL if symbol is not None and not message else Refusal.OTHER
    by_words = next((kind for words, kind in _REFUSALS if words in message.lower()), without_reason)
    refusal = _CODES.get(code, by_words) if isinstance(code, int) else by_words
    return Rejected(message=message or _NO_REASON, refusal=refusal, symbol=symbol)


def _words(fields: dict[str, Any]) -> str:
    """Return what is said of a failure, in the first field that has words; empty if none has."""
    for name in _WORDS_NAMES:
        said = fields.get(name)
        parts = said if isinstance(said, list) else [said]
        words = "; ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        if words:
            return words[:_MOST_WORDS]
    return ""
