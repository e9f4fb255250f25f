"""Server-sent events: what changed, as fast as a client takes it, and nothing piles up for it.

Each client has a cursor into the view, not a queue: of the snapshots that came while it was busy it gets the
latest, of the divergences all, as long as they are kept. A client that takes nothing for too long is dropped.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.dashboard.metrics import DashboardMetrics
from services.dashboard.view import PairsView, PublishedSnapshot

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Tells nginx not to hold the stream back.
    (b"x-accel-buffering", b"no"),
]
# Browsers come back after this long.
_PREAMBLE: Final = b"retry: 2000\n\n"
_EVENTS_AT_ONCE: Final = 100


class Source(Protocol):
    """What one client has yet to be told."""

    def pending(self) -> bytes:
        """Return what is new since the last call; empty when nothing is."""
        ...

    def heartbeat(self) -> bytes:
        """Return what shows that the connection lives."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What a live connection may cost; see `DashboardSettings` for the meaning."""

    max_streams: int
    heartbeat_seconds: float
    send_timeout_seconds: float
    least_interval_seconds: float


class Streams:
    """Serve live connections until told to close.

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
        """Refuse one connection more than there may be.

        Raises
        ------
        HTTPException
            503 with the time after which to try again.
        """
        if len(self._wakes) >= self._limits.max_streams:
            self._metrics.streams_refused.inc()
            detail = f"{self._limits.max_streams} live connections are open, which is as many as there may be"
            raise HTTPException(503, detail=detail, headers={"retry-after": "30"})

    def close(self) -> None:
        """End every connection."""
        self._is_closing = True
        for wake in self._wakes:
            wake.set()

    async def serve(self, pair: str, source: Source, *, receive: Receive, send: Send) -> None:
        """Tell a client what changes on a pair, until it goes, is dropped, or we close.

        The order of effects: subscribe, send what is pending, wait; so no change falls between.
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
                # Not everything may be sent at once: ask until there is no more.
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


class PairSource:
    """The API's stream: ``snapshot`` and ``divergence`` events in the JSON of the contracts.

    Where divergences that the client still had to get are no longer kept, a ``gap`` event says so.

    Parameters
    ----------
    after
        Divergences up to this sequence are known to the client; None: it wants the coming ones only.
    """

    def __init__(self, view: PairsView, pair: str, *, after: int | None) -> None:
        self._view = view
        self._pair = pair
        self._after = view.last_sequence(pair) if after is None else after
        self._shown: PublishedSnapshot | None = None

    def pending(self) -> bytes:
        """Return the events since the last call."""
        parts = []
        for one in self._view.events_after(self._pair, self._after, limit=_EVENTS_AT_ONCE):
            sequence = one.event.sequence
            if sequence != self._after + 1:
                parts.append(event_bytes("gap", orjson.dumps({"after": self._after, "next": sequence})))
            parts.append(b"id: %d\n" % sequence + event_bytes("divergence", one.value))
            self._after = sequence
        latest = self._view.latest(self._pair)
        if latest is not None and latest is not self._shown:
            self._shown = latest
            parts.append(event_bytes("snapshot", latest.value))
        return b"".join(parts)

    def heartbeat(self) -> bytes:
        """Return a comment."""
        return b": beat\n\n"


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
