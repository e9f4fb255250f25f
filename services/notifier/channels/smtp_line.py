"""One connection to the mail server, opened when it is needed and kept for the next mail."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from services.notifier.config import SmtpSecurity, SmtpSettings
from services.notifier.core.classify import Answer, Deferred, Reason, SmtpStage, classify_reply
from shared.clock import Clock

# After this long a server may have hung up without our having read it.
_CHECK_AFTER_SECONDS: Final = 5.0
_MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail as the server takes it: addresses without names, and the bytes."""

    sender: str
    recipient: str
    content: bytes


class SmtpLine:
    """Send one mail after the other over one connection.

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

    async def send(self, envelope: Envelope) -> Answer:
        """Send one mail and return what the server answered; a fault of the network is an answer too."""
        async with self._in_use:
            try:
                return await self._send(envelope)
            except BaseException:
                # Cancelled or broken in mid-conversation: what the server says next belongs to no one.
                self._discard()
                raise

    async def close(self) -> None:
        """Say goodbye and disconnect."""
        async with self._in_use:
            client, self._client = self._client, None
            if client is not None and client.is_connected:
                try:
                    await client.quit(timeout=1.0)
                except (aiosmtplib.SMTPException, OSError):
                    client.close()

    async def _send(self, envelope: Envelope) -> Answer:
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
            await self._start_over()
            return classify_reply(error.code, stage, detail=f"{error.code} {error.message}"[:_MAX_DETAIL])
        except aiosmtplib.SMTPTimeoutError as error:
            return self._lost(Reason.TIMED_OUT, error)
        except aiosmtplib.SMTPConnectError as error:
            return self._lost(Reason.CONNECT_FAILED, error)
        except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
            return self._lost(Reason.CONNECTION_LOST, error)
        except aiosmtplib.SMTPException as error:
            # No STARTTLS, no way to log in: nothing was sent in the clear.
            return self._lost(Reason.SMTP_UNUSABLE, error)
        self._used_at = self._clock.monotonic()
        return classify_reply(reply.code, SmtpStage.MESSAGE)

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

    async def _start_over(self) -> None:
        """Make the connection ready for another mail after a refusal, or drop it."""
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

    def _lost(self, reason: Reason, error: Exception) -> Deferred:
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
