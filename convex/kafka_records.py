"""Read what stands in Kafka now, and put single records back; for commands, not for services.

Nothing here joins a group or commits: looking changes nothing. Topics are asked for by listing all of them,
because asking for one by name makes some brokers create it.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS as DEADLETTERS_CONTRACT
from shared.domain.deliveries import DeadLetter
from shared.errors import BrokerUnavailable, DataError
from shared.kafka.clients import make_admin, make_producer, make_reader
from shared.kafka.topics import DEADLETTERS

REPLAYED_FROM: Final = "replayed_from"
_POLL_MS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    """A dead letter and when Kafka took it in, Unix milliseconds."""

    letter: DeadLetter
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refetched:
    """A record as it stands in its topic.

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

    @property
    def replayed_from(self) -> str | None:
        """Return where the original stands, None for an original."""
        return next(
            (value.decode(errors="replace") for name, value in self.headers if name == REPLAYED_FROM), None
        )

    @property
    def is_replay(self) -> bool:
        """Tell whether this is a copy that an earlier replay published."""
        return self.replayed_from is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A record that cannot be fetched any more, and why."""

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

    async def dead_letters(self) -> tuple[list[KeptLetter], int]:
        """Return the dead letters by time, and how many values were none that this version can read.

        Raises
        ------
        BrokerUnavailable
            If Kafka stops to answer.
        """
        letters: list[KeptLetter] = []
        unreadable = 0
        for record in await self.everything(DEADLETTERS.name):
            try:
                letter = DEADLETTERS_CONTRACT.decode(record.value)
            except DataError:
                unreadable += 1
            else:
                letters.append(KeptLetter(letter=letter, timestamp_ms=record.timestamp))
        # Equal times keep the order of their partition.
        return sorted(letters, key=lambda kept: kept.timestamp_ms), unreadable

    async def fetch(self, topic: str, partition: int, offset: int) -> Refetched | Gone:
        """Return the record at a place, or why there is none.

        Raises
        ------
        BrokerUnavailable
            If Kafka stops to answer.
        """
        where = f"{topic}/{partition}/{offset}"
        if partition not in self._partitions.get(topic, ()):
            return Gone(where=where, why="the topic has no such partition (any more)")
        place = TopicPartition(topic, partition)
        begin, end = await self._bounds(place)
        if offset < begin:
            return Gone(where=where, why=f"deleted by the topic's retention, which begins at {begin} now")
        if offset >= end:
            return Gone(where=where, why=f"the topic ends before it, at {end}; was it created anew?")
        record = next(iter(await self._from(place, offset, until=offset + 1)), None)
        if record is None or record.offset != offset:
            return Gone(where=where, why="removed by the topic's compaction")
        return Refetched(
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

    async def stretch(self, topic: str, partition: int, begin: int, *, until: int) -> AsyncIterator[Any]:
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
            raise _unreachable(self._settings, error) from error
        return begins[place], ends[place]

    async def _from(self, place: TopicPartition, begin: int, *, until: int) -> list[Any]:
        return [record async for batch in self._batches(place, begin, until=until) for record in batch]

    async def _batches(self, place: TopicPartition, begin: int, *, until: int) -> AsyncIterator[list[Any]]:
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
                raise _unreachable(self._settings, error) from error
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
        raise _unreachable(settings, error) from error
    finally:
        await admin.close()
    return {topic["topic"]: sorted(each["partition"] for each in topic["partitions"]) for topic in topics}


async def republish(settings: KafkaSettings, records: Iterable[Refetched]) -> dict[str, str]:
    """Publish records to their topic again and return where each stands now, by where it stood.

    Raises
    ------
    BrokerUnavailable
        If Kafka does not acknowledge.
    """
    # Not `Publisher`: a record's key is bytes, or none at all, and is to be kept as it is.
    producer = make_producer(settings, client_id="convex-command")
    landed = {}
    try:
        await producer.start()
        for record in records:
            origin = record.replayed_from or record.where
            others = [header for header in record.headers if header[0] != REPLAYED_FROM]
            sent = await producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                # A key goes where it goes by now; without one, the place is all there is to keep.
                partition=record.partition if record.key is None else None,
                headers=[*others, (REPLAYED_FROM, origin.encode())],
            )
            landed[record.where] = f"{record.topic}/{sent.partition}/{sent.offset}"
    except KafkaError as error:
        raise _unreachable(settings, error) from error
    finally:
        await producer.stop()
    return landed


def _unreachable(settings: KafkaSettings, error: KafkaError) -> BrokerUnavailable:
    return BrokerUnavailable(f"{settings.bootstrap_servers}: {error!r}")
