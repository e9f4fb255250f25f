"""A broker, the command line as an operator calls it, and a way to look at topics."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from confluent_kafka import Producer

from convex.cli import main
from shared.config import KafkaSettings
from shared.kafka.clients import make_reader
from tests.support.mock_cluster import address_of, start_mock_cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Convex = Callable[..., Ran]


@pytest.fixture
def convex(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convex:
    """Run ``convex ARGUMENTS`` in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    # No test asks a provider outside this machine, which the doctor would do.
    monkeypatch.setenv("CONVEX_INGESTOR_FEED", "simulated")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["convex", *arguments])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return Ran(code=int(code), out=captured.out, err=captured.err)

    return run


class Broker:
    """The embedded broker: a topic is there once it was asked for."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.settings = KafkaSettings(
            bootstrap_servers=address_of(producer), fetch_max_wait_ms=10, send_timeout_seconds=10
        )

    def make_topic(self, name: str) -> None:
        self._producer.list_topics(name, timeout=10)

    def put(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
        timestamp_ms: int | None = None,
    ) -> tuple[int, int]:
        """Publish a record and return its partition and offset."""

        async def send() -> tuple[int, int]:
            producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers)
            await producer.start()
            try:
                sent = await producer.send_and_wait(
                    topic,
                    value,
                    key=key,
                    partition=partition,
                    headers=list(headers),
                    timestamp_ms=timestamp_ms,
                )
            finally:
                await producer.stop()
            return sent.partition, sent.offset

        self.make_topic(topic)
        return asyncio.run(send())

    def records(self, topic: str) -> list[Any]:
        """Return every record of a topic's four partitions."""

        async def read() -> list[Any]:
            places = [TopicPartition(topic, number) for number in range(4)]
            consumer = make_reader(self.settings, client_id="test")
            await consumer.start()
            try:
                consumer.assign(places)
                ends = await consumer.end_offsets(places)
                found: list[Any] = []
                while len(found) < sum(ends.values()):
                    for batch in (await consumer.getmany(timeout_ms=500)).values():
                        found += batch
            finally:
                await consumer.stop()
            return found

        self.make_topic(topic)
        return asyncio.run(read())


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Run an embedded broker that the command line is configured for."""
    producer = start_mock_cluster()
    broker = Broker(producer)
    monkeypatch.setenv("CONVEX_KAFKA_BOOTSTRAP_SERVERS", broker.settings.bootstrap_servers)
    monkeypatch.setenv("CONVEX_KAFKA_FETCH_MAX_WAIT_MS", "10")
    monkeypatch.setenv("CONVEX_KAFKA_SEND_TIMEOUT_SECONDS", "10")
    yield broker
    producer.flush(5)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the command line to an address where nothing listens."""
    monkeypatch.setenv("CONVEX_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    return "127.0.0.1:1"
