"""A line to the mail server: a session that is open and logged in, and carries one mail after another."""

import re
import socket
import ssl
from dataclasses import dataclass, replace
from typing import Final

from pydantic import SecretStr

from services.notifier.channels.smtp_connection import ConnectionFailed, SmtpConnection, wire_form
from services.notifier.channels.smtp_login import log_in
from services.notifier.config import SmtpSecurity, SmtpSettings
from services.notifier.core.answer_text import shown_answer
from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Rejected,
    Unknown,
)
from services.notifier.core.relay_backoff import RelayFailure
from services.notifier.core.smtp_answers import SmtpStep, classify_message_reply, classify_smtp_reply
from services.notifier.core.smtp_reply import SmtpReply

# A check that the server answers at all; a connection that is silently dead must not cost a whole timeout.
_CHECK_SECONDS: Final = 5.0
_SERVICE_CLOSING: Final = 421
_KEYWORD: Final = re.compile(r"[A-Z0-9][A-Z0-9-]*")
_SIZE: Final = re.compile(r"[0-9]{1,18}")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail as SMTP transports it: addresses without names, and the bytes."""

    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one mail on a line came to.

    Parameters
    ----------
    was_closed
        The server closed the line before the whole message was sent: on another line it may pass.
    """

    result: AttemptResult
    was_closed: bool = False


class LineNotOpened(Exception):
    """There is no session with the mail server."""

    def __init__(self, result: Deferred, failure: RelayFailure) -> None:
        super().__init__(result.detail)
        self.result = result
        self.failure = failure


