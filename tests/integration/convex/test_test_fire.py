import asyncio
import json
from pathlib import Path

from standardwebhooks.webhooks import Webhook

from convex.make_test_event import make_test_event
from services.notifier.core.event_validation import check_event
from services.notifier.core.routing import TimeBase
from shared.clock import SystemClock
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition
from shared.domain.instants import parse_rfc3339
from shared.kafka.publisher import Publisher
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Broker, Convex
from tests.integration.notifier.conftest import (
    SECRET,
    email,
    notifier_settings,
    running_notifier,
    webhook,
)
from tests.support.receivers import MailSink, WebhookReceiver


def test_test_is_published_under_its_pair_and_its_event_id_is_printed(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")

    ran = convex("test-fire", "--pair", "gold-iwm")

    (record,) = broker.records("divergences.v1")
    event = DIVERGENCES.decode(record.value)
    assert record.key == b"gold-iwm"
    assert ran.out == f"{event.event_id}\n"
    assert f"divergences.v1/{record.partition}/0" in ran.err
    assert (event.type, event.sequence, event.values, event.legs) == (Transition.TEST, 0, {}, ())
    assert parse_rfc3339(event.not_after) - parse_rfc3339(event.occurred_at) == 600 * 10**9
    # What the notifier asks of an event before it delivers it.
    check_event(event)


def test_each_test_is_another_event(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")

    assert convex("test-fire").out != convex("test-fire").out


def test_unknown_pair_is_refused_with_those_that_are_known(nowhere: str, convex: Convex) -> None:
    ran = convex("test-fire", "--pair", "oil-gas")

    assert ran.code == 2
    assert ran.err == (
        "convex: --pair oil-gas: is not known; "
        "CONVEX_PAIRS has gold-iwm, gold-spy, gold-qqq, gold-tlt, gold-silver, gold-bitcoin\n"
    )


def test_unreachable_kafka_is_one_clear_line(nowhere: str, convex: Convex) -> None:
    ran = convex("test-fire")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("convex: cannot connect: ")


async def test_every_subscription_of_the_pair_is_reported_whatever_it_waits_for(
    broker: Broker, tmp_path: Path
) -> None:
    """A subscription for critical ones alone must be able to find out whether it works, too."""
    event = make_test_event(load_pairs("simulated")[0], at_ns=SystemClock().now_ns())
    await asyncio.to_thread(broker.make_topic, "divergences.v1")
    async with WebhookReceiver() as receiver, MailSink() as mails:
        settings = notifier_settings(
            tmp_path,
            webhook("desk", receiver.url, 'min_severity = "critical"'),
            email("ann", "ann@example.com"),
            email("bob", "bob@example.com", 'pairs = ["oil-gas"]'),
            mail_port=mails.port,
            time_base=TimeBase.LIVE,
        )
        async with running_notifier(broker.settings, settings):
            async with Publisher(broker.settings, client_id="test") as publisher:
                await publisher.publish("divergences.v1", key=event.pair, value=DIVERGENCES.encode(event))
            (request,) = await receiver.wait_for(1)
            (mail,) = await mails.wait_for(1)

    assert Webhook(SECRET).verify(request.body, request.headers) == json.loads(DIVERGENCES.encode(event))
    assert mail.message["To"] == "ann@example.com"
    assert "Test message" in mail.message["Subject"]
    body = mail.message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "Nothing has happened." in text
    assert "The next close" not in text
