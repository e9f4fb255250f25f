"""Server-sent events: send each client what changed, as fast as it reads, without a queue.

Each client has a cursor into the view. Of the snapshots that came while it was busy it gets only the latest,
of the divergence events all that are kept. A client that does not read for too long is dropped.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.dashboard.metrics import DashboardMetrics
from services.dashboard.view import PairsView

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Tells nginx not to buffer the stream.
    (b"x-accel-buffering", b"no"),
]
# Browsers reconnect after this long.
_PREAMBLE: Final = b"retry: 2000\n\n"


class Source(Protocol):
    """What one client has not been sent yet."""

    def pending(self) -> bytes:
        """Return what is new since the last call; empty when nothing is."""
        ...

    def heartbeat(self) -> bytes:
        """Return what shows that the connection is alive."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Limits of live connections; see `DashboardSettings` for the meaning."""

    max_streams: int
    heartbeat_seconds: float
    send_timeout_seconds: float
    least_interval_seconds: float


class Streams:
    """Serve live connections until closed.

    Parameters
    ----------
    view
        Wakes a connection when its pair changes.
    """

    def __init__(self, view: PairsView, *, limits: StreamLimits, metrics: DashboardMetrics) -> None:
        self._view = view
        self._limits = limits
        self._metrics = metrics
        self._wakes: set[asyncio.Event] = set()
        self._is_closing = False

    def refuse_when_full(self) -> None:
        """Refuse a connection beyond the limit.

        Raises
        ------
        HTTPException
            503 with the time after which to try again.
        """
        if len(self._wakes) >= self._limits.max_streams:
            self._metrics.streams_refused.inc()
            detail = f"the limit of {self._limits.max_streams} live connections is reached"
            raise HTTPException(503, detail=detail, headers={"retry-after": "30"})

    def close(self) -> None:
        """End every connection."""
        self._is_closing = True
        for wake in self._wakes:
            wake.set()

    async def serve(self, pair: str, source: Source, *, receive: Receive, send: Send) -> None:
        """Send a client the changes of a pair until it disconnects, is dropped, or the dashboard stops.

        The order of effects is subscribe, send what is pending, wait; so no change is missed.
        """
        wake = asyncio.Event()
        self._wakes.add(wake)
        self._metrics.streams.set(len(self._wakes))
        self._view.subscribe(pair, wake)
        gone = asyncio.create_task(_wait_until_gone(receive, wake))
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._send_body(send, _PREAMBLE)
            while not (gone.done() or self._is_closing):
                wake.clear()
                # One call does not always return everything.
                while news := source.pending():
                    await self._send_body(send, news)
                    await asyncio.sleep(self._limits.least_interval_seconds)
                try:
                    async with asyncio.timeout(self._limits.heartbeat_seconds):
                        await wake.wait()
                except TimeoutError:
                    await self._send_body(send, source.heartbeat())
            if not gone.done():
                await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            self._metrics.streams_dropped.labels("slow").inc()
        finally:
            gone.cancel()
            self._view.unsubscribe(pair, wake)
            self._wakes.discard(wake)
            self._metrics.streams.set(len(self._wakes))

    async def _send_body(self, send: Send, body: bytes) -> None:
        await self._send(send, {"type": "http.response.body", "body": body, "more_body": True})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        async with asyncio.timeout(self._limits.send_timeout_seconds):
            await send(message)


class StreamResponse(Response):
    """An ASGI response that is one live connection."""

    def __init__(self, streams: Streams, pair: str, source: Source) -> None:
        super().__init__()
        self._streams = streams
        self._pair = pair
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the connection until it ends."""
        await self._streams.serve(self._pair, self._source, receive=receive, send=send)


def event_bytes(name: str, data: bytes) -> bytes:
    r"""Return one server-sent event.

    Parameters
    ----------
    data
        JSON without line breaks, as orjson writes it.

    Examples
    --------
    >>> event_bytes("page", b'{"a":1}')
    b'event: page\ndata: {"a":1}\n\n'
    """
    # A line break would end the field: JSON that has one outside of its strings is written anew.
    if b"\n" in data or b"\r" in data:
        data = orjson.dumps(orjson.loads(data))
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


async def _wait_until_gone(receive: Receive, wake: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    wake.set()
