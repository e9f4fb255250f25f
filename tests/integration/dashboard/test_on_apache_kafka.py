"""What only a real broker shows: topics that do not exist yet, and a Kafka that goes and comes back."""

import asyncio
from pathlib import Path

import pytest

from shared.config import KafkaSettings
from shared.contracts.records import SIGNALS
from shared.domain.snapshots import PairSnapshot
from shared.kafka.admin import create_topics
from shared.kafka.publisher import Publisher
from tests.support.kafka_broker import broker_or_skip
from tests.support.running_dashboard import running_dashboard
from tests.support.snapshot_builder import PAIR, leg, other_leg, snapshot

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def test_missing_topics_and_a_restart_of_kafka_are_reported_and_got_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = broker_or_skip(tmp_path / "kafka")
    await asyncio.to_thread(broker.start)
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap)
    try:
        async with running_dashboard(kafka) as dashboard:
            await dashboard.page_with("signals.v1 and divergences.v1 do not exist", "convex topics create")
            caplog.clear()
            await asyncio.sleep(3)
            assert [record.message for record in caplog.records if record.name.startswith("aiokafka")] == []

            await create_topics(kafka)
            await dashboard.page_with("read signals.v1 to its end at")
            await publish(kafka, snapshot())
            await dashboard.page_with("1,486.43")

            await asyncio.to_thread(broker.kill)
            await dashboard.page_with("Kafka has not answered since", "1,486.43")

            await asyncio.to_thread(broker.start)
            await publish(kafka, snapshot(legs=(leg(price=1501.07), other_leg())))
            page = await dashboard.page_with("1,501.07", patience_seconds=60)
            assert "1,486.43" not in page
            async with asyncio.timeout(30):
                while "Kafka has not answered" in await dashboard.page_with("1,501.07"):  # noqa: ASYNC110  a page is asked
                    await asyncio.sleep(0.2)
    finally:
        await asyncio.to_thread(broker.stop)


async def publish(kafka: KafkaSettings, value: PairSnapshot) -> None:
    async with Publisher(kafka, client_id="test") as publisher:
        await publisher.publish("signals.v1", key=PAIR.name, value=SIGNALS.encode(value))
