"""A partition that goes to another member of the group while a notifier looks at it."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.kafka.publisher import Publisher
from tests.integration.notifier.conftest import notifier_settings, running_notifier, webhook
from tests.support.builders import divergence
from tests.support.receivers import WebhookReceiver


async def test_a_partition_that_moves_while_it_is_compared_with_the_store_does_not_end_the_notifier(
    embedded_kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = AIOKafkaConsumer.position
    has_moved = asyncio.Event()

    async def moves_once(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
        if not has_moved.is_set():
            has_moved.set()
            raise IllegalStateError(f"Partition {partition} is not assigned")
        return int(await position(consumer, partition))

    monkeypatch.setattr(AIOKafkaConsumer, "position", moves_once)
    event = divergence()
    async with WebhookReceiver() as receiver, Publisher(embedded_kafka, client_id="test") as publisher:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await asyncio.wait_for(has_moved.wait(), 20)
            await publisher.publish("divergences.v1", key=event.pair, value=DIVERGENCES.encode(event))
            await receiver.wait_for(1)
