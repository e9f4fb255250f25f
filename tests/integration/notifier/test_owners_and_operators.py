"""What a running notifier says to owners, to receivers that ask, and what it does for an operator."""

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from convex.deliveries import enable_receiver, list_deliveries, retry_deliveries
from services.notifier.config import ApiSettings, NotifierSettings
from services.notifier.sending import receiver_watch
from shared.config import KafkaSettings
from shared.contracts.records import DELIVERIES, DIVERGENCES
from shared.domain.deliveries import Outcome
from shared.domain.divergences import DivergenceEvent, Severity
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import outcomes, publish
from tests.support.builders import divergence
from tests.support.receivers import Answer, MailSink, WebhookReceiver

OWNED = 'owner = "ops@example.com"\n'


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/notifier.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


def event(number: int, **changes: Any) -> DivergenceEvent:
    """Return the opening of a divergence of its own."""
    return divergence(onset=f"2014-05-02T12:{number:02}:00Z", sequence=number, **changes)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_owner_of_a_receiver_that_is_gone_gets_one_mail_and_the_way_back_works(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, store_url: str
) -> None:
    async with WebhookReceiver(410) as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url, OWNED), mail_port=sink.port, database_url=store_url
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1))
            (mail,) = await sink.wait_for(1)
            await publish(kafka, event(2))
            ended = await outcomes(embedded_kafka, 3)
            answered = await enable_receiver(settings, "desk")
            requests = await receiver.wait_for(2)
            await publish(kafka, event(3))
            await receiver.wait_for(3)

    assert mail.recipients == ("ops@example.com",)
    assert mail.message["Subject"] == "Convex no longer sends to the webhook desk"
    assert "convex deliveries enable desk" in text_of(mail.message)
    gone, suppressed = (each for each in ended if each.subscription == "desk")
    assert (gone.outcome, gone.reason, gone.endpoint_sequence) == (Outcome.GONE, "gone", 1)
    assert (suppressed.outcome, suppressed.reason, suppressed.attempts) == (
        Outcome.SUPPRESSED,
        "receiver_gone",
        0,
    )
    assert suppressed.pair == "gold-iwm"
    assert (answered.is_taken, answered.asked.revived) == (True, 1)
    # The one that it answered with 410 is sent again: its owner says that this was a mistake.
    assert requests[1].headers["webhook-id"] == event(1).event_id
    assert [each.headers["webhook-id"] for each in receiver.requests][2] == event(3).event_id
    assert len(sink.mails) == 1


async def test_owner_of_a_receiver_that_fails_for_long_is_informed_at_its_beginning_and_end(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_watch, "_NOTICE_AFTER_NS", 100_000_000)
    failing = [Answer(status=503)] * 40
    async with WebhookReceiver(*failing) as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path,
            webhook("desk", receiver.url),
            mail_port=sink.port,
            operator_address="operator@example.com",
            probe_min_seconds=0.05,
            probe_max_seconds=0.1,
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1))
            mails = await sink.wait_for(2)

    failed, well = (mail.message for mail in mails)
    assert {mail.recipients for mail in mails} == {("operator@example.com",)}
    assert failed["Subject"] == "Convex cannot deliver to the webhook desk"
    assert "1 message waits for it" in text_of(failed)
    assert well["Subject"] == "Convex can deliver to the webhook desk again"
    assert well["In-Reply-To"] == failed["Message-ID"]
    assert receiver.requests[-1].headers["webhook-id"] == event(1).event_id


async def test_operator_sends_again_what_was_rejected_while_the_notifier_runs(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, store_url: str
) -> None:
    async with WebhookReceiver(404) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), database_url=store_url)
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1))
            (first,) = await outcomes(embedded_kafka, 1)
            overview = await list_deliveries(settings, subscription="desk", state="rejected", limit=10)
            answered = await retry_deliveries(settings, subscription="desk", delivery_id=None)
            requests = await receiver.wait_for(2)
        ended = await outcomes(embedded_kafka, 2)

    assert [each.last_reason for each in overview.deliveries] == ["not_found"]
    assert first.outcome is Outcome.REJECTED
    assert (answered.is_taken, answered.asked.revived) == (True, 1)
    assert {each.headers["webhook-id"] for each in requests} == {event(1).event_id}
    assert [each.outcome for each in ended] == [Outcome.REJECTED, Outcome.DELIVERED]
    assert len({each.delivery_id for each in ended}) == 1


