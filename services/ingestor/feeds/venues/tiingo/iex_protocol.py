"""Tiingo's stocks of the exchange IEX by websocket, without I/O: frames in, events out.

========= ============================================== ====================================
level     data                                           what it becomes
========= ============================================== ====================================
6         ``[time, ticker, price]``, without a type      a quote: the price is bid and ask
5         16 fields: every trade, the greater quotes     trades and quotes
0         16 fields: every trade and every quote         trades and quotes
========= ============================================== ====================================

- Level 6 is a reference price that Tiingo derives; it is the only level without a contract with IEX. What
  its price is (a trade, a middle) is not documented, so it counts as a quote.
- In the 16 fields the ask comes before its size; for currencies it is the other way round.
- A time has nine decimals and New York's offset; the 16 fields have it as nanoseconds as well.
- A trade (``T``) has no bid and ask, a quote (``Q``) no last price; ``B`` takes a trade back.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import Event, OneSided, Print, Quote, Unknown, Unreadable
from services.ingestor.feeds.transport.json_fields import (
    instant,
    nanoseconds,
    number,
    optional,
    read_object,
)
from services.ingestor.feeds.venues.tiingo.envelope import data_or_event, named, require_mid, subscription
from shared.errors import DecodeError

_REFERENCE: Final = ("time", "ticker", "price")
_TOP: Final = (
    "type",
    "time",
    "nanoseconds",
    "ticker",
    "bid_size",
    "bid",
    "mid",
    "ask",
    "ask_size",
    "last",
    "last_size",
)


class TiingoIexProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Ours, such as ``IWM``.
    """

    def __init__(self, *symbols: str, token: str, threshold_level: int) -> None:
        self._symbols = {symbol.lower(): symbol for symbol in symbols}
        self._token = token
        self._threshold_level = threshold_level

    def opening_frames(self) -> tuple[str, ...]:
        """Return what to send on a new connection; it contains the key."""
        return (
            subscription(
                token=self._token, threshold_level=self._threshold_level, tickers=tuple(self._symbols)
            ),
        )

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            data = data_or_event(read_object(frame))
            return [self._tick(data) if isinstance(data, list) else data]
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _tick(self, data: list[Any]) -> Event:
        is_reference = len(data) == len(_REFERENCE)
        fields = named(data, _REFERENCE if is_reference else _TOP)
        symbol = self._symbols.get(str(fields["ticker"]).lower())
        if symbol is None:
            return Unknown(kind="data of another ticker")
        if is_reference:
            price, ts_event_ns = number(fields, "price"), instant(fields, "time")
            return Quote(ts_event_ns=ts_event_ns, bid=price, ask=price, is_snapshot=False, symbol=symbol)
        match fields["type"]:
            case "Q":
                return _quote(fields, symbol)
            case "T":
                return Print(
                    ts_event_ns=nanoseconds(fields, "nanoseconds"),
                    price=number(fields, "last"),
                    size=number(fields, "last_size"),
                    symbol=symbol,
                )
            case kind:
                return Unknown(kind=f"data {kind}"[:40])


def _quote(fields: dict[str, Any], symbol: str) -> Event:
    bid, ask = optional(number, fields, "bid"), optional(number, fields, "ask")
    if not bid or not ask:
        return OneSided(symbol=symbol)
    require_mid(bid=bid, ask=ask, mid=number(fields, "mid"))
    ts_event_ns = nanoseconds(fields, "nanoseconds")
    return Quote(ts_event_ns=ts_event_ns, bid=bid, ask=ask, is_snapshot=False, symbol=symbol)
