"""What only a real group coordinator settles: offsets are committed, and a restart reads on from there."""

from pathlib import Path
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook
from structlog.testing import capture_logs

from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import SECRET, notifier_settings, running_notifier, webhook
from tests.support.builders import divergence
from tests.support.receivers import WebhookReceiver


@pytest.mark.kafka
@pytest.mark.slow
async def test_stopped_notifier_has_committed_what_it_stored(fresh_kafka: str, tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers=fresh_kafka, fetch_max_wait_ms=10)
    events = [divergence(onset=str(number), sequence=number) for number in (1, 2, 3)]
    async with WebhookReceiver() as receiver, Publisher(kafka, client_id="test") as publisher:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), group=f"notifier-{uuid4()}")
        stored = []
        for run in (events[:2], events[2:]):
            with capture_logs() as logs:
                async with running_notifier(kafka, settings):
                    for event in run:
                        await publisher.publish(
                            "divergences.v1", key=event.pair, value=DIVERGENCES.encode(event)
                        )
                    await receiver.wait_for(events.index(run[-1]) + 1)
            stored.append([entry["event"] for entry in logs if entry["event"].startswith("event_")])

    # Two divergences at once go out side by side: only within one does the order count.
    assert sorted(receiver.ids[:2]) == sorted(event.event_id for event in events[:2])
    assert receiver.ids[2:] == [events[2].event_id]
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, request.headers)
    assert stored == [["event_stored", "event_stored"], ["event_stored"]]
