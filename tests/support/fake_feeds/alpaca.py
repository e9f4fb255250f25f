"""A server that speaks as Alpaca's websocket of stocks does."""

from typing import Any

import orjson

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame
from tests.support.fake_feeds.venue import instant_of

KEY_ID = "4lp4c4-1d"
SECRET_KEY = "4lp4c4-s3cr3t"


def array(*messages: dict[str, Any]) -> str:
    """Every frame of Alpaca is an array."""
    return orjson.dumps(messages).decode()


def error(code: int, message: str) -> str:
    return array({"T": "error", "code": code, "msg": message})


class AlpacaFormat:
    """Write trades and quotes of a stock in turn."""

    def greeting(self) -> list[Frame]:
        return [array({"T": "success", "msg": "connected"})]

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        if request["action"] == "auth":
            if (request["key"], request["secret"]) != (KEY_ID, SECRET_KEY) or fault is Fault.BAD_KEY:
                return [error(402, f"auth failed: {request['secret']}")]
            if fault is Fault.TOO_MANY_CONNECTIONS:
                return [error(406, "connection limit exceeded")]
            return [array({"T": "success", "msg": "authenticated"})]
        trades, quotes = request["trades"], request["quotes"]
        if fault is Fault.UNKNOWN_SYMBOL:
            trades = quotes = []
        if fault is Fault.PARTIAL_FAILS:
            trades, quotes = trades[:-1], quotes[:-1]
        # Corrections and cancellations are subscribed with the trades.
        lists = {
            "trades": trades,
            "quotes": quotes,
            "bars": [],
            "corrections": trades,
            "cancelErrors": trades,
        }
        return [array({"T": "subscription", **lists})]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return [each["action"] for each in requests] == ["auth", "subscribe"]

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        price = 240.0 + number / 100
        about = {"S": symbol, "t": instant_of(at_ns), "z": "B"}
        if number % 2:
            row = {"T": "t", "i": number, "x": "V", "p": price, "s": 100, "c": ["@", "I"], **about}
            prices = (price, 100.0)
        else:
            row = {
                "T": "q",
                "bx": "V",
                "bp": price,
                "bs": 1,
                "ax": "V",
                "ap": price + 0.01,
                "as": 2,
                "c": ["R"],
                **about,
            }
            prices = (price, price + 0.01)
        expected = ExpectedTick(symbol=symbol, prices=prices, ts_event_ns=at_ns // 1_000 * 1_000)
        return array(row), expected

    def heartbeat(self) -> Frame | None:
        return None

    def without_price(self, symbol: str) -> Frame:
        return array({"T": "q", "S": symbol, "bp": None, "ap": 240.0, "t": instant_of(0)})
