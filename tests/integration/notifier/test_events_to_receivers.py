"""From an event in Kafka to webhook, e-mail and outcome, on the embedded broker."""

import asyncio
import base64
import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook
from structlog.testing import capture_logs

from services.notifier.app import run_notifier
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS, DELIVERIES, DIVERGENCES
from shared.domain.deliveries import DeadLetter, DeliveryOutcome, Outcome
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from shared.errors import ConfigError
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import (
    SECRET,
    email,
    notifier_settings,
    running_notifier,
    webhook,
)
from tests.support.builders import divergence
from tests.support.builders_kinds import divergence_of
from tests.support.receivers import Answer, MailSink, WebhookReceiver


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


async def publish(kafka: Publisher, *events: DivergenceEvent) -> None:
    for event in events:
        await kafka.publish("divergences.v1", key=event.pair, value=DIVERGENCES.encode(event))


async def read(
    settings: KafkaSettings, topic: str, count: int, *, timeout_seconds: float = 20.0
) -> list[bytes]:
    """Return the values of the first records of a topic's partitions."""
    reader = make_reader(settings, client_id="test-reader")
    reader.subscribe([topic])
    async with asyncio.timeout(timeout_seconds):
        await reader.start()
        try:
            return [(await reader.getone()).value for _ in range(count)]
        finally:
            await reader.stop()


async def outcomes(
    settings: KafkaSettings, count: int, *, timeout_seconds: float = 20.0
) -> list[DeliveryOutcome]:
    values = await read(settings, "deliveries.v1", count, timeout_seconds=timeout_seconds)
    return [DELIVERIES.decode(value) for value in values]


async def test_event_becomes_a_verified_webhook_and_a_mail(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    event = divergence()
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), email("ann", "ann@example.com"), mail_port=sink.port
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event)
            (request,) = await receiver.wait_for(1)
            (mail,) = await sink.wait_for(1)

    assert request.body == DIVERGENCES.encode(event)
    assert request.headers["webhook-id"] == event.event_id
    Webhook(SECRET).verify(request.body, request.headers)
    assert mail.recipients == ("ann@example.com",)
    assert mail.message["Subject"] == "Gold is rich against IWM, z +2.31 (provisional)"
    ended = {each.subscription: each for each in await outcomes(embedded_kafka, 2)}
    assert {each.outcome for each in ended.values()} == {Outcome.DELIVERED}
    assert ended["desk"].message_id == event.event_id
    assert ended["ann"].message_id == mail.message["Message-ID"]


async def test_change_of_regime_is_one_mail_and_two_webhooks(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """It opens and closes in one instant: a person would read the same thing twice."""
    began = divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF)
    ended = divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF, type=Transition.CLOSED, sequence=2)
    later = divergence_of(Kind.DATA_FAULT, Direction.LEAD, sequence=3)
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), email("ann", "ann@example.com"), mail_port=sink.port
        )
        with capture_logs() as logs:
            async with running_notifier(embedded_kafka, settings):
                await publish(kafka, began, ended, later)
                requests = await receiver.wait_for(3)
                mails = await sink.wait_for(2)

    for request in requests:
        Webhook(SECRET).verify(request.body, request.headers)
    assert {request.body for request in requests} == {
        DIVERGENCES.encode(each) for each in (began, ended, later)
    }
    assert {mail.message["Subject"] for mail in mails} == {
        "Gold and IWM: the regime is risk-off, z +1.20 (confirmed)",
        "The data of Gold cannot be trusted (no ticks)",
    }
    stored = {line["event_id"]: line for line in logs if line["event"] == "event_stored"}
    assert (stored[ended.event_id]["deliveries"], stored[ended.event_id]["suppressed"]) == (1, 1)


async def test_receiver_that_recovers_gets_the_same_message_again(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with (
        WebhookReceiver(503, Answer(is_cut=True), 429) as receiver,
        running_notifier(embedded_kafka, notifier_settings(tmp_path, webhook("desk", receiver.url))),
    ):
        await publish(kafka, divergence())
        requests = await receiver.wait_for(4)

    assert receiver.ids == [divergence().event_id] * 4
    assert len({request.body for request in requests}) == 1
    (outcome,) = await outcomes(embedded_kafka, 1)
    assert (outcome.outcome, outcome.attempts) == (Outcome.DELIVERED, 4)


async def test_newer_event_takes_the_place_of_a_deferred_one_and_says_so(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    opening = divergence(sequence=1)
    closing = divergence(type=Transition.CLOSED, sequence=2)
    other = divergence(onset="another", sequence=3)
    async with WebhookReceiver(503) as receiver:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), retry_delays_seconds="0.6", max_concurrent_attempts=1
        )
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, opening, closing, other)
            await receiver.wait_for(3)
            ended = {each.event_id: each for each in await outcomes(embedded_kafka, 3)}

    assert receiver.ids[0] == opening.event_id
    assert sorted(receiver.ids[1:]) == sorted([closing.event_id, other.event_id])
    assert ended[opening.event_id].outcome is Outcome.SUPERSEDED
    assert ended[closing.event_id].outcome is Outcome.DELIVERED


