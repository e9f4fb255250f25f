"""A store or a relay that fails at a bad moment: nobody gets a second copy, and what waits goes out later."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.notifier.config import NotifierSettings, SmtpSecurity, SmtpSettings
from services.notifier.sending import channel_sender
from services.notifier.store.database import Database
from shared.config import KafkaSettings
from shared.domain.deliveries import Outcome
from shared.errors import StoreUnavailable
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import outcomes, publish
from tests.integration.notifier.test_recovery import opening, publish_all, until
from tests.support.hostile_smtp import HostileSmtp, Says
from tests.support.receivers import MailSink, WebhookReceiver


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


class DiskFull:
    """Let the newest store of this process have no room for another page while it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        original = Database._run

        def run(database: Database, transaction: Any, on_disk: bool) -> Any:
            def limited(connection: Any) -> Any:
                pages = connection.scalar(text("PRAGMA page_count"))
                most = pages if self.is_full else 2**30
                connection.execute(text(f"PRAGMA max_page_count = {most}"))
                return transaction(connection)

            return original(database, limited, on_disk)

        monkeypatch.setattr(Database, "_run", run)


def smtp(port: int, **changes: Any) -> SmtpSettings:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": SmtpSecurity.NONE,
        "sender": "alerts@convex.example",
    }
    return SmtpSettings(**(fields | changes))


@pytest.mark.parametrize("sql_error", ["database or disk is full", "disk I/O error"])
async def test_store_that_fails_when_the_outcome_is_recorded_causes_no_second_copy(
    sql_error: str,
    embedded_kafka: KafkaSettings,
    kafka: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_full = asyncio.Event()
    original = Database._run

    def run(database: Database, transaction: Any, on_disk: bool) -> Any:
        if is_full.is_set():
            raise StoreUnavailable(sql_error)
        return original(database, transaction, on_disk)

    monkeypatch.setattr(Database, "_run", run)
    async with HostileSmtp({"data": Says(wait_seconds=0.5)}) as server, WebhookReceiver() as receiver:
        settings = notifier_settings(
            tmp_path,
            email("ann", "ann@example.com"),
            email("bob", "bob@example.com"),
            webhook("desk", receiver.url),
            mail_port=server.port,
        )
        async with running_notifier(embedded_kafka, settings) as task:
            await publish(kafka, opening(1))
            await until(lambda: server.count(b"DATA") == 1)
            is_full.set()
            await publish(kafka, opening(2))
            await asyncio.sleep(6)
            mails_while_full, webhooks_while_full = len(server.mails), len(receiver.requests)
            assert not task.done()
            is_full.clear()
            ended = await outcomes(embedded_kafka, 6)
            await asyncio.sleep(0.5)

    assert mails_while_full <= 2
    assert webhooks_while_full == 1
    assert len(server.mails) == 4
    assert len({mail.content.split(b"Message-ID: ")[1].split(b"\r\n")[0] for mail in server.mails}) == 4
    assert len(receiver.ids) == len(set(receiver.ids)) == 2
    assert {each.outcome for each in ended} == {Outcome.DELIVERED}


async def test_disk_without_room_lets_no_attempt_begin_and_nothing_is_lost(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = DiskFull(monkeypatch)
    events = [opening(number) for number in range(40)]
    async with MailSink() as sink, WebhookReceiver() as receiver:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), webhook("desk", receiver.url), mail_port=sink.port
        )
        async with running_notifier(embedded_kafka, settings) as task:
            await publish(kafka, opening(100))
            await sink.wait_for(1)
            disk.is_full = True
            await publish_all(kafka, events)
            await asyncio.sleep(5)
            assert not task.done()
            assert len(sink.mails) < 41
            disk.is_full = False
            await sink.wait_for(41)
            await outcomes(embedded_kafka, 82)
            await asyncio.sleep(0.3)

    assert len(sink.mails) == len(set(sink.message_ids)) == 41
    assert set(receiver.ids) == {event.event_id for event in events} | {opening(100).event_id}
    assert len(receiver.ids) == 41


