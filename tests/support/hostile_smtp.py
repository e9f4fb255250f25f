"""An SMTP server on 127.0.0.1 that answers any step with any bytes, late, or not at all."""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

# What a well-behaved server answers at each step. "dot" is the end of the message, "auth-data" a line that
# the client sends within a login.
GOOD: Final[Mapping[str, bytes]] = {
    "greeting": b"220 mail.example ready\r\n",
    "ehlo": b"250-mail.example\r\n250 8BITMIME\r\n",
    "helo": b"250 mail.example\r\n",
    "starttls": b"220 go ahead\r\n",
    "auth": b"235 welcome\r\n",
    "auth-data": b"235 welcome\r\n",
    "mail": b"250 sender ok\r\n",
    "rcpt": b"250 recipient ok\r\n",
    "data": b"354 go ahead\r\n",
    "dot": b"250 queued\r\n",
    "rset": b"250 reset\r\n",
    "noop": b"250 here\r\n",
    "quit": b"221 bye\r\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What the server does at one step.

    Parameters
    ----------
    reply
        Sent as it is; None for the good reply, empty for none.
    wait_seconds
        Before the reply.
    closes, resets
        Afterwards: in order, or by a reset.
    repeats
        Send the reply again and again, until the client closes.
    in_bytes
        Send each byte by itself.
    """

    reply: bytes | None = None
    wait_seconds: float = 0.0
    closes: bool = False
    resets: bool = False
    repeats: bool = False
    in_bytes: bool = False


# Step -> what to say; a sequence is used up in order, then the good reply follows.
Script = Mapping[str, Says | Sequence[Says]]


@dataclass(slots=True, kw_only=True)
class TakenMail:
    """A message whose final dot arrived, and what was answered."""

    sender: bytes
    recipient: bytes
    content: bytes
    reply: bytes = b""

    @property
    def is_accepted(self) -> bool:
        """Return whether this server has taken the mail."""
        return self.reply.startswith(b"2")


@dataclass(slots=True)
class _Session:
    script: Script
    used: Counter[str] = field(default_factory=Counter)
    sender: bytes = b""
    recipient: bytes = b""


class HostileSmtp:
    """Serve connections by scripts.

    Parameters
    ----------
    scripts
        One for each connection in order; the last one is used again for all that follow.
    tls
        Certificate for STARTTLS; with ``is_tls`` for TLS from the first byte.
    one_script
        Steps of all connections are counted together, so a sequence is used up only once.

    Examples
    --------
    ::

        async with HostileSmtp({"rcpt": Says(reply=b"550 no\\r\\n")}) as server:
            ...  # send a mail to server.port
    """

    def __init__(
        self,
        *scripts: Script,
        tls: ssl.SSLContext | None = None,
        is_tls: bool = False,
        one_script: bool = False,
    ) -> None:
        self._scripts = scripts or ({},)
        self._tls = tls
        self._is_tls = is_tls
        self._shared = Counter[str]() if one_script else None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.open_now = 0
        self._unused = asyncio.Event()
        self.most_open = 0
        self.commands: list[bytes] = []
        self.mails: list[TakenMail] = []

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        if self._server is None:
            raise RuntimeError("not listening")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def accepted(self) -> list[TakenMail]:
        """Return the mails that the server has taken."""
        return [mail for mail in self.mails if mail.is_accepted]

    def count(self, verb: bytes) -> int:
        """Return how many commands began with a verb."""
        return sum(command.upper().startswith(verb) for command in self.commands)

    async def wait_until_unused(self) -> None:
        """Return when no connection is open any more."""
        await self._unused.wait()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self._tls if self._is_tls else None
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, closing what is open."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        # A socket is closed one turn of the loop after its connection.
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        self._writers.append(writer)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        self.open_now += 1
        self._unused.clear()
        self.most_open = max(self.most_open, self.open_now)
        session = _Session(script, self._shared if self._shared is not None else Counter())
        try:
            with contextlib.suppress(
                OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError
            ):
                await self._serve(session, reader, writer)
        finally:
            self.open_now -= 1
            if not self.open_now:
                self._unused.set()
            writer.close()
            self._tasks.discard(task) if task is not None else None

    async def _serve(
        self, session: _Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if await self._say(session, "greeting", writer) is None:
            return
        in_login = False
        while line := await reader.readline():
            command = line.rstrip(b"\r\n")
            self.commands.append(command)
            step = (
                "auth-data" if in_login else command.split(b" ")[0].split(b":")[0].decode("latin-1").lower()
            )
            if step == "mail":
                session.sender = command
            elif step == "rcpt":
                session.recipient = command
            reply = await self._say(session, step, writer)
            if reply is None:
                return
            in_login = step in ("auth", "auth-data") and reply.startswith(b"334")
            if step == "quit":
                return
            if step == "starttls" and reply.startswith(b"220") and self._tls is not None:
                await writer.start_tls(self._tls)
            if step == "data" and reply.startswith(b"3") and not await self._take(session, reader, writer):
                return

    async def _take(
        self, session: _Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        content = await reader.readuntil(b"\r\n.\r\n")
        mail = TakenMail(sender=session.sender, recipient=session.recipient, content=content)
        self.mails.append(mail)
        reply = await self._say(session, "dot", writer, mail)
        return reply is not None

    async def _say(
        self, session: _Session, step: str, writer: asyncio.StreamWriter, mail: TakenMail | None = None
    ) -> bytes | None:
        """Return what was said; None if the connection is closed now."""
        says = self._next(session, step)
        reply = GOOD.get(step, b"500 what\r\n") if says.reply is None else says.reply
        if mail is not None:
            mail.reply = reply
        if says.wait_seconds:
            await asyncio.sleep(says.wait_seconds)
        for piece in [reply[at : at + 1] for at in range(len(reply))] if says.in_bytes else [reply]:
            writer.write(piece)
            await writer.drain()
            if says.in_bytes:
                await asyncio.sleep(0.0005)
        while says.repeats:
            writer.write(reply)
            await writer.drain()
        if says.resets:
            writer.transport.abort()
            return None
        return None if says.closes else reply

    def _next(self, session: _Session, step: str) -> Says:
        said = session.script.get(step)
        if said is None:
            return Says()
        if isinstance(said, Says):
            return said
        number = session.used[step]
        session.used[step] += 1
        return said[number] if number < len(said) else Says()
