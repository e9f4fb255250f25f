"""Massive's trades (``T``) and best quotes (``Q``) of US stocks.

Trades of all exchanges come together, so ``i`` is an id only together with the exchange ``x``, and ``q``
grows with gaps: a missing trade cannot be noticed. Some trades are reported late, at an average or at an
agreed price; their conditions say so, and their price is not the market's. ``t`` is in milliseconds.
A trade of less than one share has its size as text in ``ds``.

References
----------
massive-com/client-python, ``.massive/websocket.json``, /stocks/T and /stocks/Q; the conditions are those that
the consolidated feed does not let set the last price, odd lots (37) excepted: their price is the market's.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import Event, OneSided, Print, Quote, Unknown
from services.ingestor.feeds.transport.json_fields import milliseconds, number, optional, shown, text
from shared.errors import DecodeError

# Average price 2, bunched and late 5, settled in cash 7, derived from another price 10, extended hours and
# late 13, official close 15, official open 16, settled next day 20, price variation 21, prior reference
# price 22, seller's choice 29, sold last 30, 31, out of sequence 32, 33, stock and option 35, corrected
# close 38, cancelled 44, recovery 45, correction 46, as of another day 47 to 49, summary 51,
# contingent 52, 53, errored 54.
_NOT_THE_MARKETS_PRICE: Final = frozenset(
    {2, 5, 7, 10, 13, 15, 16, 20, 21, 22, 29, 30, 31, 32, 33, 35, 38, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54}
)


def read_stock(row: dict[str, Any]) -> Event:
    """Return what one event means.

    Raises
    ------
    DecodeError
        If it is not what the protocol allows.
    """
    match row.get("ev"):
        case "T":
            return _trade(row)
        case "Q":
            return _quote(row)
        case other:
            return Unknown(kind=shown(other))


def _trade(row: dict[str, Any]) -> Event:
    symbol = text(row, "sym")
    conditions = row.get("c") or []
    if not isinstance(conditions, list):
        raise DecodeError("c must be an array of conditions")
    odd = [each for each in conditions if isinstance(each, int) and each in _NOT_THE_MARKETS_PRICE]
    if odd:
        return Unknown(kind=f"trade of condition {odd[0]}")
    size = optional(number, row, "ds")
    return Print(
        ts_event_ns=milliseconds(row, "t"),
        price=number(row, "p"),
        size=number(row, "s") if size is None else size,
        print_id=_print_id(row),
        symbol=symbol,
    )


def _print_id(row: dict[str, Any]) -> str | None:
    trade_id, exchange = row.get("i"), row.get("x")
    if not isinstance(trade_id, int | str) or not isinstance(exchange, int | str):
        return None
    return f"{exchange}:{trade_id}"[:60]


def _quote(row: dict[str, Any]) -> Event:
    symbol = text(row, "sym")
    bid, ask = optional(number, row, "bp"), optional(number, row, "ap")
    if not bid or not ask:
        return OneSided(symbol=symbol)
    return Quote(ts_event_ns=milliseconds(row, "t"), bid=bid, ask=ask, is_snapshot=False, symbol=symbol)
