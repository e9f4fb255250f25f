"""The mail channel of a notifier alone: relay, writer and one address, with a clock that the test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from services.notifier.channels.email_smtp import EmailSmtp
from services.notifier.channels.ports import Message
from services.notifier.channels.smtp_relay import SmtpRelay
from services.notifier.config import SmtpSecurity, SmtpSettings
from services.notifier.core.attempt_result import AttemptResult
from services.notifier.core.message_ids import mail_message_id
from services.notifier.render.mail import MailWriter
from services.notifier.render.renderer import Renderer
from shared.clock import ManualClock
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import to_ns
from tests.support.builders import divergence

START = datetime(2025, 11, 28, 12, 0, tzinfo=UTC)
SENDER = "Convex Ålerts <alerts@convex.example>"
DOMAIN = "convex.example"
# It compiles every template.
_RENDERER = Renderer(public_url="https://convex.example")


def message_about(
    event: DivergenceEvent, *, recipient: str = "ann@example.com", needs_fresh_connection: bool = False
) -> Message:
    """Return what the dispatcher gives the channel about an event."""
    return Message(
        event_id=event.event_id,
        message_id=mail_message_id(event_id=event.event_id, recipient=recipient, domain=DOMAIN),
        body=DIVERGENCES.encode(event),
        first_seen_ns=to_ns(START),
        needs_fresh_connection=needs_fresh_connection,
    )


class Mailing:
    """A relay on a port of this machine, without encryption unless the settings say so."""

    def __init__(self, port: int, **settings: Any) -> None:
        self.clock = ManualClock(START)
        fields: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "security": SmtpSecurity.NONE,
            "timeout_seconds": 2.0,
        }
        self.relay = SmtpRelay(SmtpSettings(**(fields | settings)), clock=self.clock, uniform=lambda: 0.5)
        self.writer = MailWriter(sender=SENDER, mail_domain=DOMAIN, renderer=_RENDERER)
        self.channel = self.channel_to("ann@example.com")

    def channel_to(self, address: str) -> EmailSmtp:
        """Return the channel to one address."""
        return EmailSmtp(address=address, relay=self.relay, writer=self.writer)

    async def mail(
        self, address: str = "ann@example.com", *, needs_fresh_connection: bool = False
    ) -> AttemptResult:
        """Send one mail to an address."""
        message = message_about(
            divergence(), recipient=address, needs_fresh_connection=needs_fresh_connection
        )
        return await self.channel_to(address).attempt(message)


@asynccontextmanager
async def mailing_to(port: int, **settings: Any) -> AsyncIterator[Mailing]:
    """Yield a relay, and close it at the end."""
    mailing = Mailing(port, **settings)
    try:
        yield mailing
    finally:
        await mailing.relay.close()
