"""Alpaca's websocket of US stocks, without I/O: frames in, events out.

Every frame is an array. The server speaks first, and each account has one connection. An acknowledgement
lists everything subscribed so far; a symbol that is not in it was rejected. Ids of trades are unique within
an exchange and a day and have gaps. Some trades are reported late or at an agreed price; their conditions
say so. Corrections (``c``) and cancellations (``x``) come without a subscription to them and are no ticks.
There is no heartbeat. Free accounts get IEX only, whose book is often empty on one side: a price of 0.

References
----------
docs.alpaca.markets, streaming-market-data and real-time-stock-pricing-data; codes 410 and 411 are from
alpacahq/alpaca-trade-api-go, ``marketdata/stream/errors.go``.
"""

from typing import Any, Final

import orjson
from pydantic import SecretStr

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    OneSided,
    Print,
    Quote,
    Refusal,
    Rejected,
    Reply,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.transport.json_fields import instant, number, optional, read_objects, shown, text
from shared.errors import DecodeError

_CHANNELS: Final = ("trades", "quotes")
# Any other code is of a fault of the moment: 400 syntax, 401 and 404 login too early or too late, 407 slow
# client, 500 internal error.
_REFUSALS: Final = {
    402: Refusal.ACCESS,  # auth failed
    405: Refusal.ACCESS,  # symbol limit of the plan exceeded
    406: Refusal.TOO_MANY_CONNECTIONS,
    408: Refusal.ACCESS,  # v2 not enabled
    409: Refusal.ACCESS,  # insufficient subscription
    410: Refusal.UNKNOWN_SYMBOL,  # invalid subscribe action for this feed
    411: Refusal.ACCESS,  # insufficient scope
    429: Refusal.THROTTLED,
}
_ALREADY_AUTHENTICATED: Final = 403
# Conditions of the consolidated feeds whose trades do not set the last price: average price B and W, settled
# in cash C, bunched and late G, price variation H, sold last L, official close M, settled next day N, prior
# reference price P, official open Q, seller's choice R, extended hours and late U, contingent V, out of
# sequence Z, derived from another price 4, qualified contingent 7, corrected close 9. Odd lots (I) and
# extended hours (T) are at the market's price.
_NOT_THE_MARKETS_PRICE: Final = frozenset("BCGHLMNPQRUVWZ479")
_LONGEST_MESSAGE: Final = 200


class AlpacaProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Such as ``IWM``.
    """

    def __init__(self, *, key_id: SecretStr, secret_key: SecretStr, symbols: tuple[str, ...]) -> None:
        self._key_id = key_id
        self._secret_key = secret_key
        self._symbols = symbols

    def opening_frames(self) -> tuple[str, ...]:
        """Return nothing: the server greets first."""
        return ()

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; never raises on any input."""
        try:
            rows = read_objects(frame)
        except DecodeError as error:
            return [Unreadable(error=error)]
        events: list[Event] = []
        for row in rows:
            try:
                events += self._events(row)
            except DecodeError as error:
                # The other messages of the frame are good all the same.
                events.append(Unreadable(error=error))
        return events

    def _events(self, row: dict[str, Any]) -> list[Event]:
        match row.get("T"):
            case "success":
                return [self._reply(row)]
            case "subscription":
                return self._acknowledgements(row)
            case "error":
                return [_rejection(row)]
            case "t" | "q" if row.get("S") not in self._symbols:
                return [Unknown(kind="another symbol")]
            case "t":
                return [_trade(row)]
            case "q":
                return [_quote(row)]
            case "c":
                return [Unknown(kind="correction of a trade")]
            case "x":
                return [Unknown(kind="cancellation of a trade")]
            case other:
                return [Unknown(kind=shown(other))]

    def _reply(self, row: dict[str, Any]) -> Event:
        match row.get("msg"):
            case "connected":
                key, secret = self._key_id.get_secret_value(), self._secret_key.get_secret_value()
                return _frame({"action": "auth", "key": key, "secret": secret})
            case "authenticated":
                return _frame({"action": "subscribe", **dict.fromkeys(_CHANNELS, self._symbols)})
            case other:
                return Unknown(kind=f"success {shown(other)}")

    def _acknowledgements(self, row: dict[str, Any]) -> list[Event]:
        listed = [row.get(channel) for channel in _CHANNELS]
        if not all(isinstance(symbols, list) for symbols in listed):
            raise DecodeError("an acknowledgement must list its trades and quotes")
        return [
            Acknowledged(symbol=symbol)
            if all(symbol in symbols or "*" in symbols for symbols in listed if symbols is not None)
            else Rejected(
                message=f"the acknowledgement does not list {symbol}",
                refusal=Refusal.UNKNOWN_SYMBOL,
                symbol=symbol,
            )
            for symbol in self._symbols
        ]


def _frame(fields: dict[str, Any]) -> Reply:
    return Reply(frame=orjson.dumps(fields).decode())


def _rejection(row: dict[str, Any]) -> Event:
    code, message = row.get("code"), shown(row.get("msg"), most=_LONGEST_MESSAGE)
    if code == _ALREADY_AUTHENTICATED:
        return Unknown(kind="already authenticated")
    refusal = _REFUSALS.get(code, Refusal.OTHER) if isinstance(code, int) else Refusal.OTHER
    return Rejected(message=f"{shown(code)}: {message}", refusal=refusal)


def _trade(row: dict[str, Any]) -> Event:
    conditions = row.get("c") or []
    if not isinstance(conditions, list):
        raise DecodeError("c must be an array of conditions")
    odd = [each for each in conditions if isinstance(each, str) and each in _NOT_THE_MARKETS_PRICE]
    if odd:
        return Unknown(kind=f"trade of condition {odd[0]}")
    return Print(
        ts_event_ns=instant(row, "t"),
        price=number(row, "p"),
        size=number(row, "s"),
        print_id=_print_id(row),
        symbol=text(row, "S"),
    )


def _print_id(row: dict[str, Any]) -> str | None:
    trade_id, exchange = row.get("i"), row.get("x")
    if not isinstance(trade_id, int | str) or not isinstance(exchange, str):
        return None
    return f"{exchange}:{trade_id}"[:60]


def _quote(row: dict[str, Any]) -> Event:
    symbol = text(row, "S")
    bid, ask = optional(number, row, "bp"), optional(number, row, "ap")
    if not bid or not ask:
        return OneSided(symbol=symbol)
    return Quote(ts_event_ns=instant(row, "t"), bid=bid, ask=ask, is_snapshot=False, symbol=symbol)
