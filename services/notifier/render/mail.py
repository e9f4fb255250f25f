"""Write mails: what is equal for all recipients of an event once, and the rest for each."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime, parseaddr
from typing import Final

from services.notifier.core.deliveries import Replaced
from services.notifier.core.message_ids import thread_references
from services.notifier.render.renderer import Renderer
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import from_ns

# An event goes out to all its recipients within seconds, and a mail has about 30 kB.
_MAILS_KEPT: Final = 32
# What the e-mail package writes as it is, if it fits on a line: it needs neither folding nor encoding.
_ATOM: Final = r"[A-Za-z0-9_+-]+"
_DOTTED: Final = rf"{_ATOM}(?:\.{_ATOM})*"
_PLAIN_ADDRESS: Final = re.compile(f"{_DOTTED}@{_DOTTED}")
_PLAIN_ID: Final = re.compile(f"<{_DOTTED}@{_DOTTED}>")
_MAX_LINE: Final = 78


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """One event's mail in parts, between which stand the headers of each recipient."""

    event: DivergenceEvent
    before_to: bytes
    before_id: bytes
    rest: bytes


class MailWriter:
    """Write the mails of one sender.

    Parameters
    ----------
    sender
        The From address, with or without a name.
    mail_domain
        Right side of Message-IDs and of the List-Id.
    """

    def __init__(self, *, sender: str, mail_domain: str, renderer: Renderer) -> None:
        self._sender = sender
        self._mail_domain = mail_domain
        self._renderer = renderer
        self._mails: OrderedDict[tuple[bytes, int, tuple[Replaced, ...]], _Mail] = OrderedDict()

    @property
    def sender_address(self) -> str:
        """Return the sender's address without a name."""
        return parseaddr(self._sender)[1]

    def write(
        self,
        value: bytes,
        *,
        recipient: str,
        message_id: str,
        first_seen_ns: int,
        replaces: tuple[Replaced, ...] = (),
    ) -> bytes:
        """Return the mail about an event; equal arguments give equal bytes, so that a retry repeats them.

        Parameters
        ----------
        value
            The event as it was published.
        first_seen_ns
            Wall time of its receipt.
        replaces
            Earlier messages of the divergence that the recipient never got.
        """
        mail = self._mail(value, first_seen_ns, replaces)
        references = thread_references(mail.event, recipient=recipient, domain=self._mail_domain)
        thread = b""
        if references:
            thread = _plain_header(_PLAIN_ID, "In-Reply-To", references[-1])
            thread += _plain_header(_PLAIN_ID, "References", " ".join(references))
        return b"".join(
            (
                mail.before_to,
                _plain_header(_PLAIN_ADDRESS, "To", recipient),
                mail.before_id,
                _plain_header(_PLAIN_ID, "Message-ID", message_id),
                thread,
                mail.rest,
            )
        )

    def _mail(self, value: bytes, first_seen_ns: int, replaces: tuple[Replaced, ...]) -> _Mail:
        # By everything that the mail is made from: no mail depends on what was sent before.
        key = (value, first_seen_ns, replaces)
        mail = self._mails.get(key)
        if mail is None:
            mail = self._mails[key] = self._make(value, first_seen_ns, replaces)
            if len(self._mails) > _MAILS_KEPT:
                self._mails.popitem(last=False)
        else:
            self._mails.move_to_end(key)
        return mail

    def _make(self, value: bytes, first_seen_ns: int, replaces: tuple[Replaced, ...]) -> _Mail:
        event = DIVERGENCES.decode(value)
        rendered = self._renderer.render(event, replaces=replaces)
        content = EmailMessage()
        content.set_content(rendered.text)
        content.add_alternative(rendered.html, subtype="html")
        # The default is random, and different on every attempt.
        content.set_boundary(f"convex-{event.event_id}")
        return _Mail(
            event=event,
            before_to=_header("From", self._sender),
            # Wall time, not event time: the mail about a replayed event of 2014 is not from 2014.
            before_id=_header("Subject", rendered.subject)
            + _header("Date", format_datetime(from_ns(first_seen_ns))),
            rest=_header("List-Id", f"Convex {event.pair} <{event.pair}.{self._mail_domain}>")
            # RFC 3834: asks automatic responders such as out-of-office replies not to answer.
            + _header("Auto-Submitted", "auto-generated")
            + _header("X-Convex-Event-Id", event.event_id)
            + content.as_bytes(policy=SMTP),
        )


def _plain_header(plain: re.Pattern[str], name: str, value: str) -> bytes:
    """Return a header as `_header` would, without parsing it if it is plain.

    Parsing an address takes as long as sending the whole mail.
    """
    if len(name) + 2 + len(value) <= _MAX_LINE and plain.fullmatch(value):
        return f"{name}: {value}\r\n".encode()
    return _header(name, value)


def _header(name: str, value: str) -> bytes:
    """Return a header as the e-mail package writes it: folded, and encoded where it is not ASCII."""
    return SMTP.fold_binary(*default.header_store_parse(name, value))
