"""Read records of Kafka by their place; for commands, not for services.

The reader joins no group and commits no offset, so reading changes nothing. It lists all topics, because some
brokers create a topic when a client asks for it by name.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.config import KafkaSettings
from shared.errors import BrokerUnavailable
from shared.kafka.clients import make_admin, make_reader

_POLL_MS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaRecord:
    """A record as it is in its topic.

    Parameters
    ----------
    where
        ``topic/partition/offset``.
    """

    where: str
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRecord:
    """A record that is no longer in Kafka, and why."""

    where: str
    why: str


class RecordReader:
    """Read records by their place.

    Parameters
    ----------
    settings
        How to reach Kafka; after ``send_timeout_seconds`` without progress it counts as unreachable.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._consumer: Any = None
        self._partitions: dict[str, list[int]] = {}

    async def __aenter__(self) -> Self:
        """Connect and learn which topics there are.

        Raises
        ------
        BrokerUnavailable
            If Kafka cannot be reached.
        """
        self._partitions = await partitions_by_topic(self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def fetch(self, topic: str, partition: int, offset: int) -> KafkaRecord | MissingRecord:
        """Return the record at a place, or why there is none.

        Raises
        ------
        BrokerUnavailable
            If Kafka stops to answer.
        """
        where = f"{topic}/{partition}/{offset}"
        if partition not in self._partitions.get(topic, ()):
            return MissingRecord(where=where, why="the topic has no such partition (any more)")
        place = TopicPartition(topic, partition)
        begin, end = await self._bounds(place)
        if offset < begin:
            return MissingRecord(
                where=where, why=f"deleted by the topic's retention, which begins at {begin} now"
            )
        if offset >= end:
            return MissingRecord(where=where, why=f"the topic ends before it, at {end}; was it created anew?")
        record = next(iter(await self._from(place, offset, until=offset + 1)), None)
        if record is None or record.offset != offset:
            return MissingRecord(where=where, why="removed by the topic's compaction")
        return KafkaRecord(
            where=where,
            topic=topic,
            partition=partition,
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
        )

    async def everything(self, topic: str) -> list[Any]:
        """Return every record of a topic, partition by partition; none of a topic that is not there.

        Raises
        ------
        BrokerUnavailable
            If Kafka stops to answer.
        """
        records: list[Any] = []
        for partition in self._partitions.get(topic, ()):
            place = TopicPartition(topic, partition)
            begin, end = await self._bounds(place)
            records += await self._from(place, begin, until=end)
        return records

    def partitions_of(self, topic: str) -> list[int]:
        """Return the partitions of a topic, ascending; none of one that is not there."""
        return self._partitions.get(topic, [])

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Return the first offset of a partition and the end; both 0 of one that is not there.

        Raises
        ------
        BrokerUnavailable
            If Kafka does not answer.
        """
        if partition not in self._partitions.get(topic, ()):
            return 0, 0
        return await self._bounds(TopicPartition(topic, partition))

    async def stretch(self, topic: str, partition: int, begin: int, *, until: int) -> AsyncGenerator[Any]:
        """Yield the records of a partition from an offset to another one, which is not included.

        Raises
        ------
        BrokerUnavailable
            If Kafka stops to answer.
        """
        place = TopicPartition(topic, partition)
        async for batch in self._batches(place, begin, until=until):
            for record in batch:
                yield record

    async def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        try:
            if self._consumer is None:
                # Not before there is something to assign: one that never was assigned anything fails to stop.
                self._consumer = make_reader(self._settings, client_id="convex-command")
                await self._consumer.start()
            self._consumer.assign([place])
            begins = await self._consumer.beginning_offsets([place])
            ends = await self._consumer.end_offsets([place])
        except KafkaError as error:
            raise unreachable(self._settings, error) from error
        return begins[place], ends[place]

    async def _from(self, place: TopicPartition, begin: int, *, until: int) -> list[Any]:
        return [record async for batch in self._batches(place, begin, until=until) for record in batch]

    async def _batches(self, place: TopicPartition, begin: int, *, until: int) -> AsyncGenerator[list[Any]]:
        if begin >= until:
            return
        self._consumer.assign([place])
        self._consumer.seek(place, begin)
        waited_ms = 0
        # The position passes holes that retention, compaction and transactions leave.
        while await self._consumer.position(place) < until:
            try:
                batch = (await self._consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
            except KafkaError as error:
                raise unreachable(self._settings, error) from error
            yield [record for record in batch if record.offset < until]
            waited_ms = 0 if batch else waited_ms + _POLL_MS
            if waited_ms > self._settings.send_timeout_seconds * 1_000:
                raise BrokerUnavailable(f"{place.topic}/{place.partition}: Kafka sends nothing")


async def partitions_by_topic(settings: KafkaSettings) -> dict[str, list[int]]:
    """Return the partitions of every topic there is.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached.
    """
    admin = make_admin(settings)
    try:
        await admin.start()
        topics = await admin.describe_topics()
    except KafkaError as error:
        raise unreachable(settings, error) from error
    finally:
        await admin.close()
    return {topic["topic"]: sorted(each["partition"] for each in topic["partitions"]) for topic in topics}


def unreachable(settings: KafkaSettings, error: KafkaError) -> BrokerUnavailable:
    """Return a client's error as ours, with the address of the brokers."""
    return BrokerUnavailable(f"{settings.bootstrap_servers}: {error!r}")