async def test_events_of_a_divergence_arrive_in_order_at_a_receiver_that_is_well(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    events = [
        divergence(sequence=1),
        divergence(type=Transition.ESCALATED, sequence=2),
        divergence(type=Transition.CLOSED, sequence=3),
    ]
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, *events)
            await receiver.wait_for(3)

    assert receiver.ids == [each.event_id for each in events]


async def test_refusal_ends_a_delivery_and_the_next_event_goes_out(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    closing = divergence(type=Transition.CLOSED, sequence=2)
    async with (
        WebhookReceiver(400) as receiver,
        running_notifier(embedded_kafka, notifier_settings(tmp_path, webhook("desk", receiver.url))),
    ):
        await publish(kafka, divergence(), closing)
        await receiver.wait_for(2)

    assert receiver.ids == [divergence().event_id, closing.event_id]
    refused, delivered = await outcomes(embedded_kafka, 2)
    assert (refused.outcome, refused.reason) == (Outcome.REJECTED, "refused")
    assert (delivered.outcome, delivered.reason) == (Outcome.DELIVERED, "")


async def test_receiver_that_is_gone_is_left_alone_until_its_address_changes(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with WebhookReceiver(410) as receiver, WebhookReceiver() as other:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), webhook("other", other.url))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, divergence())
            await receiver.wait_for(1)
            await outcomes(embedded_kafka, 2)
            await publish(kafka, divergence(onset="another", sequence=2))
            await other.wait_for(2)
        # Another group reads from the beginning, and is there sooner than a member that comes back.
        moved = notifier_settings(tmp_path, webhook("desk", receiver.url + "/new"), group="again")
        async with running_notifier(embedded_kafka, moved):
            third = divergence(onset="third", sequence=3)
            await publish(kafka, third)
            await receiver.wait_for(2)

    assert receiver.ids == [divergence().event_id, third.event_id]


async def test_stale_event_is_not_sent_as_a_live_one(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """Its ``not_after`` passed in 2014."""
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), time_base="live")
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, divergence())
            (outcome,) = await outcomes(embedded_kafka, 1)

    assert (outcome.outcome, outcome.reason, outcome.attempts) == (Outcome.EXPIRED, "deadline_passed", 0)
    assert receiver.connections == 0


async def test_delivery_that_cannot_succeed_ends_at_its_deadline(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    event = divergence(not_after="2014-05-02T12:35:11.000000Z")
    async with WebhookReceiver(*[503] * 10_000) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), retry_delays_seconds="0.1,3600")
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, event)
            (outcome,) = await outcomes(embedded_kafka, 1)

    assert (outcome.outcome, outcome.reason, outcome.attempts) == (Outcome.EXPIRED, "deadline_passed", 2)


