"""Read the answer to a webhook from a connection, whatever the other side sends.

aiohttp parses the answer and limits each line, each header and their number. It does not limit how many
interim answers (100 to 199) come before the answer, and a connection that it keeps for the next request may
receive bytes that nobody asked for. Here

- an answer is given up after a number of bytes, so that a receiver that sends without end costs neither
  memory nor time;
- an answer that the parser refuses keeps the status of its status line;
- bytes that come while no request waits for an answer close the connection, and so does an answer that has a
  body where HTTP allows none: they would be taken for the beginning of the next answer;
- a connection is closed at once, without waiting for the other side.
"""

import asyncio
from typing import Final

from aiohttp import ClientPayloadError, StreamReader, hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage

from services.notifier.core.http_answer import read_status

# More than any header (128 of 8 KiB at most are read, a few hundred bytes are usual) and the 64 KiB of a body
# that are used.
_MAX_ANSWER_BYTES: Final = 262_144
# Enough for the status line and some interim answers before it.
_BEGINNING_BYTES: Final = 4_096
_WITHOUT_BODY: Final = frozenset({204, 304})


class BoundedAnswer(ResponseHandler):
    """One connection to a receiver, with one request at a time."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._received_bytes = 0
        self._beginning = b""
        self._was_used = False

    def become_idle(self) -> None:
        """Expect nothing until the next request, with which aiohttp sets a parser again."""
        self._parser = None
        self._was_used = True
        self._received_bytes = 0
        self._beginning = b""

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        # aiohttp itself calls this with nothing, to go on after a pause.
        if self._was_used and self._parser is None and data:
            self.abort()
            return
        if self._received_bytes > _MAX_ANSWER_BYTES:
            self._give_up()
            return
        self._received_bytes += len(data)
        if len(self._beginning) < _BEGINNING_BYTES:
            self._beginning += data[:_BEGINNING_BYTES]
        super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take a parsed answer."""
        message = data[0]
        if message.code in _WITHOUT_BODY and (
            message.chunked or message.headers.get(hdrs.CONTENT_LENGTH, "0") != "0"
        ):
            self.force_close()
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail, and keep the status of an answer that cannot be parsed."""
        if isinstance(exc, HttpProcessingError):
            exc.code = read_status(self._beginning)
        super().set_exception(exc, *cause)

    def close(self) -> None:
        """Close at once: a receiver that does not read or does not end TLS would keep the connection open."""
        self.abort()

    def _give_up(self) -> None:
        reason = f"the answer is longer than {_MAX_ANSWER_BYTES} bytes"
        payload = self._payload
        self.set_exception(HttpProcessingError(message=reason))
        if payload is not None:
            payload.set_exception(ClientPayloadError(reason))
        if self.transport is not None:
            self.transport.abort()
