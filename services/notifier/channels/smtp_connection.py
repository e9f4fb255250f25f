"""One connection to the mail server, opened when it is needed and kept open for the next mail."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from services.notifier.config import SmtpSecurity, SmtpSettings
from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    FailureReason,
    SmtpStage,
    classify_smtp_reply,
)
from shared.clock import Clock

# A connection that was unused for this long is checked first: the server may have closed it.
_CHECK_AFTER_SECONDS: Final = 5.0
_MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail as SMTP transports it: addresses without names, and the bytes."""

    sender: str
    recipient: str
    content: bytes


class SmtpConnection:
    """Send one mail after another over one connection.

    Parameters
    ----------
    settings
        The server; ``host`` must be set before anything is sent.
    """

    def __init__(self, settings: SmtpSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._in_use = asyncio.Lock()
        self._client: aiosmtplib.SMTP | None = None
        self._used_at = 0.0

    async def send(self, envelope: Envelope) -> AttemptResult:
        """Send one mail and return the result; a network failure is a result, too."""
        async with self._in_use:
            try:
                return await self._send(envelope)
            except BaseException:
                # Cancelled or failed within the conversation: the next mail must not read this one's reply.
                self._discard()
                raise

    async def close(self) -> None:
        """Send QUIT and disconnect."""
        async with self._in_use:
            client, self._client = self._client, None
            if client is not None and client.is_connected:
                try:
                    await client.quit(timeout=1.0)
                except (aiosmtplib.SMTPException, OSError):
                    client.close()

    async def _send(self, envelope: Envelope) -> AttemptResult:
        stage = SmtpStage.SESSION
        try:
            client = await self._connected()
            stage = SmtpStage.SENDER
            await client.mail(envelope.sender)
            stage = SmtpStage.RECIPIENT
            await client.rcpt(envelope.recipient)
            stage = SmtpStage.MESSAGE
            reply = await client.data(envelope.content)
        except aiosmtplib.SMTPResponseException as error:
            await self._reset()
            return classify_smtp_reply(
                error.code, stage, detail=f"{error.code} {error.message}"[:_MAX_DETAIL]
            )
        except aiosmtplib.SMTPTimeoutError as error:
            return self._lost(FailureReason.TIMED_OUT, error)
        except aiosmtplib.SMTPConnectError as error:
            return self._lost(FailureReason.CONNECT_FAILED, error)
        except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
            return self._lost(FailureReason.CONNECTION_LOST, error)
        except aiosmtplib.SMTPException as error:
            # Such as no STARTTLS or no login method in common: nothing was sent without encryption.
            return self._lost(FailureReason.SMTP_UNUSABLE, error)
        self._used_at = self._clock.monotonic()
        return classify_smtp_reply(reply.code, SmtpStage.MESSAGE)

    async def _connected(self) -> aiosmtplib.SMTP:
        client = self._client
        if client is not None and client.is_connected:
            idle_seconds = self._clock.monotonic() - self._used_at
            if idle_seconds < _CHECK_AFTER_SECONDS:
                return client
            if idle_seconds < self._settings.idle_seconds and await _answers(client):
                return client
        self._discard()
        client = aiosmtplib.SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            username=self._settings.username,
            password=self._settings.password.get_secret_value() if self._settings.password else None,
            timeout=self._settings.timeout_seconds,
            use_tls=self._settings.security is SmtpSecurity.TLS,
            start_tls=self._settings.security is SmtpSecurity.STARTTLS,
            tls_context=self._tls_context(),
        )
        self._client = client
        await client.connect()
        return client

    def _tls_context(self) -> ssl.SSLContext | None:
        if self._settings.security is SmtpSecurity.NONE:
            return None
        ca_file = self._settings.ca_file
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)

    async def _reset(self) -> None:
        """Make the connection ready for another mail after a refusal, or close it."""
        client = self._client
        if client is None or not client.is_connected:
            self._discard()
            return
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._discard()
        else:
            self._used_at = self._clock.monotonic()

    def _lost(self, reason: FailureReason, error: Exception) -> Deferred:
        self._discard()
        return Deferred(reason=reason, detail=f"{type(error).__name__}: {error}"[:_MAX_DETAIL])

    def _discard(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


async def _answers(client: aiosmtplib.SMTP) -> bool:
    try:
        await client.noop()
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True
