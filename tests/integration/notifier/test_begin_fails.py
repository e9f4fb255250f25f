"""A delivery that the store cannot begin, for a reason that does not pass, is rejected; the others go out."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.notifier.store.queue import DeliveryQueue
from shared.config import KafkaSettings
from shared.domain.deliveries import Outcome
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier
from tests.integration.notifier.test_events_to_receivers import outcomes, publish
from tests.support.builders import divergence
from tests.support.receivers import MailSink


async def test_delivery_that_cannot_begin_is_rejected_and_the_others_are_sent(
    embedded_kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = DeliveryQueue.begin
    bad: set[str] = set()

    async def begin_or_fail(
        queue: DeliveryQueue, delivery_ids: Sequence[str], *, now_ns: int, on_disk: bool
    ) -> frozenset[str]:
        if not bad:
            bad.add(delivery_ids[0])
        if bad & set(delivery_ids):
            raise ValueError("a value that no database keeps")
        return await begin(queue, delivery_ids, now_ns=now_ns, on_disk=on_disk)

    monkeypatch.setattr(DeliveryQueue, "begin", begin_or_fail)
    events = [divergence(onset=str(number), sequence=number) for number in range(1, 5)]
    async with MailSink() as sink, Publisher(embedded_kafka, client_id="test") as kafka:
        settings = notifier_settings(tmp_path, email("ann", "ann@example.com"), mail_port=sink.port)
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, *events)
            await sink.wait_for(3)
            ended = await outcomes(embedded_kafka, 4)

    rejected = [each for each in ended if each.outcome is Outcome.REJECTED]
    assert [(each.delivery_id, each.reason) for each in rejected] == [(name, "internal") for name in bad]
    assert sum(each.outcome is Outcome.DELIVERED for each in ended) == 3
