"""A server that speaks Finnhub's websocket."""

from typing import Any

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame

KEY = "f1nnhub-key"
NAMES = {"XAU/USD": "OANDA:XAU_USD", "IWM": "IWM"}


class FinnhubFormat:
    """Write the common scenarios as Finnhub does: subscriptions are not acknowledged.

    Parameters
    ----------
    symbols
        Ours: the client asks for each in a frame of its own.
    """

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._names = [NAMES[symbol] for symbol in symbols]

    def greeting(self) -> list[Frame]:
        return []

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        match fault:
            case Fault.UNKNOWN_SYMBOL:
                return [{"type": "error", "msg": f"Invalid symbol {request['symbol']}"}]
            case Fault.THROTTLED:
                return [{"type": "error", "msg": "API limit reached. Please try again later."}]
        return []

    def is_subscribed(self, requests: list[Any]) -> bool:
        return [request["symbol"] for request in requests] == self._names

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        at_ms = at_ns // 1_000_000
        is_stock = "/" not in symbol
        price = 200.25 + number / 64 if is_stock else 4000.625 + number
        entry = {"s": NAMES[symbol], "p": price, "t": at_ms, "v": 7 if is_stock else 0}
        entry |= {"c": ["1", "12"]} if is_stock else {"c": None}
        prices = (price, 7.0) if is_stock else (price, price)
        frame: Frame = {"type": "trade", "data": [entry]}
        return frame, ExpectedTick(symbol=symbol, prices=prices, ts_event_ns=at_ms * 1_000_000)

    def heartbeat(self) -> Frame | None:
        return {"type": "ping"}

    def without_price(self, symbol: str) -> Frame:
        return {"type": "trade", "data": [{"s": NAMES[symbol], "p": None, "t": 1787059781134, "v": 0}]}