async def is_deferred(settings: NotifierSettings) -> None:
    """Return once a delivery waits for its next attempt."""
    for _ in range(500):
        overview = await list_deliveries(settings, subscription=None, state="pending", limit=1)
        if overview.deliveries and overview.deliveries[0].last_reason:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was deferred within ten seconds")


async def test_operator_does_not_wait_for_the_next_attempt(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, store_url: str
) -> None:
    async with WebhookReceiver(503) as receiver:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), retry_delays_seconds="3600", database_url=store_url
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1))
            await receiver.wait_for(1)
            await is_deferred(settings)
            answered = await retry_deliveries(settings, subscription=None, delivery_id=None)
            await receiver.wait_for(2)

    assert answered.asked.due == 1


async def test_each_decision_is_one_record_also_those_not_to_send(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path,
            webhook("desk", receiver.url),
            webhook("desk-too", receiver.url),
            webhook("others", receiver.url, 'pairs = ["silver-iwm"]\n'),
            webhook("calm", receiver.url, 'min_severity = "critical"\n'),
            email("ann", "ann@example.com", 'kinds = ["hedge_lost"]\n'),
            mail_port=sink.port,
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1, severity=Severity.WARNING))
            ended = {each.subscription: each for each in await outcomes(embedded_kafka, 5)}

    assert {name: (each.outcome.value, each.reason) for name, each in ended.items()} == {
        "desk": ("delivered", ""),
        "desk-too": ("suppressed", "same_receiver"),
        "others": ("suppressed", "other_pair"),
        "calm": ("suppressed", "below_severity"),
        "ann": ("suppressed", "other_kind"),
    }
    assert {each.event_id for each in ended.values()} == {event(1).event_id}
    assert {each.divergence_id for each in ended.values()} == {event(1).divergence_id}
    assert {each.message_id for each in ended.values()} == {event(1).event_id, ""}
    assert len({each.delivery_id for each in ended.values()}) == 5


async def test_receiver_fetches_what_it_missed(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("a-token-of-the-desk-0123456789")
    async with WebhookReceiver(404) as receiver:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url, 'events_token_file = "token"\n'), api=ApiSettings(port=0)
        )
        with capture_logs() as logs:
            async with running_notifier(embedded_kafka, settings):
                await publish(kafka, event(1), event(2))
                requests = await receiver.wait_for(2)
                await outcomes(embedded_kafka, 2)
                (port,) = [line["port"] for line in logs if line["event"] == "events_served"]
                answer = await asyncio.to_thread(_fetch, port)
                metrics = await asyncio.to_thread(_metrics, logs)

    listed = json.loads(answer)["events"]
    assert [(each["endpoint_sequence"], each["state"]) for each in listed] == [
        (1, "rejected"),
        (2, "delivered"),
    ]
    assert b'"event":' + DIVERGENCES.encode(event(1)) + b"}" in answer
    assert [each.headers["convex-sequence"] for each in requests] == ["1", "2"]
    assert re.search(r'convex_notifier_api_requests_total\{status="200"\} 1\.0', metrics)


def _fetch(port: int) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/events?after=0",
        headers={"Authorization": "Bearer a-token-of-the-desk-0123456789"},
    )
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - as above
        body: bytes = response.read()
    return body


def _metrics(logs: list[Any]) -> str:
    (port,) = [line["port"] for line in logs if line["event"] == "notifier_started"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        text: str = response.read().decode()
    return text


async def test_notice_is_a_delivery_with_its_own_record(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with WebhookReceiver(410) as receiver, MailSink() as sink:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url, OWNED), mail_port=sink.port)
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event(1))
            await sink.wait_for(1)
            ended = {each.subscription: each for each in await outcomes(embedded_kafka, 2)}

    record = ended["owner:desk"]
    assert (record.outcome, record.endpoint_sequence) == (Outcome.DELIVERED, 1)
    assert record.event_id.startswith("nt_")
    assert record.message_id == sink.mails[0].message["Message-ID"]
    assert DELIVERIES.decode(DELIVERIES.encode(record)) == record
