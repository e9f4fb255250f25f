"""Tiingo's currencies and metals by websocket, without I/O: frames in, events out.

The order of the fields is the one below. Tiingo's documentation swaps the last two in its table, and not in
its example; so each frame must show that its middle is the middle, or it is refused.
"""

from typing import Any, Final

from services.ingestor.feeds.streaming.events import Event, OneSided, Quote, Unknown, Unreadable
from services.ingestor.feeds.transport.json_fields import instant, number, optional, read_object
from services.ingestor.feeds.venues.tiingo.envelope import data_or_event, named, require_mid, subscription
from shared.errors import DecodeError

_QUOTE: Final = ("type", "ticker", "time", "bid_size", "bid", "mid", "ask_size", "ask")


def fx_ticker(symbol: str) -> str:
    """Return Tiingo's name of a symbol.

    Examples
    --------
    >>> fx_ticker("XAU/USD")
    'xauusd'
    """
    return symbol.replace("/", "").lower()


class TiingoFxProtocol:
    """The protocol of one connection.

    Parameters
    ----------
    symbols
        Ours, such as ``XAU/USD``.
    """

    def __init__(self, *symbols: str, token: str, threshold_level: int) -> None:
        self._symbols = {fx_ticker(symbol): symbol for symbol in symbols}
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
            return [self._quote(data) if isinstance(data, list) else data]
        except DecodeError as error:
            return [Unreadable(error=error)]

    def _quote(self, data: list[Any]) -> Event:
        if data[:1] != ["Q"]:
            return Unknown(kind=f"data {data[:1]}"[:40])
        fields = named(data, _QUOTE)
        symbol = self._symbols.get(str(fields["ticker"]).lower())
        if symbol is None:
            return Unknown(kind="quote of another ticker")
        bid, ask = optional(number, fields, "bid"), optional(number, fields, "ask")
        if not bid or not ask:
            return OneSided(symbol=symbol)
        require_mid(bid=bid, ask=ask, mid=number(fields, "mid"))
        return Quote(ts_event_ns=instant(fields, "time"), bid=bid, ask=ask, is_snapshot=False, symbol=symbol)
