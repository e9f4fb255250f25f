"""The newest price in Yahoo's chart of one-minute rows, without I/O: bodies of answers in, events out.

The last rows may be null, the newest row is of the minute that has not ended, and its stamp may be an instant
inside of it. A row's price is dated by the end of its minute, or by the last trade that Yahoo tells
(``regularMarketTime``) if that was earlier: never later than what Yahoo knows. Numbers are 32-bit floats
widened, so they are rounded to four decimals. Before the open, the chart is the last session's. Rows after
the close are not of the session. A row has no size of a trade, so its price is taken as a quote.
Yahoo has no keys: an answer "unauthorized" means that we are blocked for a while.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.streaming.polled_quotes import PolledQuotes
from services.ingestor.feeds.transport.json_fields import number, optional, read_object, rows, seconds, shown
from shared.domain.instants import NS_PER_SECOND
from shared.errors import DecodeError

_DECIMALS: Final = 4
_LONGEST_MESSAGE: Final = 150
_MINUTE_NS: Final = 60 * NS_PER_SECOND
_GRANULARITY: Final = "1m"


class YahooMinutesProtocol:
    """The protocol of one polled symbol.

    Parameters
    ----------
    symbol
        Such as ``IWM``.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._quotes = PolledQuotes(symbol)
        self._is_acknowledged = False

    def opening_frames(self) -> tuple[str, ...]:
        """Return nothing: the request says it all."""
        self._quotes.connect()
        return ()

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what an answer means; never raises on any input."""
        try:
            return self._answer(read_object(frame))
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _answer(self, fields: dict[str, Any]) -> list[Event]:
        # Errors about the access are in ``finance``, the others in ``chart``.
        chart = _object(fields, "chart" if "chart" in fields else "finance")
        if chart.get("error"):
            return [self._rejection(chart["error"])]
        results = rows(chart, "result")
        if not results:
            raise DecodeError("a chart must have a result")
        newest = _newest(results[0], self._symbol)
        if newest is not None:
            ts_event_ns, price = newest
            return self._quotes.events(ts_event_ns=ts_event_ns, bid=price, ask=price)
        # No row yet: just after the open.
        return [Acknowledged(symbol=self._symbol), Heartbeat()]

    def _rejection(self, error: Any) -> Rejected:
        words = shown(error, most=_LONGEST_MESSAGE)
        if isinstance(error, dict):
            code, description = error.get("code"), error.get("description")
            words = f"{shown(code)}: {shown(description, most=_LONGEST_MESSAGE)}"
        refusal = Refusal.OTHER
        if "not found" in words.lower():
            refusal = Refusal.UNKNOWN_SYMBOL
        elif "unauthorized" in words.lower() or "crumb" in words.lower():
            refusal = Refusal.BLOCKED
        elif "too many requests" in words.lower():
            refusal = Refusal.THROTTLED
        return Rejected(message=words, refusal=refusal, symbol=self._symbol)


def _newest(result: dict[str, Any], symbol: str) -> tuple[int, float] | None:
    """Return the time and the price of the newest row with a price, or None."""
    meta = _object(result, "meta")
    if meta.get("symbol") != symbol or meta.get("dataGranularity", _GRANULARITY) != _GRANULARITY:
        raise DecodeError(f"a chart must be of one-minute rows of {symbol}")
    stamps = result.get("timestamp") or []
    quotes = rows(_object(result, "indicators"), "quote")
    closes = (quotes[0].get("close") if quotes else None) or []
    if not isinstance(stamps, list) or not isinstance(closes, list) or len(stamps) != len(closes):
        raise DecodeError("a chart must have as many closes as timestamps")
    last_trade_ns = optional(seconds, meta, "regularMarketTime")
    end_ns = _end_of_session(meta)
    for stamp, close in zip(reversed(stamps), reversed(closes), strict=True):
        begin_ns = seconds({"timestamp": stamp}, "timestamp")
        if close is None or (end_ns is not None and begin_ns > end_ns):
            continue
        price = round(number({"close": close}, "close"), _DECIMALS)
        if last_trade_ns is None:
            return begin_ns, price
        return max(begin_ns, min(begin_ns + _MINUTE_NS, last_trade_ns)), price
    return None


def _end_of_session(meta: dict[str, Any]) -> int | None:
    period = meta.get("currentTradingPeriod")
    regular = period.get("regular") if isinstance(period, dict) else None
    return optional(seconds, regular, "end") if isinstance(regular, dict) else None


def _object(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise DecodeError(f"{name} must be an object, was {type(value).__name__}")
    return value
