"""What the subscriptions file says, up to what a receiver gets."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from shared.config import KafkaSettings
from shared.contracts.records import DELIVERIES, DIVERGENCES
from shared.domain.divergences import Severity, Transition
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import SECRET, email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import publish, read
from tests.support.builders import divergence
from tests.support.receivers import MailSink, WebhookReceiver


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


async def test_receiver_of_a_fixed_format_gets_it_signed_and_with_its_headers(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER_KEY", "R" * 32)
    event = divergence()
    more = (
        'body_template = "pagerduty"\ntemplate_secrets_env = { routing_key = "PAGER_KEY" }\n'
        'headers = { X-Team = "gold" }\nheaders_env = { X-Key = "PAGER_KEY" }\n'
    )
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("pager", receiver.url, more))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event)
            (request,) = await receiver.wait_for(1)

    Webhook(SECRET).verify(request.body, request.headers)
    body = json.loads(request.body)
    assert (body["routing_key"], body["dedup_key"]) == ("R" * 32, event.divergence_id)
    assert body["client_url"] == "https://convex.example/compare/gold-vs-iwm"
    assert (request.headers["x-team"], request.headers["x-key"]) == ("gold", "R" * 32)
    assert request.headers["content-type"] == "application/json"
    assert ("R" * 32).encode() not in (tmp_path / "notifier.db").read_bytes()


async def test_one_person_in_two_subscriptions_reads_one_mail_of_each_event(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """Would have caught: two mails with one Message-ID."""
    events = (
        divergence(),
        divergence(type=Transition.ESCALATED, severity=Severity.CRITICAL, sequence=2),
        divergence(type=Transition.CLOSED, sequence=3),
    )
    async with MailSink() as sink:
        settings = notifier_settings(
            tmp_path,
            email("ann", "ann@example.com", 'min_severity = "critical"\n'),
            email("desk", "Ann@Example.com"),
            email("bob", "bob@example.com"),
            mail_port=sink.port,
        )
        async with running_notifier(embedded_kafka, settings):
            for number, event in enumerate(events, start=1):
                await publish(kafka, event)
                # Each before the next, which would otherwise replace it.
                mails = await sink.wait_for(2 * number)

    ann, bob = ("Ann@Example.com",), ("bob@example.com",)
    assert sorted(mail.recipients for mail in mails) == [ann, ann, ann, bob, bob, bob]
    assert len({mail.message["message-id"] for mail in mails}) == 6


async def test_second_divergence_within_the_interval_is_suppressed_with_its_reason(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    first, repeat = divergence(), divergence(onset="2014-05-02T12:45:10.000000Z", sequence=2)
    end = divergence(type=Transition.CLOSED, sequence=3)
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url, "repeat_interval_seconds = 3600\n")
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, first, repeat, end)
            requests = await receiver.wait_for(2)
            decided = [DELIVERIES.decode(value) for value in await read(embedded_kafka, "deliveries.v1", 3)]

    assert [request.body for request in requests] == [DIVERGENCES.encode(first), DIVERGENCES.encode(end)]
    assert {(each.event_id, each.outcome.value, each.reason) for each in decided} == {
        (first.event_id, "delivered", ""),
        (repeat.event_id, "suppressed", "repeat_interval"),
        (end.event_id, "delivered", ""),
    }
