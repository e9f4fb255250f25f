"""A server that speaks Coinbase Exchange's feed and public REST, well or badly."""

from datetime import UTC, datetime
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection

from tests.support.fake_feeds.http_server import Answer, HttpServer, Request
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault, Frame
from tests.support.fake_feeds.venue import (
    ENDINGS,
    FakeVenue,
    beat_for_ever,
    end,
    instant_of,
    moment,
    send,
    silence,
)

PRODUCT = "PAXG-USD"
CHANNELS = ("ticker", "matches", "heartbeat")


def ticker(bid: str, ask: str, *, age_seconds: float = 0.0, trade_id: int = 0) -> dict[str, Any]:
    return {
        "type": "ticker",
        "sequence": 37475248783 + trade_id * 7,
        "product_id": PRODUCT,
        "price": bid,
        "best_bid": bid,
        "best_bid_size": "0.46688654",
        "best_ask": ask,
        "best_ask_size": "1.56637040",
        "side": "buy",
        "time": moment(age_seconds),
        "trade_id": trade_id,
        "last_size": "0.1",
    }


def match(trade_id: int, *, kind: str = "match", age_seconds: float = 0.0) -> dict[str, Any]:
    return {
        "type": kind,
        "trade_id": trade_id,
        "side": "sell",
        "size": "0.04",
        "price": f"4000.{trade_id % 100:02}",
        "product_id": PRODUCT,
        "sequence": 333938798 + trade_id * 13,
        "time": moment(age_seconds),
    }


def heartbeat(last_trade_id: int) -> dict[str, Any]:
    return {
        "type": "heartbeat",
        "sequence": 90,
        "last_trade_id": last_trade_id,
        "product_id": PRODUCT,
        "time": moment(),
    }


def subscriptions(*channels: str) -> dict[str, Any]:
    return {
        "type": "subscriptions",
        "channels": [{"name": name, "product_ids": [PRODUCT], "account_ids": None} for name in channels],
    }


class FakeCoinbase(FakeVenue):
    """Follow a scenario on the first connection; later ones are good."""

    def __init__(self, scenario: str = "happy") -> None:
        super().__init__()
        self._scenario = scenario
        self._last_id = 100

    async def converse(self, socket: ServerConnection, number: int) -> None:
        self.received.append(orjson.loads(await socket.recv()))
        scenario = self._scenario if number == 1 else "second"
        if scenario == "ack_missing":
            await send(socket, subscriptions("heartbeat"))
        elif scenario != "bad_product":
            # Cumulative, one after the other, and data may come in between.
            await send(socket, subscriptions("ticker"), subscriptions(*CHANNELS))
        await send(socket, match(self._last_id, kind="last_match", age_seconds=600))
        if scenario in ENDINGS:
            await self._happy(socket)
            await end(socket, ENDINGS[scenario])
            return
        await getattr(self, f"_{scenario}")(socket)
        await beat_for_ever(socket, lambda: heartbeat(self._last_id))

    async def _happy(self, socket: ServerConnection) -> None:
        self._last_id = 101
        await send(
            socket,
            ticker("4000.0", "4000.5", age_seconds=300),
            match(101),
            ticker("4001.0", "4001.5", trade_id=101),
            heartbeat(101),
            ticker("4002.0", "4002.5"),
        )

    async def _second(self, socket: ServerConnection) -> None:
        self._last_id += 1
        await send(
            socket,
            ticker("4000.0", "4000.5", age_seconds=300),
            match(self._last_id),
            ticker("4003.0", "4003.5"),
        )

    async def _ack_missing(self, socket: ServerConnection) -> None:
        await send(socket, heartbeat(100))

    async def _bad_product(self, socket: ServerConnection) -> None:
        reason = f"{PRODUCT} is not a valid product"
        await send(socket, {"type": "error", "message": "Failed to subscribe", "reason": reason})

    async def _passing_error(self, socket: ServerConnection) -> None:
        await send(socket, {"type": "error", "message": "ErrSlowConsume", "reason": ""})

    async def _stale_snapshot(self, socket: ServerConnection) -> None:
        await send(socket, ticker("4000.0", "4000.5", age_seconds=3_600))

    async def _dup_trades(self, socket: ServerConnection) -> None:
        self._last_id = 102
        again = ticker("4001.0", "4001.5")
        await send(socket, ticker("4000.0", "4000.5"), match(101), match(101), match(102), again, again)

    async def _trade_gap(self, socket: ServerConnection) -> None:
        self._last_id = 105
        await send(socket, ticker("4000.0", "4000.5"), match(101), match(105))

    async def _hb_last_trade_id_ahead(self, socket: ServerConnection) -> None:
        """Trades 102 and 103 happen and no frame ever says so but the heartbeat."""
        self._last_id = 103
        await send(socket, ticker("4000.0", "4000.5"), match(101))

    async def _half_open(self, socket: ServerConnection) -> None:
        await self._happy(socket)
        await silence(socket)

    async def _empty_side_zero(self, socket: ServerConnection) -> None:
        await send(socket, ticker("4000.0", "4000.5"), ticker("0", "4001.5"), ticker("4002.0", "4002.5"))

    async def _odd_frames(self, socket: ServerConnection) -> None:
        await send(socket, ticker("4000.0", "4000.5"), '{"type":"mat', b"\x00", {"type": "rfq_match"})
        await send(socket, {**match(101), "trade_id": "101"}, ticker("4002.0", "4002.5"))


