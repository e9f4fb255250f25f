"""An embedded broker for one test: librdkafka's mock cluster."""

from collections.abc import Iterator

import pytest

from shared.config import KafkaSettings
from tests.support.mock_cluster import address_of, start_mock_cluster


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    cluster = start_mock_cluster()
    yield KafkaSettings(bootstrap_servers=address_of(cluster), fetch_max_wait_ms=10, send_timeout_seconds=5)
    cluster.flush(5)
