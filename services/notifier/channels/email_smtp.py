"""Deliver an event as an e-mail to one address: write it, send it, return what the server answered."""

from services.notifier.channels.ports import Message
from services.notifier.channels.smtp_line import Envelope
from services.notifier.channels.smtp_relay import SmtpRelay
from services.notifier.core.attempt_result import AttemptResult
from services.notifier.render.mail import MailWriter


class EmailSmtp:
    """Deliver to one address.

    Parameters
    ----------
    address
        The recipient, without a name.
    """

    def __init__(self, *, address: str, relay: SmtpRelay, writer: MailWriter) -> None:
        self._address = address
        self._relay = relay
        self._writer = writer

    async def attempt(self, message: Message) -> AttemptResult:
        """Send the mail once."""
        content = self._writer.write(
            message.body,
            recipient=self._address,
            message_id=message.message_id,
            first_seen_ns=message.first_seen_ns,
            replaces=message.replaces,
        )
        return await self._relay.send(
            Envelope(sender=self._writer.sender_address, recipient=self._address, content=content),
            needs_check=message.needs_fresh_connection,
        )
