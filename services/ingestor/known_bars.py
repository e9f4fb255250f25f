"""Read back what stands in ``bars.v1``: which sessions are known, and at which revision."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.ingestor.core.backoff import Backoff
from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.domain.bars import Bar
from shared.errors import BrokerUnavailable, DataError
from shared.kafka import topics
from shared.kafka.clients import make_reader

log = structlog.get_logger(__name__)


async def read_known_bars(
    kafka: KafkaSettings, instrument: str, *, uniform: Callable[[], float]
) -> tuple[Bar, ...]:
    """Return the newest version of each bar of an instrument; wait for Kafka as long as it takes.

    A record that cannot be read is passed over: the next pull replaces it.
    """
    backoff = Backoff(uniform=uniform)
    while True:
        try:
            return await _read(kafka, instrument)
        except BrokerUnavailable as error:
            wait = backoff.failed(live_seconds=0.0)
            log.warning("known_bars_unread", error=str(error), retry_in_seconds=round(wait, 2))
            await asyncio.sleep(wait)


async def _read(kafka: KafkaSettings, instrument: str) -> tuple[Bar, ...]:
    consumer = make_reader(kafka, client_id="convex-ingestor-bars")
    consumer.subscribe([topics.BARS.name])
    bars: dict[str, Bar] = {}
    try:
        async with asyncio.timeout(kafka.send_timeout_seconds):
            await consumer.start()
            async for value in _values(consumer):
                try:
                    bar = BARS.decode(value)
                except DataError:
                    continue
                if bar.instrument == instrument:
                    bars[bar.session] = bar
    except UnknownTopicOrPartitionError:
        return ()  # no topic yet, so nothing is known
    except (KafkaError, TimeoutError) as error:
        raise BrokerUnavailable(f"{topics.BARS.name}: cannot be read: {error!r}") from error
    finally:
        # aiokafka cancels its tasks and awaits them: one that never ran yet would cancel us instead.
        await asyncio.sleep(0)
        await consumer.stop()
    return tuple(bars[session] for session in sorted(bars))


async def _values(consumer: AIOKafkaConsumer) -> AsyncIterator[bytes]:
    """Yield every value from the beginning to what was the end when asked."""
    partitions = sorted(consumer.assignment())
    ends = await consumer.end_offsets(partitions)
    while left := [each for each in partitions if await consumer.position(each) < ends[each]]:
        for records in (await consumer.getmany(*left, timeout_ms=200)).values():
            for record in records:
                if record.value is not None:
                    yield record.value
