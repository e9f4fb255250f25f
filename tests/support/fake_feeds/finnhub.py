"""A server that speaks Finnhub's websocket."""

from typing import Any

from websockets.asyncio.server import ServerConnection

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame, PlayedVenue

KEY = "f1nnhub-key"
NAMES = {"XAU/USD": "OANDA:XAU_USD", "IWM": "IWM"}


class FinnhubFormat:
    """Write the common scenarios as Finnhub does: subscriptions are not acknowledged."""

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
        return [request["symbol"] for request in requests] == list(NAMES.values())

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


class FakeFinnhub(PlayedVenue):
    """A second connection with the same key ends the first."""

    def __init__(self) -> None:
        super().__init__(FinnhubFormat, scenario="happy", symbols=tuple(NAMES))
        self._present: ServerConnection | None = None
        self.targets: list[str] = []

    async def converse(self, socket: ServerConnection, number: int) -> None:
        assert socket.request is not None
        self.targets.append(socket.request.path)
        await self.kick()
        self._present = socket
        await super().converse(socket, number)

    async def kick(self) -> None:
        """End the present connection, as another client's does."""
        if self._present is not None:
            await self._present.close(1000)
