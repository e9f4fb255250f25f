"""Finnhub's websocket, without I/O: frames in, events out.

- A subscription is not acknowledged: only its data shows that it works. An error need not name its symbol.
- Everything comes as a ``trade``. An entry of a currency or a metal has volume 0 and is no trade but a
  price that somebody quotes; there is no bid and ask, so the price stands for both.
- The first price of a currency or metal on a connection may be from before the weekend: it is a snapshot.
- One frame has entries of several symbols, and some have the same time. There are no ids.
- ``ping`` comes about once a minute, is not documented, and wants no answer. In a closed market nothing
  else comes.
- A stock's trades have all conditions (``c``), odd lots and late reports included; none is left out here.

References
----------
finnhub.io/docs/api/websocket-trades; github.com/finnhubio/Finnhub-API/issues 158, 517.
"""

from typing import Any, Final

import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Event,
    Heartbeat,
    Print,
    Quote,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import milliseconds, number, optional, read_object, rows
from shared.errors import DecodeError

# In this order: "Invalid API key" is no invalid symbol.
_REFUSALS: Final = (
    ("limit reached", Refusal.THROTTLED),
    ("too many requests", Refusal.THROTTLED),
    ("connection", Refusal.TOO_MANY_CONNECTIONS),
    ("api key", Refusal.ACCESS),
    ("access", Refusal.ACCESS),
    # More symbols than the plan has: the key is good, and those before go on.
    ("too many symbols", Refusal.UNKNOWN_SYMBOL),
    ("symbol", Refusal.UNKNOWN_SYMBOL),
)


def finnhub_name(symbol: str) -> str:
    """Return Finnhub's name of a symbol; a currency or metal is a quote of the broker OANDA.

    A name with a colon is Finnhub's own already.

    Examples
    --------
    >>> finnhub_name("XAU/USD"), finnhub_name("IWM"), finnhub_name("BINANCE:PAXGUSDT")
    ('OANDA:XAU_USD', 'IWM', 'BINANCE:PAXGUSDT')
    """
    if "/" in symbol and ":" not in symbol:
        return f"OANDA:{symbol.replace('/', '_')}"
    return symbol


class FinnhubProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Ours, such as ``XAU/USD`` and ``IWM``.
    """

    def __init__(self, *symbols: str) -> None:
        self._symbols = {finnhub_name(symbol): symbol for symbol in symbols}
        self._has_price: set[str] = set()

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection: one frame for each symbol."""
        return tuple(orjson.dumps({"type": "subscribe", "symbol": name}).decode() for name in self._symbols)

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            fields = read_object(frame)
            match fields.get("type"):
                case "trade":
                    entries = rows(fields, "data")
                case "ping":
                    return [Heartbeat()]
                case "error":
                    return [self._rejection(fields)]
                case kind:
                    return [Unknown(kind=str(kind)[:40])]
        except DecodeError as error:
            return [Unreadable(error=error)]
        return [self._entry(entry) for entry in entries]

    def _entry(self, entry: dict[str, Any]) -> Event:
        """Read one entry; one that cannot be read does not take the others of its frame with it."""
        name = str(entry.get("s"))
        symbol = self._symbols.get(name)
        if symbol is None:
            return Unknown(kind="trade of another symbol")
        try:
            ts_event_ns, price = milliseconds(entry, "t"), number(entry, "p")
            size = optional(number, entry, "v") or 0.0
        except DecodeError as error:
            return Unreadable(error=error)
        if size == 0 and ":" in name:
            is_first = name not in self._has_price
            self._has_price.add(name)
            return Quote(ts_event_ns=ts_event_ns, bid=price, ask=price, is_snapshot=is_first, symbol=symbol)
        return Print(ts_event_ns=ts_event_ns, price=price, size=size, symbol=symbol)

    def _rejection(self, fields: dict[str, Any]) -> Rejected:
        message = str(fields.get("msg"))[:200]
        refusal = next((kind for words, kind in _REFUSALS if words in message.lower()), Refusal.OTHER)
        named = [symbol for name, symbol in self._symbols.items() if name in message.split()]
        return Rejected(message=message, refusal=refusal, symbol=named[0] if len(named) == 1 else None)
