"""An HTTP server that no client can fill: few connections, each for a short time and one request."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self, cast

from aiohttp import web

_MAX_CONNECTIONS: Final = 64
# Enough for 4 MiB at 150 kB/s, and the longest that a client can hold a connection without a request.
_CONNECTION_SECONDS: Final = 30.0
_MAX_HEADER_BYTES: Final = 4_096
_BACKLOG: Final = 64


class BoundedServer:
    """Answer requests until stopped.

    Parameters
    ----------
    answer
        Called with each request.
    max_connections
        More are closed at once.
    connection_seconds
        After this long a connection is cut, whatever it does.
    """

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        max_connections: int = _MAX_CONNECTIONS,
        connection_seconds: float = _CONNECTION_SECONDS,
    ) -> None:
        self._answer = answer
        self._max_connections = max_connections
        self._connection_seconds = connection_seconds
        self._open: set[_Connection] = set()
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises
        ------
        OSError
            If the address cannot be used.
        """
        self._server = web.Server(
            self._answer_and_close,
            access_log=None,
            keepalive_timeout=0,
            lingering_time=0,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._connection, host, port, backlog=_BACKLOG)
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut the connections."""
        if self._listening is not None:
            self._listening.close()
            for connection in tuple(self._open):
                connection.cut()
            await self._listening.wait_closed()
        if self._server is not None:
            await self._server.shutdown(timeout=1.0)

    async def __aenter__(self) -> Self:
        """Return itself; `start` listens."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def _answer_and_close(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._answer(request)
        response.force_close()
        return response

    def _connection(self) -> asyncio.Protocol:
        server = cast("web.Server", self._server)
        return _Connection(
            cast("asyncio.Protocol", server()),
            others=self._open,
            is_refused=len(self._open) >= self._max_connections,
            seconds=self._connection_seconds,
        )


class _Connection(asyncio.Protocol):
    """Pass everything on to another protocol, and cut the connection when its time is over."""

    def __init__(
        self, protocol: asyncio.Protocol, *, others: set["_Connection"], is_refused: bool, seconds: float
    ) -> None:
        self._protocol = protocol
        self._others = others
        self._is_refused = is_refused
        self._seconds = seconds
        self._transport: asyncio.Transport | None = None
        self._end: asyncio.TimerHandle | None = None

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._is_refused:
            self.cut()
            return
        self._others.add(self)
        self._end = asyncio.get_running_loop().call_later(self._seconds, self.cut)
        self._protocol.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_refused:
            return
        self._others.discard(self)
        if self._end is not None:
            self._end.cancel()
        self._protocol.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._is_refused else self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
