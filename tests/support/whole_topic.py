"""A topic from its beginning to its end, as it stands."""

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.config import KafkaSettings
from shared.kafka.clients import make_reader


@dataclass(frozen=True, slots=True)
class Entry:
    """One record."""

    partition: int
    offset: int
    key: str
    value: bytes


async def ends_of(bootstrap: str, topic: str, *, partitions: int) -> dict[int, int]:
    """Return the offset that the next record of each partition will get."""
    reader = _reader(bootstrap)
    await reader.start()
    try:
        ends = await reader.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
        return {tp.partition: end for tp, end in ends.items()}
    finally:
        await reader.stop()


async def read_whole(bootstrap: str, topic: str, *, partitions: int) -> list[Entry]:
    """Return every record of a topic, in order per partition."""
    reader = _reader(bootstrap)
    await reader.start()
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        reader.assign(assigned)
        ends = await reader.end_offsets(assigned)
        await reader.seek_to_beginning(*assigned)
        entries: list[Entry] = []
        while any([await reader.position(tp) < ends[tp] for tp in assigned]):
            for tp, records in (await reader.getmany(timeout_ms=100)).items():
                entries += [
                    Entry(tp.partition, each.offset, each.key.decode(), each.value) for each in records
                ]
        return entries
    finally:
        await reader.stop()


def _reader(bootstrap: str) -> AIOKafkaConsumer:
    return make_reader(
        KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10), client_id="test-whole"
    )
