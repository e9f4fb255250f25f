"""A connection to a mail server: commands out, replies in, one at a time.

The server may send anything at any time. A reply counts only if it was asked for; whatever else comes, also
together with a reply, makes the connection unusable, because from then on no reply can be matched to its
command. Nothing that a server sends is kept beyond one reply.
"""

import asyncio
import re
import ssl
from typing import Final, TypeVar, cast

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.smtp_reply import MalformedReply, ReplyParser, SmtpReply

# RFC 6555: a dead address of the server delays the connection by this much.
_NEXT_ADDRESS_SECONDS: Final = 0.25
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")

_T = TypeVar("_T")
PendingReply = asyncio.Future[SmtpReply]


class ConnectionFailed(Exception):
    """The connection cannot be used any more.

    Parameters
    ----------
    reason
        ``connect_failed``, ``timed_out``, ``connection_lost`` or ``smtp_unusable``.
    """

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SmtpConnection(asyncio.Protocol):
    """Send commands and messages, and return the server's replies."""

    def __init__(self) -> None:
        self._parser = ReplyParser()
        self._transport: asyncio.Transport | None = None
        self._failure: ConnectionFailed | None = None
        self._reply: PendingReply | None = None
        self._written: asyncio.Future[PendingReply] | None = None
        self._is_paused = False

    @classmethod
    async def open(
        cls, host: str, port: int, *, tls: ssl.SSLContext | None, timeout_seconds: float
    ) -> tuple["SmtpConnection", SmtpReply]:
        """Connect, with TLS from the first byte if ``tls`` is given, and return the greeting, too.

        Raises
        ------
        ConnectionFailed
            If there is no connection or no greeting.
        """
        connection = cls()
        # Before connecting: the greeting may come with the last packet of the handshake.
        greeting = connection._expect_reply()
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, host, port, ssl=tls, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
                )
            return connection, await connection._awaited(greeting, timeout_seconds)
        except TimeoutError:
            connection.abort()
            raise ConnectionFailed(
                FailureReason.TIMED_OUT, f"no connection to {host}:{port} within {timeout_seconds:g} s"
            ) from None
        except ssl.SSLError as error:
            connection.abort()
            raise ConnectionFailed(FailureReason.SMTP_UNUSABLE, f"TLS: {error}") from error
        except (OSError, ValueError) as error:
            # A name that cannot be encoded is a UnicodeError, which is a ValueError.
            connection.abort()
            raise ConnectionFailed(
                FailureReason.CONNECT_FAILED, f"{type(error).__name__}: {error}"
            ) from error
        except BaseException:
            connection.abort()
            raise

    @property
    def is_usable(self) -> bool:
        """Return whether another command can be sent."""
        return (
            self._failure is None
            and self._transport is not None
            and not self._transport.is_closing()
            and self._parser.is_empty
        )

    @property
    def local_address(self) -> str:
        """Return our own address on this connection.

        Raises
        ------
        ConnectionFailed
            If it is closed.
        """
        return str(self._usable_transport().get_extra_info("sockname")[0])

    async def command(self, line: bytes, *, timeout_seconds: float) -> SmtpReply:
        """Send a command and return its reply.

        Raises
        ------
        ConnectionFailed
            If there is none.
        """
        reply = self._expect_reply()
        self._write(line + b"\r\n")
        return await self._awaited(reply, timeout_seconds)

    async def write_message(self, content: bytes, *, timeout_seconds: float) -> PendingReply:
        """Send a message with the final dot; return once the operating system has taken all of it.

        Parameters
        ----------
        content
            As `wire_form` returns it.

        Returns
        -------
        PendingReply
            For `message_reply`.

        Raises
        ------
        ConnectionFailed
            If it was not sent whole, so that the server cannot have accepted it.
        """
        transport = self._write(content)
        if transport.is_closing():
            raise self._fail(FailureReason.CONNECTION_LOST, "closed before the message was sent")
        if not self._is_paused:
            return self._expect_reply()
        self._written = asyncio.get_running_loop().create_future()
        return await self._awaited(self._written, timeout_seconds)

    async def message_reply(self, pending: PendingReply, *, timeout_seconds: float) -> SmtpReply:
        """Return the reply to a message that was sent whole.

        Raises
        ------
        ConnectionFailed
            If there is none: the server may have accepted the message nevertheless.
        """
        return await self._awaited(pending, timeout_seconds)

    async def start_tls(self, tls: ssl.SSLContext, *, host: str, timeout_seconds: float) -> None:
        """Encrypt what follows, after the server's reply to STARTTLS.

        Raises
        ------
        ConnectionFailed
            If the server cannot, is not the one that its certificate must name, or has sent more than the
            reply: that was not encrypted, and may be anybody's.
        """
        transport = self._usable_transport()
        try:
            async with asyncio.timeout(timeout_seconds):
                encrypted = await asyncio.get_running_loop().start_tls(
                    transport, self, tls, server_hostname=host
                )
        except TimeoutError:
            raise self._fail(FailureReason.TIMED_OUT, "the TLS handshake took too long") from None
        except ConnectionError as error:
            raise self._fail(FailureReason.CONNECTION_LOST, f"TLS: {error}") from error
        except (OSError, ValueError) as error:
            raise self._fail(FailureReason.SMTP_UNUSABLE, f"TLS: {error}") from error
        if encrypted is None:
            raise self._fail(FailureReason.CONNECTION_LOST, "closed during the TLS handshake")
        self._transport = encrypted
        encrypted.set_write_buffer_limits(high=0)

    def abort(self) -> None:
        """Close at once, without what is still to be sent."""
        self._fail(FailureReason.CONNECTION_LOST, "closed by this side")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)
        # So that "not paused" means that the operating system has everything.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Resolve the reply that is expected; take anything else as the end of the connection."""
        try:
            first, *others = self._parser.feed(data) or (None,)
        except MalformedReply as error:
            self._fail(FailureReason.SMTP_UNUSABLE, str(error))
            return
        if first is not None and self._reply is not None and not self._reply.done():
            self._reply.set_result(first)
            if others or not self._parser.is_empty:
                self._fail(FailureReason.SMTP_UNUSABLE, f"more than one reply to a command: {first}")
        elif self._reply is None or self._reply.done():
            # Such as "421 closing" on an idle connection.
            self._fail(FailureReason.CONNECTION_LOST, f"unasked: {first if first is not None else 'bytes'}")

    def eof_received(self) -> bool:
        """Close the connection when the server does."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is being waited for."""
        self._fail(FailureReason.CONNECTION_LOST, str(exc) if exc else "the server closed the connection")

    def pause_writing(self) -> None:
        """Take note that not everything has been sent."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Take note that everything has been sent."""
        self._is_paused = False
        if self._written is not None and not self._written.done():
            # From this moment on a reply is to the message.
            self._written.set_result(self._expect_reply())

    def _expect_reply(self) -> PendingReply:
        self._reply = asyncio.get_running_loop().create_future()
        return self._reply

    def _write(self, data: bytes) -> asyncio.Transport:
        transport = self._usable_transport()
        transport.write(data)
        return transport

    def _usable_transport(self) -> asyncio.Transport:
        if self._failure is not None:
            raise self._failure
        if self._transport is None or not self.is_usable:
            raise self._fail(FailureReason.CONNECTION_LOST, "the connection is closed")
        return self._transport

    async def _awaited(self, future: asyncio.Future[_T], timeout_seconds: float) -> _T:
        if self._failure is not None and not future.done():
            raise self._failure
        try:
            async with asyncio.timeout(timeout_seconds):
                return await future
        except TimeoutError:
            raise self._fail(FailureReason.TIMED_OUT, f"no answer within {timeout_seconds:g} s") from None

    def _fail(self, reason: FailureReason, message: str) -> ConnectionFailed:
        """Close, and let whoever waits or comes later get the first reason."""
        if self._failure is None:
            self._failure = ConnectionFailed(reason, message)
        for future in (self._reply, self._written):
            if future is not None and not future.done():
                future.set_exception(self._failure)
                # Read it: asyncio logs an exception that nobody has asked for.
                future.exception()
        if self._transport is not None:
            self._transport.abort()
        return self._failure


def wire_form(message: bytes) -> bytes:
    r"""Return a message as DATA transports it: with line ends of CRLF, dots doubled, and the final dot.

    Examples
    --------
    >>> wire_form(b"Subject: x\r\n\r\n.hidden\n")
    b'Subject: x\r\n\r\n..hidden\r\n.\r\n'
    """
    if not message.count(b"\n") == message.count(b"\r") == message.count(b"\r\n"):
        message = _LINE_END.sub(b"\r\n", message)
    if message.startswith(b"."):
        message = b"." + message
    if b"\n." in message:
        message = message.replace(b"\r\n.", b"\r\n..")
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