@pytest.mark.slow
async def test_store_locked_for_twelve_seconds_makes_messages_wait(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with MailSink() as sink, WebhookReceiver() as receiver:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), webhook("desk", receiver.url), mail_port=sink.port
        )
        async with running_notifier(embedded_kafka, settings) as task:
            await publish(kafka, opening(1))
            await sink.wait_for(1)
            other = sqlite3.connect(tmp_path / "notifier.db", isolation_level=None, check_same_thread=False)
            other.execute("PRAGMA busy_timeout = 5000")
            other.execute("BEGIN IMMEDIATE")
            await publish(kafka, opening(2))
            await asyncio.sleep(12)
            assert not task.done()
            other.execute("ROLLBACK")
            other.close()
            await sink.wait_for(2)
            ended = await outcomes(embedded_kafka, 4)
            await asyncio.sleep(0.5)

    assert len(sink.message_ids) == len(set(sink.message_ids)) == 2
    assert len(receiver.ids) == len(set(receiver.ids)) == 2
    assert {(each.outcome, each.attempts) for each in ended} == {(Outcome.DELIVERED, 1)}


async def test_reply_that_comes_long_after_the_message_is_waited_for(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with HostileSmtp({"dot": Says(wait_seconds=3.0)}) as server:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), smtp=smtp(server.port, timeout_seconds=0.5)
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, opening(1))
            (ended,) = await outcomes(embedded_kafka, 1)

    assert (ended.outcome, ended.attempts) == (Outcome.DELIVERED, 1)
    assert len(server.mails) == 1


async def test_reply_that_never_comes_makes_two_copies_at_most(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with HostileSmtp({"dot": Says(reply=b"", closes=True)}) as server:
        settings = notifier_settings(tmp_path, email("ann", "ann@example.com"), mail_port=server.port)
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, opening(1))
            (ended,) = await outcomes(embedded_kafka, 1)
            await asyncio.sleep(0.5)

    assert (ended.outcome, ended.reason) == (Outcome.UNKNOWN, "unknown")
    assert len(server.mails) == 2


async def test_one_person_with_two_spellings_gets_one_mail(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with MailSink() as sink:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), email("too", "Ann@Example.com"), mail_port=sink.port
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, opening(1))
            ended = await outcomes(embedded_kafka, 2)
            await asyncio.sleep(0.2)

    assert len(sink.mails) == 1
    assert {(each.outcome, each.reason) for each in ended} == {
        (Outcome.DELIVERED, ""),
        (Outcome.SUPPRESSED, "same_receiver"),
    }


@pytest.mark.parametrize("step", ["greeting", "mail", "data"])
async def test_orderly_stops_while_the_relay_hangs_lose_no_mail(
    step: str,
    embedded_kafka: KafkaSettings,
    kafka: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of it was sent, so each stop leaves the mail as it was."""
    monkeypatch.setattr(channel_sender, "_DRAIN_SECONDS", 0.2)
    async with HostileSmtp({step: Says(wait_seconds=3_600)}) as server:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), smtp=smtp(server.port), retry_delays_seconds="0.01"
        )
        for number in range(3):
            again = settings.model_copy(update={"group": f"group {number}"})
            async with running_notifier(embedded_kafka, again):
                if not number:
                    await publish(kafka, opening(1))
                await until(lambda: server.connections > number)  # noqa: B023 - within this round
                await asyncio.sleep(0.2)
    async with MailSink() as sink:
        well = settings.model_copy(update={"smtp": smtp(sink.port), "group": "well"})
        async with running_notifier(embedded_kafka, well):
            await sink.wait_for(1)

    assert len(sink.mails) == 1


def test_second_notifier_on_one_file_ends_with_one_line(tmp_path: Path) -> None:
    settings = notifier_settings(tmp_path, webhook("desk", "http://127.0.0.1:1/"))
    environment = os.environ | {
        "CONVEX_NOTIFIER_DATABASE_URL": settings.database_url,
        "CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE": str(settings.subscriptions_file),
        "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CONVEX_NOTIFIER_HEALTH__PORT": "0",
    }
    command = [sys.executable, "-m", "convex", "notifier"]
    first = asyncio.run(_opened(settings))
    try:
        second = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        asyncio.run(first.close())

    assert second.returncode == 2, second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    assert "notifier.db" in second.stderr


async def _opened(settings: NotifierSettings) -> Database:
    return await Database.open(settings.database_url)
