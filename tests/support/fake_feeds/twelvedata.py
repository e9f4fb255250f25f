"""A server that speaks Twelve Data's websocket."""

from typing import Any

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame

KEY = "tw3lve-key"
_NOT_FOUND = "**symbol** not found. Please specify it correctly according to API Documentation."


class TwelveDataFormat:
    """Write the common scenarios as Twelve Data does: its times are whole seconds."""

    def greeting(self) -> list[Frame]:
        return []

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        if request["action"] == "heartbeat":
            return [{"event": "heartbeat", "status": "ok"}]
        symbols = request["params"]["symbols"].split(",")
        if fault is Fault.BAD_KEY:
            # It repeats the key.
            message = f"**apikey** {KEY} is incorrect or not specified."
            return [{"event": "error", "code": 401, "message": message, "status": "error"}]
        failing = symbols if fault is Fault.UNKNOWN_SYMBOL else []
        failing = symbols[-1:] if fault is Fault.PARTIAL_FAILS else failing
        fails = [{"symbol": symbol, "message": _NOT_FOUND} for symbol in failing]
        success = [
            {"symbol": symbol, "exchange": "", "country": "", "type": ""}
            for symbol in symbols
            if symbol not in failing
        ]
        status = "warning" if fails else "ok"
        return [{"event": "subscribe-status", "status": status, "success": success or None, "fails": fails}]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return any(request["action"] == "subscribe" for request in requests)

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        at_seconds = at_ns // 1_000_000_000
        frame: dict[str, Any] = {"event": "price", "symbol": symbol, "currency": "USD"}
        if "/" in symbol:
            price, bid, ask = 4000.25 + number, 4000.0 + number, 4000.5 + number
            frame |= {"type": "Physical Currency", "timestamp": at_seconds}
            frame |= {"price": price, "bid": bid, "ask": ask}
        else:
            price = bid = ask = 200.25 + number / 64
            frame |= {"exchange": "NYSE", "mic_code": "ARCX", "type": "ETF", "timestamp": at_seconds}
            frame |= {"price": price, "day_volume": 15_991_537}
        return frame, ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=at_seconds * 1_000_000_000)

    def heartbeat(self) -> Frame | None:
        return None

    def without_price(self, symbol: str) -> Frame:
        return {
            "event": "price",
            "symbol": symbol,
            "timestamp": 1647950462,
            "price": None,
            "bid": 1,
            "ask": 1,
        }