class CoinbaseFormat:
    """Write trades of the common scenarios as Coinbase does."""

    def __init__(self) -> None:
        self._last_id: int | None = None

    def greeting(self) -> list[Frame]:
        return []

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        if fault is Fault.UNKNOWN_SYMBOL:
            reason = f"{PRODUCT} is not a valid product"
            return [{"type": "error", "message": "Failed to subscribe", "reason": reason}]
        return [subscriptions("ticker"), subscriptions(*CHANNELS)]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return len(requests) == 1

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        self._last_id = number
        frame: Frame = {**match(number), "time": instant_of(at_ns)}
        prices = (4000 + number % 100 / 100, 0.04)
        return frame, ExpectedTick(symbol=symbol, prices=prices, ts_event_ns=at_ns // 1_000 * 1_000)

    def heartbeat(self) -> Frame | None:
        return heartbeat(self._last_id) if self._last_id is not None else {"type": "heartbeat"}

    def without_price(self, symbol: str) -> Frame:
        return {**ticker("1", "1"), "best_bid": None}


class CoinbaseRest:
    """Answer trades out of ids 1 to ``last_id``, and hourly candles but the ``missing`` ones."""

    def __init__(self, *, last_id: int = 200, page_rows: int = 1_000) -> None:
        self._last_id = last_id
        self._page_rows = page_rows
        self.missing: set[int] = set()
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        assert request.headers["user-agent"].startswith("convex")
        if request.path == f"/products/{PRODUCT}/trades":
            return self._trades(request)
        if request.path in (f"/products/{PRODUCT}/candles", "/products/BTC-USD/candles"):
            return self._candles(request)
        return Answer(status=404, body=b'{"message":"NotFound"}')

    def _trades(self, request: Request) -> Answer:
        before = int(request.query["after"])
        ids = range(min(before - 1, self._last_id), 0, -1)[: self._page_rows]
        rows = [
            {
                "time": "2020-03-20T00:36:59.860Z",
                "trade_id": number,
                "price": f"{4000 + number}.00000000",
                "size": "0.06469797",
                "side": "sell",
            }
            for number in ids
        ]
        headers = {"cb-after": str(ids[-1]), "cb-before": str(ids[0])} if ids else {}
        return Answer(body=orjson.dumps(rows), headers=headers)

    def _candles(self, request: Request) -> Answer:
        assert request.query["granularity"] == "3600"
        start, stop = (
            int(datetime.fromisoformat(request.query[name]).astimezone(UTC).timestamp())
            for name in ("start", "end")
        )
        assert 0 <= stop - start <= 300 * 3_600
        first = -(-start // 3_600) * 3_600
        hours = [hour for hour in range(first, stop + 1, 3_600) if hour not in self.missing][-300:]
        rows = [[hour, 1.0, 9_000.0, 4_000.0, candle_close(hour), 0.5] for hour in reversed(hours)]
        return Answer(body=orjson.dumps(rows))


def candle_close(hour: int) -> float:
    """Return the close of the candle that starts at an hour: different for each."""
    return 2_000.0 + (hour // 3_600 % 100_000) / 100
