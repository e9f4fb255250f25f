"""A server that speaks Kraken's WebSocket v2 and public REST, well or badly."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
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

SYMBOL = "PAXG/USD"
# Each connection is a task of its own, and asks for one symbol.
_symbol: ContextVar[str] = ContextVar("symbol", default=SYMBOL)
# Written before every price: PAXG at 4001.0 and BTC at 84001.0 cannot be mistaken for each other.
_DIGIT = {SYMBOL: "", "BTC/USD": "8"}
HEARTBEAT = {"channel": "heartbeat"}


def ticker(bid: str, ask: str, *, kind: str = "update", age_seconds: float = 0.0, stamp: bool = True) -> str:
    """Numbers are written as text, trailing zeros and exponents included."""
    timestamp = f',"timestamp":"{moment(age_seconds)}"' if stamp else ""
    symbol, digit = _symbol.get(), _DIGIT[_symbol.get()]
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{symbol}","bid":{digit}{bid},'
        f'"bid_qty":1.25000000,"ask":{digit}{ask},"ask_qty":0.80000000,"last":0,"volume":1.0,"vwap":1.0{timestamp}}}]}}'
    )


def trades(
    ids: Iterable[int], *, kind: str = "update", age_seconds: float = 0.0, qty: str = "0.00027625"
) -> str:
    symbol, digit = _symbol.get(), _DIGIT[_symbol.get()]
    rows = ",".join(
        f'{{"symbol":"{symbol}","side":"buy","price":{digit}4000.{number % 100:02},"qty":{qty},'
        f'"ord_type":"limit","trade_id":{number},"timestamp":"{moment(age_seconds)}"}}'
        for number in ids
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'


def status(system: str = "online") -> dict[str, Any]:
    # An id above 2**63: it must not pass through a double.
    data = {"version": "2.0.10", "system": system, "api_version": "v2", "connection_id": 15113583034416118705}
    return {"channel": "status", "type": "update", "data": [data]}


# Scenarios that later connections follow too.
_LASTING = frozenset({"ack_fail_for_good"})


class FakeKraken(FakeVenue):
    """Follow a scenario on the first connection of each symbol; later ones are good.

    Parameters
    ----------
    scenario
        Name of one in providers.md, section E.
    of_symbols
        Another scenario for some symbols.
    """

    def __init__(
        self,
        scenario: str = "happy",
        *,
        of_symbols: Mapping[str, str] | None = None,
        refuse_with: tuple[int, dict[str, str]] | None = None,
    ) -> None:
        super().__init__(refuse_with=refuse_with)
        self._scenario = scenario
        self._of_symbols = of_symbols or {}
        self.connections_of: Counter[str] = Counter()

    async def converse(self, socket: ServerConnection, number: int) -> None:
        await send(socket, status())
        request = orjson.loads(await socket.recv())
        (symbol,) = request["params"]["symbol"]
        _symbol.set(symbol)
        self.connections_of[symbol] += 1
        is_first = self.connections_of[symbol] == 1
        scenario = self._of_symbols.get(symbol, self._scenario)
        if not is_first and scenario not in _LASTING:
            scenario = "second"
        await self._acknowledge(socket, scenario, request)
        await self._acknowledge(socket, scenario, orjson.loads(await socket.recv()))
        script = getattr(self, f"_{scenario}", None)
        if script is not None:
            await script(socket)
        elif scenario in ENDINGS:
            await self._happy(socket)
            await end(socket, ENDINGS[scenario])
            return
        else:
            raise AssertionError(f"no such scenario: {scenario}")
        await beat_for_ever(socket, lambda: HEARTBEAT)

    async def _acknowledge(self, socket: ServerConnection, scenario: str, request: dict[str, Any]) -> None:
        self.received.append(request)
        channel, symbol = request["params"]["channel"], _symbol.get()
        stamps = {"time_in": moment(), "time_out": moment(), "req_id": request["req_id"]}
        error = {
            ("ack_fail_heartbeats_on", "ticker"): "Currency pair not supported XYZ/USD",
            ("ack_fail_for_good", "ticker"): "Currency pair not supported XYZ/USD",
            ("ack_fail_for_now", "ticker"): "EService:Unavailable",
        }.get((scenario, channel))
        if error is not None:
            await send(
                socket, {"error": error, "method": "subscribe", "success": False, "symbol": symbol, **stamps}
            )
        elif not (scenario == "ack_missing" and channel == "ticker"):
            result = {"channel": channel, "snapshot": True, "symbol": symbol}
            await send(socket, {"method": "subscribe", "result": result, "success": True, **stamps})

    async def _snapshot(self, socket: ServerConnection, last_id: int = 100) -> None:
        await send(
            socket,
            ticker("4000.0", "4000.5", kind="snapshot"),
            trades(range(last_id - 49, last_id + 1), kind="snapshot", age_seconds=600),
        )

    async def _happy(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("4001.0", "4001.5"), trades([101]), HEARTBEAT, ticker("4002.0", "4002.5"))

    async def _second(self, socket: ServerConnection) -> None:
        await self._snapshot(socket, last_id=101)
        await send(socket, ticker("4003.0", "4003.5"), trades([102]))

    async def _ack_fail_heartbeats_on(self, socket: ServerConnection) -> None:
        """Told in the acknowledgement."""

    async def _ack_fail_for_good(self, socket: ServerConnection) -> None:
        """Told in the acknowledgement, on every connection."""

    async def _ack_fail_for_now(self, socket: ServerConnection) -> None:
        """Told in the acknowledgement."""

    async def _ack_missing(self, socket: ServerConnection) -> None:
        """One of two subscriptions is never acknowledged."""

    async def _no_first_data(self, socket: ServerConnection) -> None:
        """Acknowledged, heartbeats on, and never any data."""

    async def _ack_ok_then_silence(self, socket: ServerConnection) -> None:
        await silence(socket)

    async def _half_open(self, socket: ServerConnection) -> None:
        await self._happy(socket)
        await silence(socket)

    async def _ping_only(self, socket: ServerConnection) -> None:
        await self._happy(socket)
        while True:
            await socket.ping()
            await asyncio.sleep(0.05)

    async def _heartbeat_only(self, socket: ServerConnection) -> None:
        await self._happy(socket)

    async def _dup_trades(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, trades([101]), trades([101, 102]), trades([102]))

    async def _trade_gap(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, trades([101]), trades([105, 106]))

    async def _snapshot_replay_over_gap(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, trades([101]), trades([104], kind="snapshot"))

    async def _stale_snapshot(self, socket: ServerConnection) -> None:
        await send(socket, ticker("4000.0", "4000.5", kind="snapshot", age_seconds=3_600))

    async def _unknown_type(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(
            socket, {"channel": "nonsense", "data": []}, {"method": "pong", "req_id": 9}, trades([101])
        )

    async def _bad_json(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, '{"channel":"trade","type":"upd', trades([101]))

    async def _many_bad_frames(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, *["{"] * 11)

    async def _binary_frame(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, b"\x00\x01", trades([101]))

    async def _huge_frame(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, '{"channel":"trade","junk":"' + "x" * (1 << 20) + '"}', trades([101]))

    async def _wrong_types(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(
            socket,
            {"channel": "ticker", "type": "update", "data": [{"symbol": SYMBOL, "bid": None, "ask": 1}]},
            {"channel": "trade", "type": "update", "data": {"symbol": SYMBOL}},
            trades([101]),
        )

    async def _empty_side_zero(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("0", "4001.5"), ticker("4001.0", "0.00000"), ticker("4002.0", "4002.5"))

    async def _trailing_zero(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("4001.63000", "4.00164e3"), trades([101], qty="1e-08"))

    async def _crossed(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("4002.0", "4001.0"), ticker("4002.0", "4002.5"))

    async def _clock_skew_future(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("4001.0", "4001.5", age_seconds=-60), ticker("4002.0", "4002.5"))

    async def _no_timestamp(self, socket: ServerConnection) -> None:
        await self._snapshot(socket)
        await send(socket, ticker("4001.0", "4001.5", stamp=False))

    async def _maintenance_status(self, socket: ServerConnection) -> None:
        await send(socket, status("maintenance"))
        for _ in range(20):
            await send(socket, HEARTBEAT)
            await asyncio.sleep(0.05)
        await send(socket, status())
        await self._happy(socket)


class KrakenFormat:
    """Write quotes of the common scenarios as Kraken does."""

    def greeting(self) -> list[Frame]:
        return [status()]

    def answer(self, request: Any, *, fault: Fault | None) -> list[Frame]:
        params = request["params"]
        about = {"method": "subscribe", "req_id": request["req_id"]}
        match fault:
            case Fault.UNKNOWN_SYMBOL:
                return [{**about, "success": False, "error": "Currency pair not supported PAXG/USD"}]
            case Fault.THROTTLED:
                return [{"Error": "Exceeded msg rate"}]
        result = {"channel": params["channel"], "symbol": params["symbol"][0], "snapshot": True}
        return [{**about, "success": True, "result": result}]

    def is_subscribed(self, requests: list[Any]) -> bool:
        return len(requests) == 2

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[Frame, ExpectedTick]:
        bid, ask = 4000.0 + number, 4000.5 + number
        row = {"symbol": symbol, "bid": bid, "ask": ask, "timestamp": instant_of(at_ns)}
        frame: Frame = {"channel": "ticker", "type": "update", "data": [row]}
        return frame, ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=at_ns // 1_000 * 1_000)

    def heartbeat(self) -> Frame | None:
        return HEARTBEAT

    def without_price(self, symbol: str) -> Frame:
        row = {"symbol": symbol, "bid": None, "ask": 4000.0, "timestamp": moment()}
        return {"channel": "ticker", "type": "update", "data": [row]}


class KrakenRest:
    """Answer ``Trades`` out of ids 1 to ``last_id``, in pages.

    Parameters
    ----------
    fault
        None, ``rate_limit`` (with HTTP 200), ``unknown_pair``, ``empty`` or ``html``.
    pair
        The only one that it knows, by REST's name.
    """

    def __init__(
        self,
        *,
        last_id: int = 200,
        page_rows: int = 1_000,
        fault: str | None = None,
        pair: str = "PAXGUSD",
    ) -> None:
        self._pair = pair
        self._last_id = last_id
        self._page_rows = page_rows
        self._fault = fault
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        assert request.path == "/0/public/Trades"
        assert request.query["pair"] == self._pair
        match self._fault:
            case "rate_limit":
                return Answer(body=b'{"error":["EAPI:Rate limit exceeded"]}')
            case "unknown_pair":
                return Answer(body=b'{"error":["EQuery:Unknown asset pair"]}')
            case "html":
                return Answer(body=b"<html>attention required</html>", content_type="text/html")
        first = 1
        if int(request.query["since"]) < 10**9:  # our own cursor, the id of the row before
            first = int(request.query["since"]) + 1
        ids = range(first, self._last_id + 1)[: self._page_rows] if self._fault != "empty" else range(0)
        rows = ",".join(
            f'["{4000 + number}.50000","0.00027625",1762795433.{number:07},"b","l","",{number}]'
            for number in ids
        )
        last = ids[-1] if ids else 0
        return Answer(body=f'{{"error":[],"result":{{"XPAXGZUSD":[{rows}],"last":"{last}"}}}}'.encode())
