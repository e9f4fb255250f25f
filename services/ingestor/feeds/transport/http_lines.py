"""Frames from the lines of one HTTP answer that does not end: one JSON object in each.

The server cuts its answer into chunks wherever it likes: a chunk may hold several lines, or a piece of one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import httpx

from services.ingestor.feeds.transport.carrier import (
    MAX_REFUSAL_BYTES,
    ChannelEnded,
    Endpoint,
    refused_by_status,
    server_time,
)
from services.ingestor.feeds.transport.json_fields import MAX_FRAME_BYTES
from shared.clock import Clock

# One byte more than a frame may have: the protocol then counts it as a frame that is too long.
MAX_LINE_BYTES: Final = MAX_FRAME_BYTES + 1


class LineSplitter:
    r"""Cut a stream of bytes into lines, with or without carriage returns; blank lines are skipped.

    Of a line longer than `MAX_LINE_BYTES` only the beginning is kept, so that no server can fill the memory.

    Examples
    --------
    >>> lines = LineSplitter()
    >>> lines.feed(b'{"a"'), lines.feed(b':1}\r\n\r\n{"b":2}\n{"c'), lines.feed(b'":3}\n')
    ([], [b'{"a":1}', b'{"b":2}'], [b'{"c":3}'])
    """

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete with a chunk."""
        *complete, rest = chunk.split(b"\n")
        lines = []
        for piece in complete:
            self._keep(piece)
            line = bytes(self._rest).strip()
            self._rest.clear()
            if line:
                lines.append(line)
        self._keep(rest)
        return lines

    def _keep(self, piece: bytes) -> None:
        self._rest += piece[: self._max_line_bytes - len(self._rest)]


class LinesChannel:
    """An open HTTP answer."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.server_time = server_time(response.headers.get("date"))
        # Raw: the request asked for no compression, and a few compressed bytes can be gigabytes.
        self._chunks: AsyncIterator[bytes] = response.aiter_raw()
        self._splitter = LineSplitter()
        self._waiting: deque[bytes] = deque()

    async def receive(self) -> str | bytes:
        """Return the next line; bytes if it is no UTF-8."""
        while not self._waiting:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                raise ChannelEnded("closed", "the answer is over") from None
            except (httpx.HTTPError, httpx.StreamError, OSError) as error:
                raise ChannelEnded("closed", type(error).__name__) from None
            self._waiting += self._splitter.feed(chunk)
        line = self._waiting.popleft()
        try:
            return line.decode()
        except UnicodeDecodeError:
            return line

    async def send(self, frame: str) -> None:
        """Do nothing: an HTTP answer takes nothing."""

    async def close(self) -> None:
        """Close the answer."""
        await self._response.aclose()


async def open_lines(
    client: httpx.AsyncClient, endpoint: Endpoint, *, open_timeout_seconds: float, clock: Clock
) -> LinesChannel:
    """Return an answer whose lines come in.

    Raises
    ------
    ChannelEnded
        If it cannot be opened, or has another status than 200.
    """
    timeout = httpx.Timeout(open_timeout_seconds, read=None)
    try:
        request = client.build_request(
            "GET",
            endpoint.url,
            params=dict(endpoint.query) or None,
            headers={"Accept-Encoding": "identity", **endpoint.headers},
            timeout=timeout,
        )
        async with asyncio.timeout(open_timeout_seconds):
            response = await client.send(request, stream=True, follow_redirects=False)
            if response.status_code == 200:
                return LinesChannel(response)
            try:
                body = await _beginning(response)
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
        # Its text may hold the address with its query.
        raise ChannelEnded("unreachable", type(error).__name__) from None
    raise refused_by_status(
        response.status_code,
        body,
        endpoint=endpoint,
        content_type=response.headers.get("content-type"),
        retry_after=response.headers.get("retry-after"),
        at=clock.now(),
    )


async def _beginning(response: httpx.Response) -> bytes:
    body = b""
    async for part in response.aiter_raw():
        body += part
        if len(body) >= MAX_REFUSAL_BYTES:
            break
    return body
