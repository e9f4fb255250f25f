"""A server that speaks Binance's combined streams and public REST."""

import asyncio
import time
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.support.fake_feeds.http_server import Answer, HttpServer, Request
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame, PlayedVenue, WireFormat
from tests.support.fake_feeds.venue import send

SYMBOL = "PAXG/USDT"
SHUTDOWN = {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1770123456789}}


def trade(trade_id: int, at_ns: int) -> dict[str, Any]:
    """Return a trade with every field, prices as text."""
    at_ms = at_ns // 1_000_000
    return {
        "stream": "paxgusdt@trade",
        "data": {
            "e": "trade",
            "E": at_ms + 1,
            "s": "PAXGUSDT",
            "t": trade_id,
            "p": f"4000.{trade_id % 100:02}000000",
            "q": "0.01000000",
            "T": at_ms,
            "m": True,
            "M": True,
        },
    }


def book_ticker(update: int, bid: str, ask: str) -> dict[str, Any]:
    data = {"u": update, "s": "PAXGUSDT", "b": bid, "B": "31.21000000", "a": ask, "A": "40.66000000"}
    return {"stream": "paxgusdt@bookTicker", "data": data}


class BinanceFormat:
    """Write trades of the common scenarios as Binance does; any stream is acknowledged."""

    def greeting(self) -> list[Frame]:
        return []

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        if request["method"] != "SUBSCRIBE":
            return [{"code": 2, "msg": "Invalid request: unknown variant"}]
        return [{"result": None, "id": request["id"]}]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return len(requests) == 1

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        at_ms = at_ns // 1_000_000
        expected = ExpectedTick(
            symbol=symbol, prices=(4000 + number % 100 / 100, 0.01), ts_event_ns=at_ms * 1_000_000
        )
        return trade(number, at_ns), expected

    def heartbeat(self) -> Frame | None:
        """Return a frame without a price: Binance has no heartbeat, but its quotes never cease."""
        return {"result": ["paxgusdt@trade", "paxgusdt@bookTicker"], "id": 3}

    def without_price(self, symbol: str) -> Frame:
        frame = book_ticker(1, "1", "1")
        return {**frame, "data": {**frame["data"], "b": None}}


class FakeBinance(PlayedVenue):
    """Announce the end of the first connection, and send the same market on it and on the second."""

    def __init__(self) -> None:
        super().__init__(BinanceFormat, scenario="server_shutdown", symbols=(SYMBOL,))
        self._is_second_open = asyncio.Event()
        self._open: list[ServerConnection] = []

    async def _happy(self, socket: ServerConnection, wire: WireFormat) -> None:
        self._open.append(socket)
        self._is_second_open.set()

    async def _server_shutdown(self, socket: ServerConnection, wire: WireFormat) -> None:
        self._open.append(socket)
        await self._market(3)
        await send(socket, SHUTDOWN)
        await self._is_second_open.wait()
        await self._market(40)
        await socket.close(1001)
        await self._market(3)

    async def _market(self, count: int) -> None:
        for _ in range(count):
            self._number += 1
            frames = (
                trade(self._number, time.time_ns()),
                book_ticker(self._number, f"4000.{self._number:02}", f"4001.{self._number:02}"),
            )
            for socket in tuple(self._open):
                try:
                    await send(socket, *frames)
                except ConnectionClosed:
                    self._open.remove(socket)
            await asyncio.sleep(0.01)


class BinanceRest:
    """Answer trades by id out of 1 to ``last_id``.

    Parameters
    ----------
    has_history
        As at api.binance.com; the host of market data refuses ``historicalTrades``.
    """

    def __init__(self, *, last_id: int = 200, page_rows: int = 1_000, has_history: bool = False) -> None:
        self._last_id = last_id
        self._page_rows = page_rows
        self._has_history = has_history
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        if request.query["symbol"] != "PAXGUSDT":
            return Answer(status=400, body=b'{"code":-1121,"msg":"Invalid symbol."}')
        if request.path == "/api/v3/trades":
            first = max(1, self._last_id + 1 - self._page_rows)
        elif request.path == "/api/v3/historicalTrades" and self._has_history:
            first = int(request.query["fromId"])
        else:
            return Answer(status=404, body=b'{"code":-1,"msg":"not here"}')
        ids = range(first, self._last_id + 1)[: self._page_rows]
        rows = [
            {
                "id": number,
                "price": f"{4000 + number}.50000000",
                "qty": "0.01000000",
                "quoteQty": "40.0",
                "time": 1_790_000_000_000 + number,
                "isBuyerMaker": True,
                "isBestMatch": True,
            }
            for number in ids
        ]
        return Answer(body=orjson.dumps(rows))
