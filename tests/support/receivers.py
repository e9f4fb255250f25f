"""A webhook receiver and a mail server that really listen, answer as they are told and keep what came."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One request as it came over the wire; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer one request with.

    Parameters
    ----------
    wait_seconds
        Before the answer.
    is_cut
        Close the connection instead of answering.
    """

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_seconds: float = 0.0
    is_cut: bool = False


class WebhookReceiver:
    """An HTTP server on 127.0.0.1 with a port of its own.

    Parameters
    ----------
    answers
        Used up in order, a number being a status; then every request is answered 204.
    tls
        Speaks HTTPS with it.
    on_request
        Called with each request before it is answered.

    Examples
    --------
    ::

        async with WebhookReceiver(503, 503) as receiver:
            ...  # run a notifier with receiver.url
            await receiver.wait_for(3)
    """

    def __init__(
        self,
        *answers: int | Answer,
        on_request: Callable[[WebhookRequest], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._answers = [Answer(status=each) if isinstance(each, int) else each for each in answers]
        self._on_request = on_request
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self.requests: list[WebhookRequest] = []
        self.connections = 0

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Return an address to send to."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """Return the ``webhook-id`` of each request, in order."""
        return [request.headers["webhook-id"] for request in self.requests]

    async def wait_for(self, count: int, *, timeout_seconds: float = 20.0) -> list[WebhookRequest]:
        """Return the requests once there are at least ``count``.

        Raises
        ------
        TimeoutError
            If there are fewer in time.
        """
        async with asyncio.timeout(timeout_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, closing what is open."""
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        await self._server.wait_closed()
        # Let the connections' tasks see that they are closed.
        async with asyncio.timeout(5):
            await self._all_closed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._all_closed.clear()
        self.connections += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._answer_one(reader, writer):
                    pass
        finally:
            writer.close()
            self._writers.discard(writer)
            if not self._writers:
                self._all_closed.set()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = WebhookRequest(method=method, path=path, headers=headers, body=body)
        self.requests.append(request)
        answer = self._answers.pop(0) if self._answers else Answer()
        if self._on_request is not None:
            self._on_request(request)
        async with self._arrived:
            self._arrived.notify_all()
        if answer.wait_seconds:
            await asyncio.sleep(answer.wait_seconds)
        if answer.is_cut:
            return False
        sent = {"content-length": str(len(answer.body)), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in sent.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body)
        await writer.drain()
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """One mail as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    message: EmailMessage


class MailSink:
    """An SMTP server on 127.0.0.1 with a port of its own, in the running loop.

    Parameters
    ----------
    mail_replies, recipient_replies, message_replies
        Replies to ``MAIL FROM``, ``RCPT TO`` and the message, used up in order; then all is accepted.
    tls
        Offers STARTTLS with it.
    login
        User and password that are asked for.
    """

    def __init__(
        self,
        *,
        mail_replies: Iterable[str] = (),
        recipient_replies: Iterable[str] = (),
        message_replies: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._replies = {
            "mail": list(mail_replies),
            "recipient": list(recipient_replies),
            "message": list(message_replies),
        }
        self._tls = tls
        self._login = login
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Condition()
        self._open: set[_Conversation] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self.mails: list[ReceivedMail] = []
        self.connections = 0

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def message_ids(self) -> list[str]:
        """Return the Message-ID of each mail, in order."""
        return [str(mail.message["Message-ID"]) for mail in self.mails]

    async def wait_for(self, count: int, *, timeout_seconds: float = 20.0) -> list[ReceivedMail]:
        """Return the mails once there are at least ``count``.

        Raises
        ------
        TimeoutError
            If there are fewer in time.
        """
        async with asyncio.timeout(timeout_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.mails) >= count)
        return self.mails

    async def drop_connections(self) -> None:
        """Hang up on everyone, as a server does that has waited long enough."""
        for conversation in tuple(self._open):
            conversation.hang_up()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self._converse, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, closing what is open."""
        assert self._server is not None
        self._server.close()
        await self.drop_connections()
        await self._server.wait_closed()
        async with asyncio.timeout(5):
            await self._all_closed.wait()

    # The names of the next four are aiosmtpd's.

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer the sender's address."""
        reply = self._next("mail", "250 OK")
        if reply.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer a recipient's address."""
        reply = self._next("recipient", "250 OK")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd names it
        """Keep the mail and answer it."""
        reply = self._next("message", "250 OK: kept")
        if reply.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=default)
            assert isinstance(message, EmailMessage)
            self.mails.append(
                ReceivedMail(
                    sender=envelope.mail_from or "",
                    recipients=tuple(str(each) for each in envelope.rcpt_tos),
                    content=content,
                    message=message,
                )
            )
            async with self._arrived:
                self._arrived.notify_all()
        return reply

    def _next(self, step: str, otherwise: str) -> str:
        return self._replies[step].pop(0) if self._replies[step] else otherwise

    def _converse(self) -> asyncio.Protocol:
        self.connections += 1
        conversation: asyncio.Protocol = _Conversation(self)
        return conversation

    def _is_allowed(self, user: bytes, password: bytes) -> bool:
        return self._login == (user.decode(), password.decode())


class _Conversation(SMTP):
    def __init__(self, sink: MailSink) -> None:
        self._sink = sink
        with warnings.catch_warnings():
            # It warns of passwords in the clear, which never leave this machine.
            warnings.simplefilter("ignore", UserWarning)
            super().__init__(
                sink,
                hostname="sink.test",
                tls_context=sink._tls,
                auth_required=sink._login is not None,
                auth_require_tls=False,
                authenticator=self._check_login,
            )

    def connection_made(self, transport: Any) -> None:
        self._sink._open.add(self)
        self._sink._all_closed.clear()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._forget()
        super().connection_lost(error)

    def hang_up(self) -> None:
        for transport in (self.transport, self._original_transport):
            if transport is not None:
                transport.close()
        if self._original_transport is not None:
            # After a handshake that failed nobody tells it that the connection is lost.
            self._handler_coroutine.cancel()
            self._timeout_handle.cancel()
            self._forget()

    def _forget(self) -> None:
        self._sink._open.discard(self)
        if not self._sink._open:
            self._sink._all_closed.set()

    def _check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> Any:
        return AuthResult(success=self._sink._is_allowed(data.login, data.password), handled=False)
