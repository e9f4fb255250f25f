"""A server that speaks Tiingo's websockets: currencies and metals, and stocks of IEX."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame

TOKEN = "t11ngo-key"
_NEW_YORK = timezone(timedelta(hours=-5))
_ERRORS: dict[Fault, tuple[int, str]] = {
    # It repeats the key.
    Fault.BAD_KEY: (401, f"Not authorized: {TOKEN}"),
    Fault.THROTTLED: (429, "Too many requests"),
}


class _TiingoFormat:
    """The envelope that both services have."""

    service = ""

    def greeting(self) -> list[Frame]:
        return []

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        is_known = request["authorization"] == TOKEN
        if fault is None and is_known:
            response = {"code": 200, "message": "Success"}
            return [{"response": response, "data": {"subscriptionId": 49792869}, "messageType": "I"}]
        code, message = _ERRORS[fault or Fault.BAD_KEY]
        return [{"messageType": "E", "response": {"code": code, "message": message}}]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return len(requests) == 1

    def heartbeat(self) -> Frame | None:
        return {"response": {"code": 200, "message": "HeartBeat"}, "messageType": "H"}

    def _data(self, *fields: Any) -> Frame:
        return {"messageType": "A", "service": self.service, "data": list(fields)}


class TiingoFxFormat(_TiingoFormat):
    """Quotes: sizes before the bid, and before the ask."""

    service = "fx"

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        bid, ask = 4389.1 + number, 4389.6 + number
        at_us = at_ns // 1_000
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000)
        time = at.isoformat(timespec="microseconds")
        frame = self._data("Q", "xauusd", time, 1_000_000.0, bid, (bid + ask) / 2, 2_000_000.0, ask)
        return frame, ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=at_us * 1_000)

    def without_price(self, symbol: str) -> Frame:
        return self._data("Q", "xauusd", "2026-10-02T20:59:58.123+00:00", None, None, None, 1.0, 4389.6)


class TiingoIexFormat(_TiingoFormat):
    """Reference prices: three fields without a type."""

    service = "iex"

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        price = 201.735 + number / 64
        seconds, rest = divmod(at_ns, 1_000_000_000)
        at = datetime.fromtimestamp(seconds, _NEW_YORK)
        frame = self._data(f"{at:%Y-%m-%dT%H:%M:%S}.{rest:09}-05:00", "iwm", price)
        return frame, ExpectedTick(symbol=symbol, prices=(price, price), ts_event_ns=at_ns)

    def without_price(self, symbol: str) -> Frame:
        return self._data("2026-10-02T15:59:58.123456789-04:00", "iwm", None)
