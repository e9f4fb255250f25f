"""What the fake venues share: a websocket server whose every connection follows a scenario."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Self

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

HEARTBEAT_SECONDS = 0.05


def instant_of(at_ns: int) -> str:
    """Return an instant as venues write it, to the microsecond."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06}Z"


def moment(age_seconds: float = 0.0) -> str:
    """Return an instant so long ago as venues write it."""
    return (datetime.now(UTC) - timedelta(seconds=age_seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class FakeVenue:
    """Serve websocket connections on 127.0.0.1.

    Parameters
    ----------
    refuse_with
        HTTP status of the handshake while it is not None, and its headers.
    date_ahead
        By how many seconds the ``Date`` of the handshake is ahead of the true time.
    """

    def __init__(
        self, *, refuse_with: tuple[int, dict[str, str]] | None = None, date_ahead: float = 0.0
    ) -> None:
        self._date_ahead = date_ahead
        self._server: Server | None = None
        self._refuse_with = refuse_with
        self._conversations: set[asyncio.Task[Any]] = set()
        self.connections = 0
        self.handshakes = 0
        self.received: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            process_response=self._dated,
            close_timeout=0.2,
            ping_interval=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        for conversation in tuple(self._conversations):
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    def admit_all(self) -> None:
        """Refuse no handshake from now on."""
        self._refuse_with = None

    async def converse(self, socket: ServerConnection, number: int) -> None:
        """Follow the scenario on connection ``number``, counted from 1."""
        raise NotImplementedError

    def _admit(self, socket: ServerConnection, _request: Handshake) -> Response | None:
        self.handshakes += 1
        if self._refuse_with is None:
            return None
        status, headers = self._refuse_with
        response = socket.respond(HTTPStatus(status), "no\n")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def _dated(self, _socket: ServerConnection, _request: Handshake, response: Response) -> Response:
        if self._date_ahead:
            at = datetime.now(UTC) + timedelta(seconds=self._date_ahead)
            del response.headers["Date"]
            response.headers["Date"] = format_datetime(at, usegmt=True)
        return response

    async def _serve(self, socket: ServerConnection) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            await self.converse(socket, self.connections)
        except ConnectionClosed:
            return
        finally:
            self._conversations.discard(task)


async def send(socket: ServerConnection, *frames: dict[str, Any] | str | bytes) -> None:
    for frame in frames:
        await socket.send(orjson.dumps(frame).decode() if isinstance(frame, dict) else frame)


async def beat_for_ever(socket: ServerConnection, beat: Callable[[], dict[str, Any]]) -> None:
    while True:
        await send(socket, beat())
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def silence(socket: ServerConnection) -> None:
    """Send and read nothing more, and keep the connection open: what a cut cable looks like."""
    socket.transport.pause_reading()
    try:
        await asyncio.Event().wait()
    finally:
        socket.transport.abort()


async def end(socket: ServerConnection, how: int) -> None:
    """Close with a code; 1006 is no close frame at all."""
    if how == 1006:
        socket.transport.abort()
    else:
        await socket.close(how)


ENDINGS = {"close_1000": 1000, "close_1001": 1001, "close_1006": 1006, "close_1008": 1008}
