"""Read back ``bars.v1`` at the start: which sessions are known, and at which revision."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from shared.config import KafkaSettings
from shared.contracts.records import BARS
from shared.domain.backoff import Backoff
from shared.domain.bars import Bar
from shared.errors import BrokerUnavailable, DataError
from shared.kafka import topics
from shared.kafka.clients import make_reader

log = structlog.get_logger(__name__)


class KnownBars:
    """The newest version of each bar of some instruments, read once for all of them.

    Parameters
    ----------
    instruments
        Whose bars to keep; bars of other instruments are skipped.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self, kafka: KafkaSettings, instruments: frozenset[str], *, uniform: Callable[[], float]
    ) -> None:
        self._kafka = kafka
        self._instruments = instruments
        self._uniform = uniform
        self._reading = asyncio.Lock()
        self._bars: dict[str, dict[str, Bar]] | None = None

    async def of(self, instrument: str) -> tuple[Bar, ...]:
        """Return an instrument's bars, ascending by session; wait until Kafka can be reached.

        A record that cannot be decoded is skipped: the next pull replaces it.
        """
        async with self._reading:
            if self._bars is None:
                self._bars = await self._read_with_retries()
        bars = self._bars.get(instrument, {})
        return tuple(bars[session] for session in sorted(bars))

    async def _read_with_retries(self) -> dict[str, dict[str, Bar]]:
        backoff = Backoff(uniform=self._uniform)
        while True:
            try:
                return await self._read()
            except BrokerUnavailable as error:
                wait = backoff.failed(live_seconds=0.0)
                log.warning("known_bars_unread", error=str(error), retry_in_seconds=round(wait, 2))
                await asyncio.sleep(wait)

    async def _read(self) -> dict[str, dict[str, Bar]]:
        consumer = make_reader(self._kafka, client_id="convex-ingestor-bars")
        consumer.subscribe([topics.BARS.name])
        bars: dict[str, dict[str, Bar]] = defaultdict(dict)
        try:
            async with asyncio.timeout(self._kafka.send_timeout_seconds):
                await consumer.start()
                async for value in _values(consumer):
                    try:
                        bar = BARS.decode(value)
                    except DataError:
                        continue
                    if bar.instrument in self._instruments:
                        bars[bar.instrument][bar.session] = bar
        except UnknownTopicOrPartitionError:
            return {}  # the topic does not exist yet, so no bar is known
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"{topics.BARS.name}: cannot be read: {error!r}") from error
        finally:
            # aiokafka cancels its tasks and awaits them; one that has not run yet would cancel us instead.
            await asyncio.sleep(0)
            await consumer.stop()
        return bars


async def _values(consumer: AIOKafkaConsumer) -> AsyncIterator[bytes]:
    """Yield every value from the beginning to what is the end at the first call."""
    partitions = sorted(consumer.assignment())
    ends = await consumer.end_offsets(partitions)
    while left := [each for each in partitions if await consumer.position(each) < ends[each]]:
        for records in (await consumer.getmany(*left, timeout_ms=200)).values():
            for record in records:
                if record.value is not None:
                    yield record.value
