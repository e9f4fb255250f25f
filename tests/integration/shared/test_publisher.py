"""Records that are published as one batch: all of them are in the log, in their order, or none."""

from aiokafka import TopicPartition

from shared.config import KafkaSettings
from shared.kafka import topics
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Message, Publisher

_PARTITION = 2


def _messages(*values: bytes) -> list[Message]:
    return [Message(topics.STATE.name, f"key-{number}", value) for number, value in enumerate(values)]


async def _log(kafka: KafkaSettings) -> list[tuple[int, bytes, bytes]]:
    reader = make_reader(kafka, client_id="test")
    await reader.start()
    try:
        partition = TopicPartition(topics.STATE.name, _PARTITION)
        reader.assign([partition])
        end = (await reader.end_offsets([partition]))[partition]
        await reader.seek_to_beginning(partition)
        found: list[tuple[int, bytes, bytes]] = []
        while await reader.position(partition) < end:
            for records in (await reader.getmany(timeout_ms=100)).values():
                found += [(record.offset, record.key, record.value) for record in records]
        return found
    finally:
        await reader.stop()


async def test_a_batch_is_in_the_log_in_its_order_and_its_place_is_that_of_its_last_record(
    any_broker: str,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=any_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        await publisher.publish(topics.STATE.name, key="before", value=b"0", partition=_PARTITION)
        sent = await publisher.publish_as_one(_messages(b"1", b"2", b"3"), partition=_PARTITION)

    assert sent is not None
    assert (sent.partition, sent.offset) == (_PARTITION, 3)
    assert await _log(kafka) == [
        (0, b"before", b"0"),
        (1, b"key-0", b"1"),
        (2, b"key-1", b"2"),
        (3, b"key-2", b"3"),
    ]


async def test_what_does_not_fit_into_one_batch_is_not_published_at_all(any_broker: str) -> None:
    kafka = KafkaSettings(bootstrap_servers=any_broker, fetch_max_wait_ms=10)
    async with Publisher(kafka, client_id="test") as publisher:
        sent = await publisher.publish_as_one(_messages(b"small", bytes(20_000)), partition=_PARTITION)

    assert sent is None
    assert await _log(kafka) == []
