"""How three venues write the soak's ticks: Kraken, Coinbase and Binance, websocket and REST."""

import json
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from websockets.asyncio.server import ServerConnection

from tests.soak.market import quote_of, trade_price

Trades = deque[tuple[int, float]]


def _instant(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Format:
    """One connection's format."""

    name: ClassVar[str]

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.symbols: list[str] = []
        self.symbols_ready = False
        self.last_number = 0

    async def greet(self, socket: ServerConnection) -> None:
        """Send what a venue sends first."""

    async def answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        raise NotImplementedError

    def snapshot(self, symbol: str, number: int, trades: Trades) -> str:
        raise NotImplementedError

    def quote_text(self, symbol: str, bid: float, ask: float, stamp: float) -> str:
        raise NotImplementedError

    def trade_text(self, symbol: str, trade_id: int, price: float, stamp: float) -> str:
        raise NotImplementedError

    def quote(self, number: int, stamp: float, rate: float) -> list[str]:
        self.last_number = number
        bid, ask = quote_of(number, rate)
        return [self.quote_text(symbol, bid, ask, stamp) for symbol in self.symbols]

    def trade(self, trade_id: int, stamp: float, rate: float) -> list[str]:
        price = trade_price(trade_id, rate)
        return [self.trade_text(symbol, trade_id, price, stamp) for symbol in self.symbols]

    def beats(self, trades: Trades) -> list[str]:
        return []

    def bad(self, kind: str, number: int, stamp: float, rate: float) -> list[str]:
        """Return frames that must not be published."""
        bid, ask = quote_of(number, rate)
        symbol = self.symbols[0]
        match kind:
            case "bad_json":
                return ['{"channel":"ticker"', "\x00\xff"]
            case "crossed":
                return [self.quote_text(symbol, ask, bid, stamp)]
            case "future":
                return [self.quote_text(symbol, bid, ask, stamp + 3_600)]
            case "wide":
                return [self.quote_text(symbol, bid, round(bid * 1.2, 2), stamp)]
            case "duplicate":
                return self.quote(number, stamp, rate) if number % 10 else []
            case "old":
                return [self.quote_text(symbol, bid - 0.5, ask - 0.5, stamp - 600)]
            case _:
                return ['{"channel":"news","type":"news","data":[]}']

    @classmethod
    def rest(cls, path: str, query: dict[str, list[str]], trades: Trades, rate: float) -> Any:
        raise NotImplementedError


class Kraken(Format):
    name = "kraken"

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self._subscriptions = 0

    async def greet(self, socket: ServerConnection) -> None:
        status = {"version": "2", "system": "online", "api_version": "v2", "connection_id": 1 << 63}
        await socket.send(json.dumps({"channel": "status", "type": "update", "data": [status]}))

    async def answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        if message.get("method") != "subscribe":
            return
        params = message["params"]
        self.symbols = list(params["symbol"])
        for symbol in self.symbols:
            result = {"channel": params["channel"], "snapshot": True, "symbol": symbol}
            stamps = {"time_in": _instant(0), "time_out": _instant(0), "req_id": message["req_id"]}
            await socket.send(
                json.dumps({"method": "subscribe", "result": result, "success": True, **stamps})
            )
        self._subscriptions += 1
        self.symbols_ready = self._subscriptions == 2

    def snapshot(self, symbol: str, number: int, trades: Trades) -> str:
        rows = [
            self._row(symbol, trade_id, trade_price(trade_id, self.rate), at)
            for trade_id, at in list(trades)[-50:]
        ]
        return f'{{"channel":"trade","type":"snapshot","data":[{",".join(rows)}]}}'

    def quote_text(self, symbol: str, bid: float, ask: float, stamp: float) -> str:
        return (
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":{bid:.8f},"bid_qty":1.0,'
            f'"ask":{ask:.8f},"ask_qty":1.0,"last":0,"timestamp":"{_instant(stamp)}"}}]}}'
        )

    def trade_text(self, symbol: str, trade_id: int, price: float, stamp: float) -> str:
        return f'{{"channel":"trade","type":"update","data":[{self._row(symbol, trade_id, price, stamp)}]}}'

    def beats(self, trades: Trades) -> list[str]:
        return ['{"channel":"heartbeat"}']

    @staticmethod
    def _row(symbol: str, trade_id: int, price: float, stamp: float) -> str:
        return (
            f'{{"symbol":"{symbol}","side":"buy","price":{price:.4f},"qty":0.01,"ord_type":"limit",'
            f'"trade_id":{trade_id},"timestamp":"{_instant(stamp)}"}}'
        )

    @classmethod
    def rest(cls, path: str, query: dict[str, list[str]], trades: Trades, rate: float) -> Any:
        since = int(query.get("since", ["0"])[0])
        newer = [each for each in trades if each[1] * 1e9 > since][: int(query.get("count", ["1000"])[0])]
        rows = [[f"{trade_price(i, rate):.4f}", "0.01", round(at, 6), "b", "l", "", i] for i, at in newer]
        last = str(int(newer[-1][1] * 1e9)) if newer else str(since)
        return {"error": [], "result": {"PAXGUSD": rows, "last": last}}


class Coinbase(Format):
    name = "coinbase"

    async def answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        self.symbols = list(message["product_ids"])
        channels = [{"name": name, "product_ids": self.symbols} for name in message["channels"]]
        await socket.send(json.dumps({"type": "subscriptions", "channels": channels}))
        self.symbols_ready = True

    def snapshot(self, symbol: str, number: int, trades: Trades) -> str:
        trade_id, stamp = trades[-1] if trades else (1, 0.0)
        price = trade_price(trade_id, self.rate)
        return self.trade_text(symbol, trade_id, price, stamp).replace('"match"', '"last_match"')

    def quote_text(self, symbol: str, bid: float, ask: float, stamp: float) -> str:
        return (
            f'{{"type":"ticker","sequence":1,"product_id":"{symbol}","price":"{bid:.8f}","best_bid":"{bid:.8f}",'
            f'"best_ask":"{ask:.8f}","side":"buy","time":"{_instant(stamp)}","trade_id":1,"last_size":"0.01"}}'
        )

    def trade_text(self, symbol: str, trade_id: int, price: float, stamp: float) -> str:
        return (
            f'{{"type":"match","trade_id":{trade_id},"side":"sell","size":"0.01","price":"{price:.4f}",'
            f'"product_id":"{symbol}","sequence":1,"time":"{_instant(stamp)}"}}'
        )

    def beats(self, trades: Trades) -> list[str]:
        last = trades[-1][0] if trades else 0
        stamp = _instant((datetime.now(UTC) - timedelta()).timestamp())
        return [
            f'{{"type":"heartbeat","sequence":1,"last_trade_id":{last},"product_id":"{symbol}","time":"{stamp}"}}'
            for symbol in self.symbols
        ]

    @classmethod
    def rest(cls, path: str, query: dict[str, list[str]], trades: Trades, rate: float) -> Any:
        if path.endswith("/candles"):
            start = datetime.fromisoformat(query["start"][0]).timestamp()
            end = datetime.fromisoformat(query["end"][0]).timestamp()
            return [
                [at, 1_990.0, 2_010.0, 2_000.0, 2_000.0 + (at // 3_600) % 7, 1.0]
                for at in range(int(end), int(start) - 1, -3_600)
            ]
        after = int(query["after"][0])
        rows = [each for each in trades if each[0] < after][-int(query.get("limit", ["1000"])[0]) :]
        return [
            {
                "time": _instant(at),
                "trade_id": i,
                "price": f"{trade_price(i, rate):.4f}",
                "size": "0.01",
                "side": "sell",
            }
            for i, at in reversed(rows)
        ]


class Binance(Format):
    name = "binance"

    async def answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        self.symbols = sorted({stream.split("@")[0].upper() for stream in message["params"]})
        await socket.send(json.dumps({"result": None, "id": message["id"]}))
        self.symbols_ready = True

    def snapshot(self, symbol: str, number: int, trades: Trades) -> str:
        return '{"stream":"none","data":{"e":"none"}}'

    def quote_text(self, symbol: str, bid: float, ask: float, stamp: float) -> str:
        # The update id grows with time; a quote has no time of its own.
        data = f'{{"u":{int(stamp * 1e6)},"s":"{symbol}","b":"{bid:.8f}","B":"1","a":"{ask:.8f}","A":"1"}}'
        return f'{{"stream":"{symbol.lower()}@bookTicker","data":{data}}}'

    def trade_text(self, symbol: str, trade_id: int, price: float, stamp: float) -> str:
        at = int(stamp * 1_000)
        return (
            f'{{"stream":"{symbol.lower()}@trade","data":{{"e":"trade","E":{at},"s":"{symbol}","t":{trade_id},'
            f'"p":"{price:.4f}","q":"0.01","T":{at},"m":true,"M":true}}}}'
        )

    def bad(self, kind: str, number: int, stamp: float, rate: float) -> list[str]:
        # A quote without a time cannot be from the future; one that says so would hide all later ones.
        return [] if kind == "future" else super().bad(kind, number, stamp, rate)

    @classmethod
    def rest(cls, path: str, query: dict[str, list[str]], trades: Trades, rate: float) -> Any:
        limit = int(query.get("limit", ["1000"])[0])
        if "fromId" in query:
            rows = [each for each in trades if each[0] >= int(query["fromId"][0])][:limit]
        else:
            rows = list(trades)[-limit:]
        return [
            {"id": i, "price": f"{trade_price(i, rate):.4f}", "qty": "0.01", "time": int(at * 1_000)}
            for i, at in rows
        ]


FORMATS: Final[dict[str, type[Format]]] = {each.name: each for each in (Kraken, Coinbase, Binance)}
