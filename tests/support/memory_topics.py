"""Kafka's topics in memory, for workers that die between any two effects; one partition each."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from services.signals import worker as worker_module
from services.signals.checkpoint.reader import Checkpoints, _Newest
from shared.config import KafkaSettings
from shared.kafka import topics
from shared.kafka.publisher import Headers, Message, Published, Publisher


class PowerCut(Exception):
    """The process ends here."""


class MemoryTopics(Publisher):
    """A publisher whose records stay in memory.

    Attributes
    ----------
    records
        By topic, every key and value, but for snapshots.
    effects
        How many effects are left before the power is cut; -1 for any number. A batch that Kafka writes as a
        whole is one effect.
    has_room
        False: every batch is too large, so a checkpoint's records are published one by one.
    """

    def __init__(self) -> None:
        super().__init__(KafkaSettings(), client_id="memory")
        self.records: dict[str, list[tuple[str, bytes]]] = {}
        self.effects = -1
        self.has_room = True

    async def publish(
        self,
        topic: str,
        *,
        key: str,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> Published:
        """Put a record at the end of its topic."""
        if topic == topics.SIGNALS.name:
            return Published(0, 0, 0)
        return self._put(topic, [(key, value or b"")])

    async def publish_in_order(self, messages: Sequence[Message]) -> list[Published]:
        """Put one after the other; the power may be cut between any two."""
        return [await self.publish(each.topic, key=each.key, value=each.value) for each in messages]

    async def publish_batched(
        self, topic: str, records: Sequence[tuple[str, bytes]], *, partition: int | None = None
    ) -> None:
        """Put one after the other; the power may be cut between any two."""
        for key, value in records:
            self._put(topic, [(key, value)])

    async def publish_as_one(self, messages: Sequence[Message], *, partition: int) -> Published | None:
        """Put all, or none."""
        if not self.has_room:
            return None
        return self._put(messages[0].topic, [(each.key, each.value or b"") for each in messages])

    async def partition_for(self, topic: str, key: str) -> int:
        """Return the only partition."""
        return 0

    def _put(self, topic: str, records: list[tuple[str, bytes]]) -> Published:
        if self.effects == 0:
            raise PowerCut
        self.effects -= 1
        log = self.records.setdefault(topic, [])
        log += records
        return Published(0, len(log) - 1, 0)

    def values_by_key(self, topic: str) -> dict[str, list[bytes]]:
        """Return the different values of each key, in the order in which each first came."""
        values: dict[str, dict[bytes, None]] = {}
        for key, value in self.records.get(topic, []):
            values.setdefault(key, {})[value] = None
        return {key: list(each) for key, each in values.items()}

    def checkpoints(self) -> Checkpoints:
        """Return what a reader of ``state.v1`` finds."""
        newest, log = _Newest(), self.records.get(topics.STATE.name, [])
        read: list[Any] = [SimpleNamespace(key=key.encode(), value=value) for key, value in log]
        newest.take(read)
        return newest.checkpoints(len(log))


def read_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers whose ``kafka`` is a `MemoryTopics` read their checkpoints from it."""

    async def read(kafka: Any, partitions: frozenset[int]) -> dict[int, Checkpoints]:
        return {partition: kafka.checkpoints() for partition in partitions}

    monkeypatch.setattr(worker_module, "read_checkpoints", read)
