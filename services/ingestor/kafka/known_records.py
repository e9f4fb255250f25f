"""Read a compacted topic back at the start: what was published before this process began."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from shared.config import KafkaSettings
from shared.domain.backoff import Backoff
from shared.errors import BrokerUnavailable
from shared.kafka.clients import make_reader
from shared.kafka.topics import Topic

log = structlog.get_logger(__name__)


async def read_values(
    kafka: KafkaSettings, topic: Topic, *, client_id: str, uniform: Callable[[], float]
) -> list[bytes]:
    """Return every value of a topic in its order; wait until Kafka can be reached.

    Parameters
    ----------
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """
    backoff = Backoff(uniform=uniform)
    while True:
        try:
            return await _read(kafka, topic, client_id)
        except BrokerUnavailable as error:
            wait = backoff.failed(live_seconds=0.0)
            log.warning(
                "known_records_unread", topic=topic.name, error=str(error), retry_in_seconds=round(wait, 2)
            )
            await asyncio.sleep(wait)


async def _read(kafka: KafkaSettings, topic: Topic, client_id: str) -> list[bytes]:
    consumer = make_reader(kafka, client_id=client_id)
    consumer.subscribe([topic.name])
    try:
        async with asyncio.timeout(kafka.send_timeout_seconds):
            await consumer.start()
            return [value async for value in _values(consumer)]
    except UnknownTopicOrPartitionError:
        return []  # the topic does not exist yet, so nothing is known
    except (KafkaError, TimeoutError) as error:
        raise BrokerUnavailable(f"{topic.name}: cannot be read: {error!r}") from error
    finally:
        # aiokafka cancels its tasks and awaits them; one that has not run yet would cancel us instead.
        await asyncio.sleep(0)
        await consumer.stop()


async def _values(consumer: AIOKafkaConsumer) -> AsyncIterator[bytes]:
    """Yield every value from the beginning to what is the end at the first call."""
    partitions = sorted(consumer.assignment())
    ends = await consumer.end_offsets(partitions)
    while left := [each for each in partitions if await consumer.position(each) < ends[each]]:
        for records in (await consumer.getmany(*left, timeout_ms=200)).values():
            for record in records:
                if record.value is not None:
                    yield record.value
