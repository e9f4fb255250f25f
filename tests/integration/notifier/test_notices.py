"""From a change of a receiver to the mail to its owner: stored once, sent once, about the right receiver."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from services.notifier.channels.notice_email import NoticeEmail
from services.notifier.channels.ports import Message
from services.notifier.channels.smtp_line import Envelope
from services.notifier.core.attempt_result import AttemptResult, Delivered
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.notice_writer import NoticeWriter
from services.notifier.owners import Owner
from services.notifier.render.notice import NoticeRenderer
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog
from services.notifier.store.queue import DeliveryQueue
from shared.clock import ManualClock
from shared.domain.deliveries import Channel
from shared.errors import StoreUnavailable
from tests.integration.notifier.stored_messages import DESK, defer, event, store
from tests.unit.notifier.test_notices import SINCE_NS, notice

OWNERS = {
    "desk": Owner(address="ops@example.com", receiver="https://desk.example"),
    "ann": Owner(address="ops@example.com", receiver="ann@example.com"),
}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


class Setup:
    """A writer of notices, and what it reported."""

    def __init__(self, events: Any) -> None:
        self.reported: list[tuple[ReceiverCondition, bool]] = []
        self.writer = NoticeWriter(
            events=events,
            owners=OWNERS,
            mail_domain="convex.example",
            clock=ManualClock(datetime(2025, 11, 28, 13, 0, tzinfo=UTC)),
            on_notice=lambda told, is_mailed: self.reported.append((told.condition, is_mailed)),
        )


class Relay:
    """A mail server that accepts everything."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []

    async def send(self, envelope: Envelope) -> AttemptResult:
        self.sent.append(envelope)
        return Delivered()


async def mail_of(database: Database, delivery: PendingDelivery) -> tuple[EmailMessage, Envelope]:
    """Return the mail that a delivery becomes, from what is stored."""
    content = (await DeliveryQueue(database).contents([delivery.event_id]))[delivery.event_id]
    relay = Relay()
    channel = NoticeEmail(
        address="ops@example.com",
        receiver="https://desk.example",
        sender="Convex Ålerts <alerts@convex.example>",
        mail_domain="convex.example",
        relay=relay,
        renderer=NoticeRenderer(),
    )
    message = Message(
        event_id=delivery.event_id,
        message_id=delivery.message_id,
        body=content.value,
        first_seen_ns=content.received_at_ns,
    )
    assert await channel.attempt(message) == Delivered()
    assert await channel.attempt(message) == Delivered()
    assert relay.sent[0] == relay.sent[1]
    parsed = message_from_bytes(relay.sent[0].content, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed, relay.sent[0]


async def test_owner_gets_one_mail_for_each_change(database: Database) -> None:
    setup = Setup(EventLog(database))
    failed = await setup.writer.tell(notice())
    again = await setup.writer.tell(notice(waiting=9, at_ns=SINCE_NS + 1))

    assert failed is not None
    (delivery,) = failed
    assert again == ()
    assert (delivery.subscription, delivery.channel) == ("owner:desk", Channel.EMAIL)
    assert setup.reported == [(ReceiverCondition.PAUSED, True)]
    mail, envelope = await mail_of(database, delivery)
    assert (envelope.sender, envelope.recipient) == ("alerts@convex.example", "ops@example.com")
    assert mail["Subject"] == "Convex cannot deliver to the webhook desk"
    assert mail["To"] == "ops@example.com"
    assert mail["Date"].datetime == datetime(2025, 11, 28, 13, 0, tzinfo=UTC)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Convex-Notice-Id"] == delivery.event_id
    text, html = mail.iter_parts()
    assert "convex deliveries retry desk" in text.get_content()
    assert html.get_content().startswith("<!doctype html>")
    assert not mail.defects


async def test_end_of_a_failure_answers_its_beginning_and_replaces_it_if_it_could_not_be_sent(
    database: Database,
) -> None:
    setup = Setup(EventLog(database))
    failed = await setup.writer.tell(notice())
    assert failed is not None
    await defer(database, failed, until_ns=SINCE_NS + 10**15)
    well = await setup.writer.tell(
        notice(condition=ReceiverCondition.RECOVERED, reason="", at_ns=SINCE_NS + 10**13)
    )
    waiting = (await DeliveryQueue(database).load(10)).deliveries

    assert well is not None
    mail, _ = await mail_of(database, well[0])
    assert mail["In-Reply-To"] == failed[0].message_id
    assert mail["References"] == failed[0].message_id
    assert [each.event_id for each in waiting] == [well[0].event_id]


async def test_notices_do_not_disturb_the_numbers_of_the_subscription(database: Database) -> None:
    setup = Setup(EventLog(database))
    (first,) = await store(database, event(1), DESK)
    told = await setup.writer.tell(notice())
    (second,) = await store(database, event(2), DESK)

    assert told is not None
    assert (first.endpoint_sequence, second.endpoint_sequence) == (1, 2)
    assert told[0].endpoint_sequence == 1


@pytest.mark.parametrize("condition", ReceiverCondition)
async def test_change_without_an_owner_is_reported_and_stores_nothing(
    database: Database, condition: ReceiverCondition
) -> None:
    setup = Setup(EventLog(database))

    assert await setup.writer.tell(notice(condition=condition, subscription="nobody")) == ()
    assert setup.reported == [(condition, False)]
    assert (await DeliveryQueue(database).load(10)).deliveries == ()


async def test_failure_of_the_owners_own_address_makes_no_notice(database: Database) -> None:
    """Would have caught: each notice about a notice would fail too, and make the next one."""
    setup = Setup(EventLog(database))

    assert await setup.writer.tell(notice(subscription="owner:desk", channel=Channel.EMAIL)) == ()
    assert setup.reported == []


async def test_store_that_is_away_is_mailed_again_later(database: Database) -> None:
    class Away:
        async def add(self, *_: Any) -> None:
            raise StoreUnavailable("disk full")

    away = Setup(Away())
    assert await away.writer.tell(notice()) is None
    assert away.reported == []

    assert await Setup(EventLog(database)).writer.tell(notice()) not in (None, ())


async def test_longest_names_and_odd_reasons_are_stored(database: Database) -> None:
    long = "d" * 64
    writer = NoticeWriter(
        events=EventLog(database),
        owners={long: Owner(address="ops@example.com", receiver="https://desk.example")},
        mail_domain="convex.example",
        clock=ManualClock(datetime(2025, 11, 28, 13, 0, tzinfo=UTC)),
    )
    told: Notice = notice(subscription=long, reason="\ud800 no reason", waiting=1 << 62)

    stored = await writer.tell(told)

    assert stored is not None
    assert len(stored[0].subscription) == 64
