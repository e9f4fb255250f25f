"""Deliver a notice to the owner of a subscription, as an e-mail through the same mail server as events."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol

from services.notifier.channels.ports import Message
from services.notifier.channels.smtp_line import Envelope
from services.notifier.core.attempt_result import AttemptResult
from services.notifier.core.notices import Notice, notice_of, notice_references
from services.notifier.render.notice import NoticeRenderer
from shared.domain.instants import from_ns


class Relay(Protocol):
    """The mail server that sends for us."""

    async def send(self, envelope: Envelope) -> AttemptResult:
        """Send one mail and return the result."""
        ...


class NoticeEmail:
    """Send the notices about one receiver to one address.

    Parameters
    ----------
    address
        The owner's, without a name.
    receiver
        What the owner knows the receiver by: a host or a mail address, nothing secret.
    sender
        The From address, with or without a name.
    mail_domain
        Right side of Message-IDs.
    """

    def __init__(
        self,
        *,
        address: str,
        receiver: str,
        sender: str,
        mail_domain: str,
        relay: Relay,
        renderer: NoticeRenderer,
    ) -> None:
        self._address = address
        self._receiver = receiver
        self._sender = sender
        self._mail_domain = mail_domain
        self._relay = relay
        self._renderer = renderer

    async def attempt(self, message: Message) -> AttemptResult:
        """Send the mail once."""
        content = self._compose(notice_of(message.body), message).as_bytes(policy=SMTP)
        return await self._relay.send(
            Envelope(sender=parseaddr(self._sender)[1], recipient=self._address, content=content)
        )

    def _compose(self, notice: Notice, message: Message) -> EmailMessage:
        """Build the mail from the notice alone: a retry sends the same bytes."""
        rendered = self._renderer.render(notice, receiver=self._receiver)
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = self._address
        mail["Subject"] = rendered.subject
        mail["Date"] = format_datetime(from_ns(message.first_seen_ns))
        mail["Message-ID"] = message.message_id
        references = notice_references(notice, recipient=self._address, domain=self._mail_domain)
        if references:
            mail["In-Reply-To"] = references[-1]
            mail["References"] = " ".join(references)
        # RFC 3834: asks automatic responders such as out-of-office replies not to answer.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Convex-Notice-Id"] = notice.notice_id
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        # The default is random, and different on every attempt.
        mail.set_boundary(f"convex-{notice.notice_id}")
        return mail
