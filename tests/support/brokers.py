"""A broker of its own for each test that runs the whole system: topics have fixed names."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from convex.demo.broker import EmbeddedBroker
from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from tests.support.kafka_broker import KafkaBroker, KafkaUnavailable
from tests.support.mock_cluster import answer_joins_at_once


@pytest.fixture
def embedded_broker() -> Iterator[str]:
    """Yield the address of a fresh embedded broker with every topic."""
    with EmbeddedBroker() as broker:
        answer_joins_at_once(broker._producer)
        yield broker.bootstrap_servers


@pytest.fixture
def fresh_kafka(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a fresh Apache Kafka with every topic."""
    try:
        broker = KafkaBroker(tmp_path / "kafka")
    except KafkaUnavailable as error:
        pytest.skip(str(error))
    with broker:
        asyncio.run(create_topics(KafkaSettings(bootstrap_servers=broker.bootstrap, partitions=4)))
        yield broker.bootstrap


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def any_broker(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh broker, once of each sort."""
    name = "embedded_broker" if request.param == "embedded" else "fresh_kafka"
    return str(request.getfixturevalue(name))
