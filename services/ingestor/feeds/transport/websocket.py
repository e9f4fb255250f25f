"""Frames from a websocket."""

import asyncio
import logging
from socket import SOCK_STREAM
from typing import Any, Final
from urllib.parse import urlencode

from aiohappyeyeballs import start_connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.proxy import get_proxy
from websockets.uri import WebSocketURI, parse_uri

from services.ingestor.feeds.transport.carrier import (
    HAPPY_EYEBALLS_SECONDS,
    ChannelEnded,
    Endpoint,
    refused_by_status,
    server_time,
)
from services.ingestor.feeds.transport.http_clients import USER_AGENT
from shared.clock import Clock
from shared.errors import ConfigError

# Above `MAX_FRAME_BYTES`, so that a frame too long to be read is counted and the connection kept.
MAX_MESSAGE_BYTES: Final = 2 << 20
# Frames that wait to be read; then the socket is read no further, and the venue notices. With messages of the
# greatest length these are 32 MiB for a connection.
MAX_FRAMES_QUEUED: Final = 16
# A dead peer does not answer a closing handshake either.
_CLOSE_SECONDS: Final = 1.0

# The library logs whole requests, with the keys in their addresses, once its level is lowered.
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.setLevel(logging.CRITICAL + 1)


class _ConnectOnce(connect):
    """Connect to the address itself: a redirect is an answer that opens nothing, like any other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error as it is."""
        return exc


class WebsocketChannel:
    """An open websocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        response = socket.response
        self.server_time = server_time(response.headers.get("Date") if response is not None else None)

    async def receive(self) -> str | bytes:
        """Return the next message."""
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise ChannelEnded("closed", str(error)) from None

    async def send(self, frame: str) -> None:
        """Send a text message."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed as error:
            raise ChannelEnded("closed", str(error)) from None

    async def close(self) -> None:
        """Close it."""
        await self._socket.close()


async def _connected(uri: WebSocketURI, *, timeout_seconds: float) -> dict[str, Any]:
    """Return a socket that is connected to a host, as the library's options; none where a proxy is set.

    asyncio can try a host's addresses side by side too, but in Python 3.11 it forgets the socket of an
    attempt that is given up as it succeeds.
    """
    if get_proxy(uri) is not None:
        return {}
    async with asyncio.timeout(timeout_seconds):
        addresses = await asyncio.get_running_loop().getaddrinfo(uri.host, uri.port, type=SOCK_STREAM)
        connection = await start_connection(addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS)
    return {"sock": connection} | ({"server_hostname": uri.host} if uri.secure else {})


async def open_websocket(
    endpoint: Endpoint, *, open_timeout_seconds: float, clock: Clock
) -> WebsocketChannel:
    """Return an open websocket; a host's addresses are tried side by side, and no redirect is followed.

    Raises
    ------
    ChannelEnded
        If it cannot be opened.
    ConfigError
        If the address is no websocket address.
    """
    query = urlencode(endpoint.query)
    joint = "&" if "?" in endpoint.url else "?"
    address = f"{endpoint.url}{joint}{query}" if query else endpoint.url
    try:
        uri = parse_uri(address)
    except (InvalidURI, ValueError):
        raise ConfigError(f"{endpoint.url}: is no websocket address") from None
    try:
        socket = await _ConnectOnce(
            address,
            **await _connected(uri, timeout_seconds=open_timeout_seconds),
            additional_headers=dict(endpoint.headers),
            max_size=MAX_MESSAGE_BYTES,
            max_queue=MAX_FRAMES_QUEUED,
            user_agent_header=USER_AGENT,
            open_timeout=open_timeout_seconds,
            close_timeout=_CLOSE_SECONDS,
            logger=_SILENT,
        )
    except InvalidStatus as error:
        response = error.response
        raise refused_by_status(
            response.status_code,
            bytes(response.body or b""),
            endpoint=endpoint,
            content_type=response.headers.get("Content-Type"),
            retry_after=response.headers.get("Retry-After"),
            at=clock.now(),
        ) from None
    except (OSError, TimeoutError, WebSocketException, ValueError, OverflowError) as error:
        # Whatever a server answers, it is the end of this attempt and of nothing else.
        raise ChannelEnded("unreachable", repr(error)) from None
    return WebsocketChannel(socket)