class SmtpLine:
    """Carry one mail at a time.

    Parameters
    ----------
    extensions
        What the server announced after EHLO: keyword -> parameters, in capitals.

    Attributes
    ----------
    used_at
        When it was opened or has ended a mail, on the clock of whoever keeps it.
    """

    def __init__(
        self, connection: SmtpConnection, *, extensions: dict[str, str], settings: SmtpSettings
    ) -> None:
        self._connection = connection
        self._takes_8_bits = "8BITMIME" in extensions
        size = extensions.get("SIZE")
        self._takes_size = size is not None
        self._max_bytes = int(size) if size is not None and _SIZE.fullmatch(size) else 0
        self._timeout_seconds = settings.timeout_seconds
        self._data_timeout_seconds = settings.data_timeout_seconds
        self._needs_reset = False
        self._is_used = False
        self._has_delivered = False
        self._may_have_accepted = False
        self.used_at = 0.0

    @property
    def is_usable(self) -> bool:
        """Return whether another mail can be sent."""
        return self._connection.is_usable

    @property
    def is_used(self) -> bool:
        """Return whether the server has answered about a mail on it."""
        return self._is_used

    @property
    def may_have_accepted(self) -> bool:
        """Return whether the server has the whole of a message and its reply has not come."""
        return self._may_have_accepted

    async def answers(self) -> bool:
        """Return whether the server still takes commands, after a pause."""
        try:
            return await self._acknowledges(b"NOOP", min(_CHECK_SECONDS, self._timeout_seconds))
        except ConnectionFailed:
            return False

    async def send(self, envelope: Envelope) -> Sent:
        """Send one mail and return the result; a network failure is a result, too."""
        step = SmtpStep.SENDER
        try:
            if self._needs_reset and not await self._acknowledges(b"RSET", self._timeout_seconds):
                return self._closed(Deferred(reason=FailureReason.SMTP_UNUSABLE, detail="RSET was refused"))
            self._needs_reset = False
            content = wire_form(envelope.content)
            if 0 < self._max_bytes < len(content):
                detail = f"the mail has {len(content)} bytes; the mail server takes {self._max_bytes}"
                return Sent(result=Rejected(reason=FailureReason.MESSAGE_REFUSED, detail=detail))
            for step, command in (
                (SmtpStep.SENDER, self._mail_command(envelope.sender, content)),
                (SmtpStep.RECIPIENT, b"RCPT TO:<%b>" % envelope.recipient.encode()),
                (SmtpStep.DATA, b"DATA"),
            ):
                reply = await self._connection.command(command, timeout_seconds=self._timeout_seconds)
                refused = classify_smtp_reply(reply, step)
                if refused is not None:
                    return self._refused(reply, step, refused)
            pending = await self._connection.write_message(content, timeout_seconds=self._timeout_seconds)
        except ConnectionFailed as error:
            return self._failed(error, step)
        # It stays so when this is cancelled while the reply is awaited.
        self._may_have_accepted = True
        try:
            reply = await self._connection.message_reply(pending, timeout_seconds=self._data_timeout_seconds)
        except ConnectionFailed as error:
            return Sent(result=Unknown(detail=f"no reply to the message: {shown_answer(str(error))}"))
        self._may_have_accepted = False
        return self._ended(reply)

    def abort(self) -> None:
        """Close at once: the next mail must not read a reply to this one."""
        self._connection.abort()

    async def quit(self) -> None:
        """Send QUIT and disconnect."""
        try:
            await self._connection.command(b"QUIT", timeout_seconds=1.0)
        except ConnectionFailed:
            pass
        finally:
            self._connection.abort()

    def _mail_command(self, sender: str, content: bytes) -> bytes:
        command = b"MAIL FROM:<%b>" % sender.encode()
        if self._takes_8_bits and not content.isascii():
            command += b" BODY=8BITMIME"
        if self._takes_size:
            command += b" SIZE=%d" % len(content)
        return command

    async def _acknowledges(self, command: bytes, timeout_seconds: float) -> bool:
        reply = await self._connection.command(command, timeout_seconds=timeout_seconds)
        if not reply.is_success:
            self.abort()
        return reply.is_success

    def _refused(self, reply: SmtpReply, step: SmtpStep, result: AttemptResult) -> Sent:
        if reply.code == _SERVICE_CLOSING:
            return self._closed(result)
        self._is_used = True
        # The recipient is known by now: another one may pass, if others have.
        if (
            step is not SmtpStep.SENDER
            and self._has_delivered
            and isinstance(result, Deferred)
            and result.blame is Blame.RELAY
        ):
            result = replace(result, blame=Blame.RECEIVER)
        if not 400 <= reply.code <= 599:
            # No refusal of RFC 5321: who knows what the server waits for now.
            self.abort()
        self._needs_reset = True
        return Sent(result=result)

    def _ended(self, reply: SmtpReply) -> Sent:
        result = classify_message_reply(reply)
        if isinstance(result, Delivered):
            self._is_used = self._has_delivered = True
            return Sent(result=result)
        sent = self._refused(reply, SmtpStep.MESSAGE, result)
        return Sent(result=sent.result)

    def _closed(self, result: AttemptResult) -> Sent:
        self.abort()
        return Sent(result=result, was_closed=True)

    def _failed(self, error: ConnectionFailed, step: SmtpStep) -> Sent:
        # Before the recipient is named, it cannot be what the server fails at.
        blame = Blame.RELAY if step is SmtpStep.SENDER else Blame.RECEIVER
        result = Deferred(reason=error.reason, blame=blame, detail=f"{step}: {shown_answer(str(error))}")
        return Sent(result=result, was_closed=error.reason is not FailureReason.TIMED_OUT)


async def open_line(settings: SmtpSettings, *, tls: ssl.SSLContext | None) -> SmtpLine:
    """Connect, encrypt, log in.

    Parameters
    ----------
    tls
        What the server's certificate is verified with; None without encryption.

    Raises
    ------
    LineNotOpened
        If any of that fails; the answer is the same for every mail.
    """
    step, timeout_seconds = SmtpStep.GREETING, settings.timeout_seconds
    try:
        connection, greeting = await SmtpConnection.open(
            settings.host or "",
            settings.port,
            tls=tls if settings.security is SmtpSecurity.TLS else None,
            timeout_seconds=timeout_seconds,
        )
    except ConnectionFailed as error:
        raise _not_opened(error, step) from error
    try:
        _accept(greeting, step)
        step = SmtpStep.HELLO
        extensions = await _say_hello(connection, timeout_seconds)
        if settings.security is SmtpSecurity.STARTTLS and tls is not None:
            step = SmtpStep.TLS
            await _encrypt(connection, extensions, settings, tls)
            # RFC 3207: what was announced without encryption does not count.
            extensions = await _say_hello(connection, timeout_seconds)
        if settings.username is not None and settings.password is not None:
            step = SmtpStep.LOGIN
            await _log_in(connection, extensions, settings, settings.username, settings.password)
    except ConnectionFailed as error:
        raise _not_opened(error, step) from error
    except BaseException:
        connection.abort()
        raise
    return SmtpLine(connection, extensions=extensions, settings=settings)


