"""Servers that speak as Massive's websockets do, well or badly."""

import asyncio
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame
from tests.support.fake_feeds.venue import FakeVenue, send

KEY = "m4ss1ve-k3y"
_CAP = "Maximum number of websocket connections exceeded."


def array(*events: dict[str, Any]) -> str:
    """Every frame of Massive is an array."""
    return orjson.dumps(events).decode()


def status(name: str, message: str) -> str:
    return array({"ev": "status", "status": name, "message": message})


def accepted(*subscriptions: str) -> list[Frame]:
    """One frame for each subscription."""
    return [status("success", f"subscribed to: {each}") for each in subscriptions]


class _MassiveFormat:
    """Write the frames that both kinds of markets have in common."""

    def greeting(self) -> list[Frame]:
        return [status("connected", "Connected Successfully")]

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        if request["action"] == "auth":
            if request["params"] != KEY or fault is Fault.BAD_KEY:
                # Some servers repeat the key.
                return [status("auth_failed", f"authentication failed: {request['params']}")]
            return [status("auth_success", "authenticated")]
        *good, last = request["params"].split(",")
        if fault is Fault.PARTIAL_FAILS:
            symbol = last.partition(".")[2]
            refused = status("error", f"not authorized to subscribe to {last}")
            return [*accepted(*(each for each in good if not each.endswith(f".{symbol}"))), refused]
        answers = accepted(*good, last)
        return [*answers, status("max_connections", _CAP)] if fault is Fault.TOO_MANY_CONNECTIONS else answers

    def is_subscribed(self, requests: list[Any]) -> bool:
        return [each["action"] for each in requests] == ["auth", "subscribe"]

    def heartbeat(self) -> Frame | None:
        return None


class MassiveForexFormat(_MassiveFormat):
    """Write quotes of a currency pair."""

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        bid, ask, ms = 4000.0 + number, 4000.5 + number, at_ns // 1_000_000
        # The exchange is a number or text.
        exchange = 48 if number % 2 else "44"
        quote = {"ev": "C", "p": symbol, "x": exchange, "a": ask, "b": bid, "t": ms}
        expected = ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=ms * 1_000_000)
        return array(quote), expected

    def without_price(self, symbol: str) -> Frame:
        return array({"ev": "C", "p": symbol, "x": 48, "a": 4000.0, "b": None, "t": 0})


class MassiveStocksFormat(_MassiveFormat):
    """Write trades and quotes of a stock in turn."""

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        price, ms = 240.0 + number / 100, at_ns // 1_000_000
        if number % 2:
            row = {
                "ev": "T",
                "sym": symbol,
                "x": 4,
                "i": str(number),
                "z": 2,
                "p": price,
                "s": 100,
                "c": [14],
            }
            prices = (price, 100.0)
        else:
            row = {
                "ev": "Q",
                "sym": symbol,
                "bx": 4,
                "bp": price,
                "bs": 1,
                "ax": 7,
                "ap": price + 0.01,
                "as": 2,
            }
            prices = (price, price + 0.01)
        expected = ExpectedTick(symbol=symbol, prices=prices, ts_event_ns=ms * 1_000_000)
        return array({**row, "t": ms, "q": number}), expected

    def without_price(self, symbol: str) -> Frame:
        return array({"ev": "Q", "sym": symbol, "bp": None, "ap": 240.0, "t": 0})


class CappedMassive(FakeVenue):
    """Refuse the first connections as Massive does: after everything has been accepted.

    Parameters
    ----------
    refused
        How many connections are refused before one is good.
    """

    def __init__(self, *, refused: int) -> None:
        super().__init__()
        self._refused = refused
        self.opened_at: list[float] = []

    async def converse(self, socket: ServerConnection, number: int) -> None:
        self.opened_at.append(asyncio.get_running_loop().time())
        wire = MassiveForexFormat()
        await send(socket, *wire.greeting())
        for _ in range(2):
            await send(socket, *wire.answer(orjson.loads(await socket.recv()), fault=None))
        if number <= self._refused:
            await send(socket, status("max_connections", _CAP))
            await socket.close(1008)
            return
        await asyncio.Event().wait()
