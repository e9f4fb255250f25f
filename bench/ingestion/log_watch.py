"""When what a contestant sent can be read from Kafka: its ticks counted, or each price with its time."""

import asyncio
import time
from typing import Self

import orjson
from aiokafka import TopicPartition

from bench.latency.bare_script import FIRST
from shared.config import KafkaSettings
from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import QuoteBatch
from shared.kafka.clients import make_reader
from shared.kafka.topics import TICKS

# Records of the ingestor, and of the bare sender.
TOPICS = {"ingestor": TICKS.name, "bare": FIRST}


class LogWatch:
    """Read one contestant's topic from its end on."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._partition = TopicPartition(TOPICS[name], 0)
        self._is_bare = name == "bare"
        self._consumer = make_reader(kafka, client_id=f"bench-watch-{name}")
        self._reading: asyncio.Task[None] | None = None
        self.quotes = 0
        self.seen_ns: dict[float, int] = {}
        # Of a flood only the count is wanted.
        self.is_timed = False

    async def __aenter__(self) -> Self:
        """Begin to read."""
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_end(self._partition)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()

    async def until(self, quotes: int, *, seconds: float = 120.0) -> None:
        """Wait until so many quotes are in the topic since the start."""
        async with asyncio.timeout(seconds):
            while self.quotes < quotes:
                if self._reading is not None and self._reading.done():
                    self._reading.result()
                await asyncio.sleep(0.001)

    async def _read(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=1_000)
            for record in found.get(self._partition, ()):
                now_ns, bids = time.time_ns(), self._bids(record.value)
                self.quotes += len(bids)
                if self.is_timed:
                    self.seen_ns |= dict.fromkeys(bids, now_ns)

    def _bids(self, value: bytes | None) -> list[float]:
        if self._is_bare:
            return [row["bid"] for row in orjson.loads(value or b"{}").get("data", ())]
        record = decode_tick_record(value)
        return record.bid.tolist() if isinstance(record, QuoteBatch) else []
