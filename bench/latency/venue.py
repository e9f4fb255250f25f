"""A server that speaks as much of Kraken's WebSocket v2 as it takes to stream quotes of one pair.

Every contestant connects to the same server; each frame goes to one of them, so both see the same rate.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SYMBOL = "PAXG/USD"


class Venue:
    """Serve on a free port of 127.0.0.1; the path of a connection is the contestant's name."""

    def __init__(self) -> None:
        self._ready: dict[str, ServerConnection] = {}
        self.sent_ns: dict[float, int] = {}

    def url(self, name: str) -> str:
        """Return where a contestant connects."""
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/{name}"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server: Server = await serve(self._serve, "127.0.0.1", 0, ping_interval=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        self._server.close()
        await self._server.wait_closed()

    def is_ready(self, name: str) -> bool:
        """Return whether a contestant has subscribed."""
        return name in self._ready

    async def quote(self, name: str, price: float, *, kind: str = "update") -> None:
        """Send one quote whose mid is ``price``, and note when."""
        frame = (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{SYMBOL}","bid":{price},"bid_qty":1.25,'
            f'"ask":{price},"ask_qty":0.8,"last":0,"volume":1.0,"vwap":1.0,"timestamp":"{_now()}"}}]}}'
        )
        self.sent_ns[price] = time.time_ns()
        await self._ready[name].send(frame)

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        name = urlsplit(socket.request.path).path.strip("/")
        try:
            await socket.send('{"channel":"status","type":"update","data":[{"system":"online"}]}')
            channels: set[str] = set()
            while channels != {"ticker", "trade"}:
                request = orjson.loads(await socket.recv())
                channel = request["params"]["channel"]
                channels.add(channel)
                acknowledgement = {
                    "method": "subscribe",
                    "success": True,
                    "result": {"channel": channel, "snapshot": True, "symbol": SYMBOL},
                    "req_id": request["req_id"],
                    "time_in": _now(),
                    "time_out": _now(),
                }
                await socket.send(orjson.dumps(acknowledgement).decode())
            self._ready[name] = socket
            while True:
                await asyncio.sleep(1)
                await socket.send('{"channel":"heartbeat"}')
        except ConnectionClosed:
            # The contestant may have connected again meanwhile.
            if self._ready.get(name) is socket:
                del self._ready[name]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