async def _encrypt(
    connection: SmtpConnection, extensions: dict[str, str], settings: SmtpSettings, tls: ssl.SSLContext
) -> None:
    if "STARTTLS" not in extensions:
        raise _unusable("the mail server does not offer STARTTLS")
    timeout_seconds = settings.timeout_seconds
    _accept(await connection.command(b"STARTTLS", timeout_seconds=timeout_seconds), SmtpStep.TLS)
    await connection.start_tls(tls, host=settings.host or "", timeout_seconds=timeout_seconds)


async def _log_in(
    connection: SmtpConnection,
    extensions: dict[str, str],
    settings: SmtpSettings,
    username: str,
    password: SecretStr,
) -> None:
    reply = await log_in(
        connection,
        username=username,
        password=password.get_secret_value(),
        offered=extensions.get("AUTH", "").split(),
        is_encrypted=settings.security is not SmtpSecurity.NONE,
        timeout_seconds=settings.timeout_seconds,
    )
    if reply is None:
        raise _unusable("the mail server offers no login by PLAIN, LOGIN or CRAM-MD5")
    _accept(reply, SmtpStep.LOGIN)


async def _say_hello(connection: SmtpConnection, timeout_seconds: float) -> dict[str, str]:
    name = _own_name(connection).encode()
    reply = await connection.command(b"EHLO " + name, timeout_seconds=timeout_seconds)
    if not reply.is_success and 500 <= reply.code <= 599:
        # A server from before 1995, or one that does not like extensions.
        reply = await connection.command(b"HELO " + name, timeout_seconds=timeout_seconds)
        _accept(reply, SmtpStep.HELLO)
        return {}
    _accept(reply, SmtpStep.HELLO)
    extensions: dict[str, str] = {}
    for line in reply.lines[1:]:
        # Before RFC 4954 some servers wrote "AUTH=LOGIN".
        words = line.decode("ascii", errors="replace").upper().replace("AUTH=", "AUTH ", 1).split()
        if words and _KEYWORD.fullmatch(words[0]):
            extensions[words[0]] = " ".join([extensions.get(words[0], ""), *words[1:]]).strip()
    return extensions


def _own_name(connection: SmtpConnection) -> str:
    """Return this machine's name if it has a full one, else its address; no look-up that could block."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = connection.local_address
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _accept(reply: SmtpReply, step: SmtpStep) -> None:
    refused = classify_smtp_reply(reply, step)
    if isinstance(refused, Deferred):
        raise LineNotOpened(
            replace(refused, detail=shown_answer(f"{step}: {refused.detail}")),
            RelayFailure.LOGIN if step is SmtpStep.LOGIN else RelayFailure.OTHER,
        )


def _unusable(detail: str) -> LineNotOpened:
    result = Deferred(reason=FailureReason.SMTP_UNUSABLE, blame=Blame.RELAY, detail=detail)
    return LineNotOpened(result, RelayFailure.OTHER)


def _not_opened(error: ConnectionFailed, step: SmtpStep) -> LineNotOpened:
    detail = shown_answer(f"{step}: {error}")
    result = Deferred(reason=error.reason, blame=Blame.RELAY, detail=detail)
    # A server that closes the connection instead of refusing the login refuses it, too.
    return LineNotOpened(result, RelayFailure.LOGIN if step is SmtpStep.LOGIN else RelayFailure.OTHER)
