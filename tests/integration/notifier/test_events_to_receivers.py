"""An event in Kafka becomes a signed webhook and an e-mail, and an outcome in Kafka."""

from pathlib import Path

from standardwebhooks.webhooks import Webhook

from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import SECRET, email, notifier_settings, running_notifier, webhook
from tests.support.builders import divergence
from tests.support.receivers import MailSink, WebhookReceiver


async def test_event_becomes_a_verified_webhook_and_a_mail(
    embedded_kafka: KafkaSettings, tmp_path: Path
) -> None:
    event = divergence()
    body = DIVERGENCES.encode(event)
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = notifier_settings(
            tmp_path, webhook("desk", receiver.url), email("ann", "ann@example.com"), mail_port=sink.port
        )
        async with (
            running_notifier(embedded_kafka, settings),
            Publisher(embedded_kafka, client_id="test") as kafka,
        ):
            await kafka.publish("divergences.v1", key=event.pair, value=body)
            (request,) = await receiver.wait_for(1)
            (mail,) = await sink.wait_for(1)

    assert request.body == body
    assert request.headers["webhook-id"] == event.event_id
    Webhook(SECRET).verify(request.body, request.headers)
    assert mail.recipients == ("ann@example.com",)
    assert "Gold is rich against IWM" in mail.message["Subject"]
