"""The topics beside the logs: the newest version of each bar, and what could not be used."""

import asyncio
from collections import deque
from itertools import islice
from typing import Final

from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.records import BARS, DEADLETTERS
from shared.domain.bars import Bar
from shared.domain.deliveries import DeadLetter
from shared.kafka import topics

# aiokafka joins what is sent at once into few requests; more at once gains nothing.
_AT_ONCE: Final = 200
# A feed that turns to rubbish fills this in a second; more copies of the same fault explain nothing.
_MAX_DEAD_LETTERS: Final = 1_000


class BarsTopicWriter:
    """Publish each new or changed bar to ``bars.v1``, keyed ``instrument|session``."""

    def __init__(self, publisher: RetryingPublisher) -> None:
        self._publisher = publisher
        self._waiting: dict[str, Bar] = {}
        self._published: dict[str, Bar] = {}
        self._filled = asyncio.Event()
        self._is_closing = False

    def put(self, bars: tuple[Bar, ...]) -> None:
        """Queue those that differ from what is published; a newer version replaces one that still waits."""
        for bar in bars:
            key = f"{bar.instrument}|{bar.session}"
            if self._waiting.get(key, self._published.get(key)) != bar:
                self._waiting[key] = bar
        self._filled.set()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._is_closing = True
        self._filled.set()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        while True:
            batch = dict(islice(self._waiting.items(), _AT_ONCE))
            if not batch:
                if self._is_closing:
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            # One version of a key at a time: a retry must not overtake its successor.
            for key in batch:
                del self._waiting[key]
            self._published.update(batch)
            async with asyncio.TaskGroup() as sends:
                for key, bar in batch.items():
                    sends.create_task(
                        self._publisher.publish(topics.BARS.name, key=key, value=BARS.encode(bar))
                    )


class DeadLetterWriter:
    """Publish dead letters; beyond a bound the newest are dropped, and counted."""

    def __init__(self, publisher: RetryingPublisher, metrics: IngestorMetrics) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._waiting: deque[DeadLetter] = deque()
        self._filled = asyncio.Event()
        self._is_closing = False

    def put(self, letter: DeadLetter) -> None:
        """Queue a dead letter."""
        if len(self._waiting) >= _MAX_DEAD_LETTERS:
            self._metrics.dead_letters_dropped.inc()
            return
        self._waiting.append(letter)
        self._filled.set()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._is_closing = True
        self._filled.set()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        while True:
            if not self._waiting:
                if self._is_closing:
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            letter = self._waiting.popleft()
            await self._publisher.publish(
                topics.DEADLETTERS.name, key=letter.origin, value=DEADLETTERS.encode(letter)
            )
            self._metrics.dead_lettered.labels(letter.origin, letter.reason).inc()
