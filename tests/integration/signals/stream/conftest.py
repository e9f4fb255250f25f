"""An embedded broker for one test: librdkafka's mock cluster, with four partitions in each topic."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.integration.signals.stream.harness import MockBroker


@pytest.fixture
def mock_broker() -> Iterator[MockBroker]:
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    yield MockBroker(producer)
    producer.flush(5)
