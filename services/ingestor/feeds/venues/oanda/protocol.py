"""OANDA's v20 pricing stream, without I/O: lines in, events out.

The first bucket of a side is not always its best price, a side may be empty, and ``closeoutBid`` and
``closeoutAsk`` are not the quote. The first price after connecting is a snapshot: on a weekend it is
Friday's and not tradeable. Times have nine decimals. Prices are sampled, at most four a second; there are no
trades, so nothing can be fetched later by its id, and candles are not ticks.
An answer in place of a line is an error, and so is one in place of the stream.

References
----------
oanda/v20-openapi, ``ClientPrice``, ``PricingHeartbeat``; developer.oanda.com, best practices.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Refusal,
    Rejected,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import instant, number, read_object, rows, shown
from shared.errors import DecodeError

_LONGEST_MESSAGE: Final = 200


class OandaProtocol:
    """The protocol of one stream.

    Parameters
    ----------
    symbols
        Ours by OANDA's names, such as ``XAU/USD`` by ``XAU_USD``.
    """

    def __init__(self, symbols: dict[str, str]) -> None:
        self._symbols = symbols
        self._is_acknowledged = False
        self._without_snapshot = set(symbols)

    def opening_frames(self) -> tuple[str, ...]:
        """Return nothing: the request says it all."""
        return ()

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a line means; never raises on any input."""
        # Lines may end with CRLF, and empty ones keep a proxy from closing the connection.
        if not frame.strip():
            return []
        try:
            return self._line(read_object(frame))
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _line(self, fields: dict[str, Any]) -> list[Event]:
        if "errorMessage" in fields:
            return [_rejection(fields)]
        match fields.get("type"):
            case "PRICE":
                event = self._price(fields)
            case "HEARTBEAT":
                event = Heartbeat(ts_event_ns=instant(fields, "time"))
            case other:
                return [Unknown(kind=shown(other))]
        if self._is_acknowledged:
            return [event]
        # The first line shows that the key and the instruments were accepted.
        self._is_acknowledged = True
        return [*(Acknowledged(symbol=symbol) for symbol in self._symbols.values()), event]

    def _price(self, fields: dict[str, Any]) -> Event:
        name = fields.get("instrument")
        symbol = self._symbols.get(name) if isinstance(name, str) else None
        if symbol is None:
            return Unknown(kind="another instrument")
        is_first = name in self._without_snapshot
        self._without_snapshot.discard(str(name))
        bids = [number(bucket, "price") for bucket in rows(fields, "bids")]
        asks = [number(bucket, "price") for bucket in rows(fields, "asks")]
        if not bids or not asks:
            return OneSided(symbol=symbol)
        return Quote(
            ts_event_ns=instant(fields, "time"),
            bid=max(bids),
            ask=min(asks),
            is_snapshot=is_first or not _is_tradeable(fields),
            symbol=symbol,
        )


def _is_tradeable(fields: dict[str, Any]) -> bool:
    # ``status`` is deprecated; ``tradeable`` is optional.
    tradeable = fields.get("tradeable")
    return tradeable is not False and fields.get("status", "tradeable") == "tradeable"


def _rejection(fields: dict[str, Any]) -> Rejected:
    code = shown(fields.get("errorCode"), most=_LONGEST_MESSAGE)
    message = shown(fields["errorMessage"], most=_LONGEST_MESSAGE)
    words = f"{code} {message}".lower()
    if "authoriz" in words or "forbidden" in words:
        refusal = Refusal.ACCESS
    elif "instrument" in words:
        refusal = Refusal.UNKNOWN_SYMBOL
    else:
        refusal = Refusal.OTHER
    return Rejected(message=message, refusal=refusal)
