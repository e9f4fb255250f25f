"""gold-api.com's price of a metal, without I/O: bodies of answers in, events out.

One price, neither bid nor ask, with the time of its last change: it repeats for as long as nothing changes.
"""

from typing import Any

from services.ingestor.feeds.streaming.events import (
    Event,
    Refusal,
    Rejected,
    Unreadable,
)
from services.ingestor.feeds.streaming.polled_quotes import PolledQuotes
from services.ingestor.feeds.transport.json_fields import instant, number, read_object, shown
from shared.errors import DecodeError


class GoldApiProtocol:
    """The protocol of one polled metal.

    Parameters
    ----------
    symbol
        Such as ``XAU/USD``.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._quotes = PolledQuotes(symbol)

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
        if "price" not in fields and ("error" in fields or "message" in fields):
            words = shown(fields.get("error") or fields.get("message"), most=200)
            is_unknown = "symbol" in words.lower() or "not found" in words.lower()
            return [
                Rejected(
                    message=words,
                    refusal=Refusal.UNKNOWN_SYMBOL if is_unknown else Refusal.OTHER,
                    symbol=self._symbol,
                )
            ]
        metal, _, currency = self._symbol.partition("/")
        # A service that has the currency as an option may answer in another one than asked for.
        if fields.get("symbol") != metal or fields.get("currency", currency) != currency:
            raise DecodeError(f"an answer must be the price of {metal} in {currency}")
        price = number(fields, "price")
        return self._quotes.events(ts_event_ns=instant(fields, "updatedAt"), bid=price, ask=price)
