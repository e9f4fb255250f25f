"""An embedded broker for one test: librdkafka's mock cluster."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from shared.config import KafkaSettings


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    yield KafkaSettings(
        bootstrap_servers=f"{broker.host}:{broker.port}", fetch_max_wait_ms=10, send_timeout_seconds=5
    )
    producer.flush(5)
