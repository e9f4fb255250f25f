"""Write ``deadletters.v1``: input that could not be used."""

from collections import deque
from typing import Final

from services.ingestor.kafka.queue_drain import QueueDrain
from services.ingestor.kafka.record_encoding import encoded
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.records import DEADLETTERS
from shared.domain.deliveries import DeadLetter
from shared.kafka import topics

# A feed that sends only garbage fills this in a second; more copies of the same fault explain nothing.
_MAX_WAITING: Final = 1_000


class DeadLettersTopicWriter:
    """Publish dead letters; when too many wait, new ones are dropped and counted."""

    def __init__(self, publisher: RetryingPublisher, metrics: IngestorMetrics) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._waiting: deque[DeadLetter] = deque()
        self._drain = QueueDrain(self._send_next)

    def put(self, letter: DeadLetter) -> None:
        """Queue a dead letter."""
        if len(self._waiting) >= _MAX_WAITING:
            self._metrics.dead_letters_dropped.inc()
            return
        self._waiting.append(letter)
        self._drain.wake()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._drain.close()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        await self._drain.run()

    async def _send_next(self) -> bool:
        if not self._waiting:
            return False
        letter = self._waiting.popleft()
        topic = topics.DEADLETTERS.name
        value = encoded(letter, DEADLETTERS.encode, topic=topic, metrics=self._metrics)
        if value is None:
            return True
        await self._publisher.publish(topic, key=letter.origin, value=value)
        self._metrics.dead_lettered.labels(letter.origin, letter.reason).inc()
        return True