async def test_bad_record_is_parked_and_passed(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    body = DIVERGENCES.encode(divergence())
    bad = [
        b"\xff\xfe",
        body.replace(b'"v":1', b'"v":9'),
        body.replace(b"2014-05-02T16:35", b"2014-99-02T16:35"),
    ]
    async with (
        WebhookReceiver() as receiver,
        running_notifier(embedded_kafka, notifier_settings(tmp_path, webhook("desk", receiver.url))),
    ):
        for value in bad:
            await kafka.publish("divergences.v1", key="gold-iwm", value=value)
        await publish(kafka, divergence())
        await receiver.wait_for(1)

    letters: list[DeadLetter] = [
        DEADLETTERS.decode(value) for value in await read(embedded_kafka, "deadletters.v1", 3)
    ]
    assert [letter.reason for letter in letters] == ["not_json", "unknown_schema", "bad_instant"]
    assert [letter.offset for letter in letters] == [0, 1, 2]
    assert {letter.origin for letter in letters} == {"divergences.v1"}
    assert [base64.b64decode(letter.first_bytes) for letter in letters] == [value[:1024] for value in bad]


async def test_repeated_record_is_delivered_once(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    closing = divergence(type=Transition.CLOSED, sequence=2)
    async with (
        WebhookReceiver() as receiver,
        running_notifier(embedded_kafka, notifier_settings(tmp_path, webhook("desk", receiver.url))),
    ):
        await publish(kafka, divergence(), divergence(), divergence(), closing)
        await receiver.wait_for(2)

    assert receiver.ids == [divergence().event_id, closing.event_id]


async def test_subscription_to_critical_events_gets_the_escalation_and_the_end(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    expected = [
        divergence(type=Transition.ESCALATED, severity=Severity.CRITICAL, sequence=2),
        divergence(type=Transition.CLOSED, sequence=3),
    ]
    async with WebhookReceiver() as receiver:
        table = webhook("desk", receiver.url, 'min_severity = "critical"\n')
        async with running_notifier(embedded_kafka, notifier_settings(tmp_path, table)):
            await publish(kafka, divergence(sequence=1), *expected)
            await receiver.wait_for(2)

    assert receiver.ids == [event.event_id for event in expected]


async def test_restart_reads_on_where_it_stopped_and_sends_nothing_again(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    later = divergence(onset="another", sequence=2)
    async with WebhookReceiver() as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, divergence())
            await receiver.wait_for(1)
        with capture_logs() as logs:
            async with running_notifier(embedded_kafka, settings):
                await publish(kafka, later)
                await receiver.wait_for(2)

    assert receiver.ids == [divergence().event_id, later.event_id]
    assert "event_repeated" not in [entry["event"] for entry in logs]


async def test_subscription_that_was_removed_gets_nothing_more(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with WebhookReceiver(503) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), retry_delays_seconds="1")
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, divergence())
            await receiver.wait_for(1)
        without = notifier_settings(tmp_path, webhook("other", receiver.url), group="again")
        async with running_notifier(embedded_kafka, without):
            (outcome,) = await outcomes(embedded_kafka, 1)

    assert len(receiver.requests) == 1
    assert (outcome.subscription, outcome.outcome) == ("desk", Outcome.REJECTED)
    assert outcome.reason == "subscription_removed"


async def test_health_and_metrics_show_what_it_does(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with WebhookReceiver(503) as receiver:
            settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
            async with running_notifier(embedded_kafka, settings):
                await publish(kafka, divergence(), divergence())
                await receiver.wait_for(2)
                (port,) = [entry["port"] for entry in logs if entry["event"] == "notifier_started"]
                await outcomes(embedded_kafka, 1)
                ready = await asyncio.to_thread(_get, port, "/readyz")
                live = await asyncio.to_thread(_get, port, "/healthz")
                metrics = await asyncio.to_thread(_get, port, "/metrics")

    assert ready == live == '{"status": "ok", "failed": {}}'
    for line in (
        'convex_notifier_notifications_total{channel="webhook"} 1.0',
        'convex_notifier_notifications_suppressed_total{reason="duplicate"} 1.0',
        'convex_notifier_notifications_suppressed_total{reason="other_pair"} 0.0',
        'convex_notifier_notifications_failed_total{channel="webhook",reason="deadline_passed"} 0.0',
        'convex_notifier_delivery_attempts_total{channel="webhook",outcome="deferred"} 1.0',
        'convex_notifier_delivery_attempts_total{channel="webhook",outcome="delivered"} 1.0',
        'convex_notifier_event_to_delivery_seconds_count{channel="webhook"} 1.0',
        'convex_notifier_pending_deliveries{channel="email"} 0.0',
        'convex_notifier_oldest_pending_timestamp_seconds{channel="email"} NaN',
        'convex_kafka_dead_lettered_total{reason="not_json",topic="divergences.v1"} 0.0',
    ):
        assert line in metrics
    assert re.search(
        r'convex_kafka_consumer_lag_records\{partition="\d",topic="divergences\.v1"\} 0\.0', metrics
    )


async def test_notifier_without_kafka_is_alive_but_not_ready_and_stops_when_asked(tmp_path: Path) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with capture_logs() as logs:
        async with WebhookReceiver() as receiver:
            settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
            async with running_notifier(nowhere, settings) as task:
                async with asyncio.timeout(10):
                    while not any(entry["event"] == "kafka_unreachable" for entry in logs):  # noqa: ASYNC110 - a log only
                        await asyncio.sleep(0.05)
                (port,) = [entry["port"] for entry in logs if entry["event"] == "notifier_started"]
                live = await asyncio.to_thread(_get, port, "/healthz")
                with pytest.raises(urllib.error.HTTPError, match="503") as caught:
                    await asyncio.to_thread(_get, port, "/readyz")
                caught.value.close()
                assert not task.done()

    assert live == '{"status": "ok", "failed": {}}'


async def test_mail_subscription_without_a_mail_server_does_not_start(tmp_path: Path) -> None:
    settings = notifier_settings(tmp_path, email("ann", "ann@example.com"), smtp={})

    with pytest.raises(ConfigError, match="CONVEX_NOTIFIER_SMTP__HOST: subscription ann is by e-mail"):
        await run_notifier(KafkaSettings(), settings, clock=SystemClock(), stop=asyncio.Event())


def _get(port: int, path: str) -> str:
    with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)) as response:
        return str(response.read().decode())
