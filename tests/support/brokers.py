"""A broker of each sort with every topic, empty, for a test that runs the whole system."""

from collections.abc import Iterator

import pytest

from convex.demo.broker import EmbeddedBroker
from tests.support.mock_cluster import answer_joins_at_once


@pytest.fixture
def embedded_broker() -> Iterator[str]:
    """Yield the address of a fresh embedded broker with every topic."""
    with EmbeddedBroker() as broker:
        answer_joins_at_once(broker._producer)
        yield broker.bootstrap_servers


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def any_broker(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh broker, once of each sort."""
    name = "embedded_broker" if request.param == "embedded" else "fresh_kafka"
    return str(request.getfixturevalue(name))
