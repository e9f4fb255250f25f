"""A mail that is written in parts has the bytes that the e-mail package gives the whole."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.policy import default as parsing
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.core.deliveries import Replaced
from services.notifier.core.message_ids import mail_message_id, thread_references
from services.notifier.render.mail import MailWriter
from services.notifier.render.renderer import Renderer
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Outcome
from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.instants import to_ns
from tests.support.builders import divergence

NOW = datetime(2025, 11, 28, 12, 0, tzinfo=UTC)
RENDERER = Renderer(public_url="https://convex.example/")
LONG_NAME = "n" * 64
LONG_DOMAIN = ".".join(["d" * 60] * 4)

SENDERS = (
    "alerts@convex.example",
    "Convex <alerts@convex.example>",
    "Convex Ålerts <alerts@convex.example>",
    "Überwachung der Märkte, Abteilung für sehr lange Namen in Köpfen <alerts@convex.example>",
    f'"Convex, alerts" <{LONG_NAME}@{LONG_DOMAIN}>',
)
RECIPIENTS = (
    "ann@example.com",
    "Ann.O'Hara+convex@mail.example.com",
    "a!b#c$d%e&f*g/h=i?j^k_l`m{n|o}p~q@example.com",
    "root@localhost",
    f"{LONG_NAME}@{LONG_DOMAIN}",
    "x" * 38 + "@" + "y" * 34 + ".z",
    "x" * 38 + "@" + "y" * 35 + ".z",
    "=?utf-8?q?ann?=@example.com",
)
DOMAINS = ("convex.example", "a-b.example", "a..b", "-", ".", LONG_DOMAIN, "d" * 39, "d" * 40, "d" * 41)
EVENTS = tuple(divergence(type=each) for each in Transition)
RENDERED = {event.event_id: RENDERER.render(event) for event in EVENTS}


def whole_mail(event: DivergenceEvent, *, sender: str, recipient: str, domain: str, message_id: str) -> bytes:
    """Return the mail as the e-mail package makes it at once."""
    rendered = RENDERED[event.event_id]
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(NOW)
    mail["Message-ID"] = message_id
    references = thread_references(event, recipient=recipient, domain=domain)
    if references:
        mail["In-Reply-To"] = references[-1]
        mail["References"] = " ".join(references)
    mail["List-Id"] = f"Convex {event.pair} <{event.pair}.{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Convex-Event-Id"] = event.event_id
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    mail.set_boundary(f"convex-{event.event_id}")
    return mail.as_bytes(policy=SMTP)


def written(writer: MailWriter, event: DivergenceEvent, *, recipient: str, message_id: str) -> bytes:
    return writer.write(
        DIVERGENCES.encode(event), recipient=recipient, message_id=message_id, first_seen_ns=to_ns(NOW)
    )


@pytest.mark.parametrize(
    ("sender", "domain"),
    [*((sender, DOMAINS[0]) for sender in SENDERS), *((SENDERS[1], domain) for domain in DOMAINS)],
)
def test_mail_in_parts_is_the_whole_mail(sender: str, domain: str) -> None:
    writer = MailWriter(sender=sender, mail_domain=domain, renderer=RENDERER)
    for event in EVENTS[:3]:
        for recipient in RECIPIENTS:
            message_id = mail_message_id(event_id=event.event_id, recipient=recipient, domain=domain)
            assert written(writer, event, recipient=recipient, message_id=message_id) == whole_mail(
                event, sender=sender, recipient=recipient, domain=domain, message_id=message_id
            )


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(EVENTS),
            st.from_regex(r"[A-Za-z0-9.+_!-]{1,90}@[A-Za-z0-9.-]{1,90}", fullmatch=True),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_mail_does_not_depend_on_the_mails_before_it(mails: list[tuple[DivergenceEvent, str]]) -> None:
    writer = MailWriter(sender=SENDERS[1], mail_domain="convex.example", renderer=RENDERER)
    for event, recipient in mails:
        message_id = f"<{recipient}>"
        assert written(writer, event, recipient=recipient, message_id=message_id) == whole_mail(
            event, sender=SENDERS[1], recipient=recipient, domain="convex.example", message_id=message_id
        )


def test_many_events_leave_no_trace_in_later_mails() -> None:
    writer = MailWriter(sender=SENDERS[0], mail_domain="convex.example", renderer=RENDERER)
    first = written(writer, EVENTS[0], recipient="ann@example.com", message_id="<1@convex.example>")
    for number in range(100):
        event = divergence(pair=f"pair-{number}")
        assert f"Convex pair-{number} <".encode() in written(
            writer, event, recipient="bob@example.com", message_id="<2@convex.example>"
        )

    assert written(writer, EVENTS[0], recipient="ann@example.com", message_id="<1@convex.example>") == first


def test_mail_with_a_line_break_in_an_id_is_refused() -> None:
    writer = MailWriter(sender=SENDERS[0], mail_domain="convex.example", renderer=RENDERER)

    with pytest.raises(ValueError, match="linefeed"):
        written(writer, EVENTS[0], recipient="ann@example.com", message_id="<1@x>\r\nBcc: eve@example.com")


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ([Outcome.EXPIRED], "An earlier message about this divergence was not delivered to you: expired."),
        (
            [Outcome.SUPERSEDED],
            "An earlier message about this divergence was not delivered to you: replaced by a newer one.",
        ),
        (
            [Outcome.REJECTED, Outcome.EXPIRED, Outcome.REJECTED],
            "3 earlier messages about this divergence were not delivered to you: refused, expired.",
        ),
    ],
)
def test_mail_says_which_earlier_messages_did_not_arrive(outcomes: list[Outcome], sentence: str) -> None:
    writer = MailWriter(sender=SENDERS[0], mail_domain="convex.example", renderer=RENDERER)
    value = DIVERGENCES.encode(divergence(type=Transition.ESCALATED))
    replaces = tuple(
        Replaced(endpoint_sequence=number, outcome=outcome) for number, outcome in enumerate(outcomes, 1)
    )

    def parts(replaces: tuple[Replaced, ...]) -> list[str]:
        content = writer.write(
            value,
            recipient="ann@example.com",
            message_id="<1@convex.example>",
            first_seen_ns=to_ns(NOW),
            replaces=replaces,
        )
        mail = message_from_bytes(content, policy=parsing)
        return [part.get_content() for part in mail.iter_parts()]

    assert all(sentence in part for part in parts(replaces))
    assert not any("not delivered to you" in part for part in parts(()))
