"""A Kafka broker inside this process, for demos and quick tests: librdkafka's mock cluster.

It keeps records in memory only, supports one group member at a time and no transactions. It shows what Convex
does; it proves nothing about delivery. Tests of delivery run on Apache Kafka.
"""

from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from shared.kafka.topics import ALL_TOPICS


class EmbeddedBroker:
    """One broker on a free port of 127.0.0.1, with every declared topic.

    Examples
    --------
    >>> with EmbeddedBroker() as broker:
    ...     broker.bootstrap_servers.startswith("127.0.0.1:")
    True
    """

    def __enter__(self) -> Self:
        """Start the broker and create the topics."""
        # "bootstrap.servers" is replaced by the mock's own address; without one librdkafka complains.
        self._producer = Producer(
            {"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 0}
        )
        brokers = self._producer.list_topics(timeout=10).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        for topic in ALL_TOPICS:
            # The mock creates a topic when it is asked about it.
            self._producer.list_topics(topic.name, timeout=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker; its records are lost."""
        del self._producer
