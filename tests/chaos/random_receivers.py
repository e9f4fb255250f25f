"""Receivers of webhooks and a mail server that answer at random, and keep what came and how they answered."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from random import Random
from types import TracebackType
from typing import Final, Self

_LONGEST_SECONDS: Final = 5.0


@dataclass(slots=True, kw_only=True)
class Call:
    """One request of a webhook, with wall time in nanoseconds.

    Parameters
    ----------
    ended_at_ns
        When it was answered, or when its sender closed the connection.
    status
        What was answered; None for nothing.
    """

    subscription: str
    webhook_id: str
    number: int
    body: bytes
    began_at_ns: int
    ended_at_ns: int | None = None
    status: int | None = None


@dataclass(slots=True, kw_only=True)
class TakenMail:
    """One mail that the server took, whether or not its sender learnt of it."""

    message_id: str
    recipient: str
    took_at_ns: int
    is_answered: bool = False


class RandomReceivers:
    """An HTTP server and an SMTP server on 127.0.0.1.

    Parameters
    ----------
    draw
        What is answered.
    is_well
        Everything is answered well and at once. It can be changed while they run.

    Examples
    --------
    ::

        async with RandomReceivers(Random(1)) as receivers:
            url = receivers.url("desk")  # its requests become calls of the subscription "desk"
    """

    def __init__(self, draw: Random, *, is_well: bool = False) -> None:
        self._draw = draw
        self.is_well = is_well
        self.calls: list[Call] = []
        self.mails: list[TakenMail] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def mail_port(self) -> int:
        """Return the port of the mail server."""
        return int(self._servers[1].sockets[0].getsockname()[1])

    def url(self, subscription: str) -> str:
        """Return the URL of a subscription."""
        port = self._servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/{subscription}"

    async def __aenter__(self) -> Self:
        """Listen."""
        for serve in (self._serve_http, self._serve_smtp):
            self._servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, closing what is open."""
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._serving(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._answer_request(reader, writer):
                pass

    async def _serve_smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._serving(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk_smtp(reader, writer)

    @contextlib.contextmanager
    def _serving(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(
            subscription=first.split(" ")[1].strip("/"),
            webhook_id=headers["webhook-id"],
            number=int(headers["convex-sequence"]),
            body=body,
            began_at_ns=time.time_ns(),
        )
        self.calls.append(call)
        try:
            return await self._answer_call(call, reader, writer)
        finally:
            call.ended_at_ns = time.time_ns()

    async def _answer_call(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        lot = 0.0 if self.is_well else self._draw.random()
        wait, status, more = 0.0, 204, ""
        if lot >= 0.95:
            writer.transport.abort()
            return False
        if lot >= 0.9:
            wait, status = _LONGEST_SECONDS, 0
        elif lot >= 0.88:
            status, more = 429, "retry-after: 1\r\n"
        elif lot >= 0.78:
            status = 503
        elif lot >= 0.76:
            status = 400
        elif lot >= 0.65:
            wait = self._draw.uniform(0.02, 0.3)
        if wait and not await _is_open_after(reader, wait):
            return False
        if status == 0:
            return False
        # Written down first: from here on the sender may learn of it.
        call.status = status
        length = "" if status == 204 else "content-length: 0\r\n"
        writer.write(f"HTTP/1.1 {status} Drawn\r\n{length}{more}\r\n".encode())
        await writer.drain()
        # Sometimes the connection ends right behind the answer.
        return lot < 0.62

    async def _talk_smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 relay.example ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            lot = 0.0 if self.is_well else self._draw.random()
            if verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            if verb == b"MAIL" and lot > 0.97:
                writer.write(b"421 busy\r\n")
                return
            if verb == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
                if lot > 0.97:
                    writer.write(b"550 nobody here\r\n" if lot > 0.985 else b"451 later\r\n")
                    continue
            if verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                if not await self._answer_mail(content, recipient, reader, writer):
                    return
                continue
            writer.write(b"250 fine\r\n")

    async def _answer_mail(
        self, content: bytes, recipient: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        lot = 0.0 if self.is_well else self._draw.random()
        if lot >= 0.9:
            writer.write(b"451 not now\r\n")
            return True
        message_id = str(message_from_bytes(content)["Message-ID"])
        mail = TakenMail(message_id=message_id, recipient=recipient, took_at_ns=time.time_ns())
        self.mails.append(mail)
        if lot >= 0.84:
            # Lost after the dot.
            writer.transport.abort()
            return False
        wait = _LONGEST_SECONDS if lot >= 0.82 else self._draw.uniform(0.02, 0.3) if lot >= 0.6 else 0.0
        if wait and not await _is_open_after(reader, wait):
            return False
        mail.is_answered = True
        writer.write(b"250 taken\r\n")
        return True


async def _is_open_after(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Wait, and return False as soon as the other side has closed the connection."""
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return True
    return False
