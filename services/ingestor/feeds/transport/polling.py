"""Frames from answers that are asked for again and again; each answer is one frame.

An answer that is not news is a frame all the same: that it has been seen before is noticed where ticks are.

One failed request says nothing about the next: only `MAX_FAILED_REQUESTS` in a row end the connection. A
provider that asks for a pause or blocks us ends it at once, so that it gets its pause.
"""

import asyncio
from datetime import datetime
from typing import Final

import httpx
import structlog

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.transport.carrier import ChannelEnded, Endpoint, refused_by_status, server_time
from shared.clock import Clock

log = structlog.get_logger(__name__)

# The answers of polled venues have a few kilobytes.
MAX_POLLED_BYTES: Final = 1 << 20
MAX_FAILED_REQUESTS: Final = 3
_NOT_MODIFIED: Final = 304
_NEEDS_A_PAUSE: Final = frozenset({Refusal.THROTTLED, Refusal.TOO_MANY_CONNECTIONS, Refusal.BLOCKED})


class PollingChannel:
    """Ask at an interval; several failed requests in a row are the end.

    Parameters
    ----------
    first
        The answer that opened it.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        endpoint: Endpoint,
        *,
        first: str | bytes,
        first_at: datetime | None,
        every_seconds: float,
        timeout_seconds: float,
        clock: Clock,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self.server_time = first_at
        self._first: str | bytes | None = first
        self._last = first
        self._every_seconds = every_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._asked_at = clock.monotonic()
        self._failed = 0

    async def receive(self) -> str | bytes:
        """Wait for the next request's time, and return its answer."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        while True:
            await asyncio.sleep(max(0.0, self._asked_at + self._every_seconds - self._clock.monotonic()))
            self._asked_at = self._clock.monotonic()
            try:
                answer, at = await _ask(
                    self._client, self._endpoint, timeout_seconds=self._timeout_seconds, clock=self._clock
                )
            except ChannelEnded as ended:
                self._on_failed(ended)
                continue
            self._failed = 0
            self.server_time = at
            if answer is not None:
                self._last = answer
            return self._last

    def _on_failed(self, ended: ChannelEnded) -> None:
        """Note a failed request; raise it if it is the end."""
        self._failed += 1
        is_end = ended.refusal in _NEEDS_A_PAUSE or ended.retry_after_seconds is not None
        if is_end or self._failed >= MAX_FAILED_REQUESTS:
            raise ended
        # Without its words: they may hold keys, and the end of the connection tells them.
        log.info("poll_failed", url=self._endpoint.url, reason=ended.reason, in_a_row=self._failed)

    async def send(self, frame: str) -> None:
        """Do nothing: a polled venue takes nothing."""

    async def close(self) -> None:
        """Do nothing: no request is under way any more."""


async def open_polling(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    *,
    every_seconds: float,
    timeout_seconds: float,
    clock: Clock,
) -> PollingChannel:
    """Ask once, and return what asks again.

    Raises
    ------
    ChannelEnded
        If there is no answer, or one with another status than 200.
    """
    first, first_at = await _ask(client, endpoint, timeout_seconds=timeout_seconds, clock=clock)
    if first is None:
        raise ChannelEnded("refused", "HTTP 304 to a request without a condition")
    return PollingChannel(
        client,
        endpoint,
        first=first,
        first_at=first_at,
        every_seconds=every_seconds,
        timeout_seconds=timeout_seconds,
        clock=clock,
    )


async def _ask(
    client: httpx.AsyncClient, endpoint: Endpoint, *, timeout_seconds: float, clock: Clock
) -> tuple[str | bytes | None, datetime | None]:
    """Return the body of an answer, None if it says that nothing has changed, and the server's time."""
    try:
        request = client.build_request(
            "GET", endpoint.url, params=dict(endpoint.query) or None, headers=dict(endpoint.headers)
        )
        async with asyncio.timeout(timeout_seconds):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                body = await _bounded(response)
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
        # Its text may hold the address with its query.
        raise ChannelEnded("unreachable", type(error).__name__) from None
    at = server_time(response.headers.get("date"))
    if response.status_code == _NOT_MODIFIED:
        return None, at
    if response.status_code != 200:
        raise refused_by_status(
            response.status_code,
            body,
            endpoint=endpoint,
            content_type=response.headers.get("content-type"),
            retry_after=response.headers.get("retry-after"),
            at=clock.now(),
        )
    if body.lstrip()[:1] == b"<":
        raise ChannelEnded("refused", "a web page instead of data")
    try:
        return body.decode(), at
    except UnicodeDecodeError:
        return body, at


async def _bounded(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_POLLED_BYTES:
            raise ChannelEnded("refused", f"an answer of more than {MAX_POLLED_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
