"""An HTTP server that breaks the rules on purpose: each connection follows a script of its own."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Literal, Self

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
End = Literal["close", "reset", "hold", "next"]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request and return its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return await reader.readexactly(int(value))
    return b""


def sending(*parts: bytes | float, end: End = "close", times: int = 1) -> Script:
    """Return a script that reads a request and then sends bytes; a number is a pause in seconds.

    Parameters
    ----------
    end
        What becomes of the connection: it is closed, reset, left open without another byte, or open for the
        next request.
    times
        How many requests are answered in this way.
    """

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await read_request(reader)
            for part in parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
        if end == "reset":
            reset(writer)
        elif end in ("hold", "next"):
            await reader.read(1)

    return script


def sending_forever(beginning: bytes, again: bytes) -> Script:
    """Return a script that reads a request and then sends as fast as the other side reads."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(beginning)
        while True:
            writer.write(again)
            await writer.drain()

    return script


def before_the_request(*parts: bytes | float, end: End = "close") -> Script:
    """Return a script that does not wait for a request."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
            else:
                await asyncio.sleep(part)
        if end == "reset":
            reset(writer)
        elif end in ("hold", "next"):
            await reader.read()

    return script


def plain_bytes_within_tls(data: bytes) -> Script:
    """Return a script that reads a request and then sends bytes past the encryption."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        os.write(writer.get_extra_info("socket").fileno(), data)
        await reader.read()

    return script


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class HostileServer:
    """A server on 127.0.0.1; connection after connection takes the next script, the last one again and again.

    Examples
    --------
    ::

        async with HostileServer(sending(b"HTTP/1.1 204 No Content\\r\\n\\r\\n", end="reset")) as server:
            ...  # post to server.url
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        # The one of the last connection, or of every further one.
        self.script = scripts[-1]
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Return an address to send to."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever the scripts do."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        if self._scripts:
            self.script = self._scripts.pop(0)
        script = self.script
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()
