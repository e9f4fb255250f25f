"""Deliver an event as an e-mail to one address: compose it, send it, return what the server answered."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from services.notifier.channels.ports import Message
from services.notifier.channels.smtp_connection import Envelope, SmtpConnection
from services.notifier.core.attempt_result import AttemptResult
from services.notifier.core.message_ids import thread_references
from services.notifier.render.renderer import Renderer
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import from_ns


class EmailSmtp:
    """Deliver to one address.

    Parameters
    ----------
    address
        The recipient, without a name.
    sender
        The From address, with or without a name.
    mail_domain
        Right side of Message-IDs and of the List-Id.
    """

    def __init__(
        self, *, address: str, sender: str, mail_domain: str, smtp: SmtpConnection, renderer: Renderer
    ) -> None:
        self._address = address
        self._sender = sender
        self._mail_domain = mail_domain
        self._smtp = smtp
        self._renderer = renderer

    async def attempt(self, message: Message) -> AttemptResult:
        """Send the mail once."""
        event = DIVERGENCES.decode(message.body)
        content = self._compose(event, message).as_bytes(policy=SMTP)
        return await self._smtp.send(
            Envelope(sender=parseaddr(self._sender)[1], recipient=self._address, content=content)
        )

    def _compose(self, event: DivergenceEvent, message: Message) -> EmailMessage:
        """Build the mail from the event and its time of receipt alone: a retry sends the same bytes."""
        rendered = self._renderer.render(event)
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = self._address
        mail["Subject"] = rendered.subject
        # Wall time, not event time: the mail about a replayed event of 2014 is not from 2014.
        mail["Date"] = format_datetime(from_ns(message.first_seen_ns))
        mail["Message-ID"] = message.message_id
        references = thread_references(event, recipient=self._address, domain=self._mail_domain)
        if references:
            mail["In-Reply-To"] = references[-1]
            mail["References"] = " ".join(references)
        mail["List-Id"] = f"Convex {event.pair} <{event.pair}.{self._mail_domain}>"
        # RFC 3834: asks automatic responders such as out-of-office replies not to answer.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Convex-Event-Id"] = event.event_id
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        # The default is random, and different on every attempt.
        mail.set_boundary(f"convex-{event.event_id}")
        return mail
