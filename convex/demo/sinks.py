"""Receivers of the demo's messages: an SMTP server and a webhook server on this machine."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """A mail that arrived."""

    recipient: str
    subject: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedWebhook:
    """A webhook that arrived.

    Parameters
    ----------
    is_verified
        Whether the Standard Webhooks reference library accepts its signature.
    received_ns
        Wall time, nanoseconds since the Unix epoch.
    """

    event_id: str
    event_type: str
    is_verified: bool
    received_ns: int


class MailSink:
    """Accept every mail and pass it on.

    Parameters
    ----------
    on_mail
        Called with each.
    """

    def __init__(self, on_mail: Callable[[ReceivedMail], None]) -> None:
        self._on_mail = on_mail

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="demo", loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.close()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd names it
        """Accept a mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, _class=EmailMessage, policy=default)
        for recipient in envelope.rcpt_tos:
            self._on_mail(
                ReceivedMail(
                    recipient=recipient,
                    # A long one is folded after its name: the space of the fold is not of the subject.
                    subject=str(message["Subject"]).strip(),
                    message_id=str(message["Message-ID"]),
                )
            )
        return "250 OK"


class WebhookSink:
    """Accept webhooks: verify the signature, answer 204 or 401, and pass each on.

    Parameters
    ----------
    secret
        ``whsec_…``
    on_webhook
        Called with each.
    clock
        Stamps the arrival.
    """

    def __init__(self, secret: str, on_webhook: Callable[[ReceivedWebhook], None], clock: Clock) -> None:
        self._verifier = Webhook(secret)
        self._on_webhook = on_webhook
        self._clock = clock

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        received_ns = self._clock.now_ns()
        body = await request.read()
        try:
            self._verifier.verify(body, dict(request.headers))
            is_verified = True
        except WebhookVerificationError:
            is_verified = False
        self._on_webhook(
            ReceivedWebhook(
                event_id=request.headers.get("webhook-id", ""),
                event_type=str(orjson.loads(body).get("type")) if is_verified else "",
                is_verified=is_verified,
                received_ns=received_ns,
            )
        )
        return web.Response(status=204 if is_verified else 401)
