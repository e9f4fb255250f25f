"""What waits in the store when a notifier starts: more than is kept in memory, and what cannot be read."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from services.notifier.config import NotifierSettings
from services.notifier.core.routing import TimeBase, plan_deliveries
from services.notifier.sending.sending_policy import PER_RECEIVER
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, ReceivedEvent
from services.notifier.store.queue import DeliveryQueue, EventContent
from services.notifier.subscriptions.file import load_subscriptions
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.errors import StoreUnavailable
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.support.builders import divergence
from tests.support.receivers import MailSink, WebhookReceiver


async def test_a_long_backlog_of_each_channel_is_sent_by_its_own_channel(
    embedded_kafka: KafkaSettings, tmp_path: Path
) -> None:
    count = PER_RECEIVER + 20
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), email("ann", "ann@example.com"), mail_port=sink.port
        )
        await _store(settings, count)
        async with running_notifier(embedded_kafka, settings):
            await receiver.wait_for(count)
            await sink.wait_for(count)

    assert len(set(receiver.ids)) == count
    assert len(set(sink.message_ids)) == count


async def test_an_event_that_cannot_be_read_lets_no_attempt_of_its_mail_begin(
    embedded_kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 5
    read = DeliveryQueue.contents

    async def read_after_failures(queue: DeliveryQueue, event_ids: Iterable[str]) -> dict[str, EventContent]:
        nonlocal failures
        if failures:
            failures -= 1
            raise StoreUnavailable("database or disk is full")
        return await read(queue, event_ids)

    monkeypatch.setattr(DeliveryQueue, "contents", read_after_failures)
    async with MailSink() as sink:
        settings = notifier_settings(tmp_path, email("ann", "ann@example.com"), mail_port=sink.port)
        await _store(settings, 1)
        async with running_notifier(embedded_kafka, settings):
            await sink.wait_for(1)

    with contextlib.closing(sqlite3.connect(tmp_path / "notifier.db")) as store:
        ended = store.execute("SELECT state, attempts, unknown_attempts FROM deliveries").fetchall()
    assert ended == [("delivered", 1, 0)]


async def _store(settings: NotifierSettings, count: int) -> None:
    """Store events of many divergences, as a notifier does that ends before it sends anything."""
    targets = load_subscriptions(
        settings.subscriptions_file,
        pairs=None,
        allowed_networks=settings.webhook_allowed_networks,
        ca_file=None,
        public_url=settings.public_url,
    )
    database = await Database.open(settings.database_url)
    try:
        log = EventLog(database)
        now_ns = SystemClock().now_ns()
        for number in range(count):
            event = divergence(onset=f"onset-{number}", sequence=number + 1)
            await log.add(
                ReceivedEvent(
                    event_id=event.event_id,
                    value=DIVERGENCES.encode(event),
                    pair=event.pair,
                    divergence_id=event.divergence_id,
                    sequence=event.sequence,
                    received_at_ns=now_ns,
                    published_at_ns=now_ns,
                    headers={},
                ),
                lambda history, event=event: plan_deliveries(  # type: ignore[misc]  # bound now
                    event,
                    subscriptions=[target.subscription for target in targets],
                    history=history,
                    first_seen_ns=now_ns,
                    time_base=TimeBase.REPLAY,
                    mail_domain="convex.example",
                ),
                position=None,
                now_ns=now_ns,
            )
    finally:
        await database.close()
