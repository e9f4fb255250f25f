"""An embedded broker whose records carry the times that a test gives them."""

from confluent_kafka import Producer

from shared.config import KafkaSettings


class Broker:
    """librdkafka's mock cluster with some topics."""

    def __init__(self, *topics: str) -> None:
        self._producer = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self._producer.list_topics(timeout=10).brokers.values()))
        for topic in topics:
            # The mock cluster makes a topic that is asked for by name.
            self._producer.list_topics(topic, timeout=10)
        self.kafka = KafkaSettings(bootstrap_servers=f"{broker.host}:{broker.port}", fetch_max_wait_ms=10)

    def put(self, topic: str, key: str, value: bytes, *, at_ms: int) -> None:
        """Write one record."""
        self._producer.produce(topic, value, key.encode(), timestamp=at_ms)
        assert self._producer.flush(10) == 0
