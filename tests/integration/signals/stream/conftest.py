"""An embedded broker for one test: librdkafka's mock cluster, with four partitions in each topic."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.integration.signals.stream.harness import MockBroker
from tests.support.mock_cluster import start_mock_cluster


@pytest.fixture
def mock_broker() -> Iterator[MockBroker]:
    cluster = start_mock_cluster()
    yield MockBroker(cluster)
    cluster.flush(5)


@pytest.fixture
def broker_of_slow_joins() -> Iterator[MockBroker]:
    """Yield a broker that answers the first join of a group after three seconds, as Apache Kafka does."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 0})
    yield MockBroker(cluster)
    cluster.flush(5)
