"""What a batch of records publishes: events, sampled closes and dead letters, in the order of the records.

They are collected while the batch is computed, and sent together. Their acknowledgements are awaited together
before the checkpoint is written. After a crash in between they are published again with the same identities.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from services.signals.core.pairs.effects import Effects
from services.signals.metrics import SignalsMetrics
from shared.contracts.records import BARS, DEADLETTERS
from shared.contracts.ticks import TickRecord
from shared.domain.deliveries import dead_letter
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.errors import DataError
from shared.kafka import topics
from shared.kafka.publisher import Headers, Message, Published, Publisher

log = structlog.get_logger()


class Outbox:
    """Collect what the records of one partition publish; send it when the batch is computed.

    Parameters
    ----------
    publisher
        Sends it.
    metrics
        Counts what was acknowledged.
    partition
        Of ``ticks.v1``; events name it in their headers.
    """

    def __init__(self, publisher: Publisher, metrics: SignalsMetrics, *, partition: int) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._partition = partition
        self._messages: list[Message] = []
        self._acknowledged: list[Callable[[Published], None]] = []

    def add_effects(self, offset: int, record: TickRecord, effects: Effects, values: Sequence[bytes]) -> None:
        """Add the events of a record, then its sampled closes.

        Parameters
        ----------
        values
            Of the events, in their order.
        """
        if effects.events:
            received_ns = _received_ns(record)
            headers = self._origin(offset, received_ns)
            for event, value in zip(effects.events, values, strict=True):
                self._add(
                    Message(topics.DIVERGENCES.name, event.pair, value, headers),
                    partial(self._count_event, event, received_ns),
                )
        for bar in effects.sampled:
            self._add(
                Message(topics.BARS.name, f"{bar.instrument}|{bar.session}", BARS.encode(bar)),
                lambda _: None,
            )

    def add_dead_letter(self, offset: int, value: bytes | None, error: DataError) -> None:
        """Add a dead letter for a record that cannot be used."""
        letter = dead_letter(
            topics.TICKS.name,
            partition=self._partition,
            offset=offset,
            raw=value,
            reason=error.reason,
            message=str(error),
        )
        self._add(
            Message(topics.DEADLETTERS.name, topics.TICKS.name, DEADLETTERS.encode(letter)),
            partial(self._count_dead_letter, offset, error.reason),
        )

    async def send(self) -> None:
        """Publish what was collected and wait until Kafka has acknowledged all of it.

        Raises
        ------
        BrokerUnavailable
            If an acknowledgement did not come.
        """
        if not self._messages:
            return
        sent = await self._publisher.publish_in_order(self._messages)
        for published, acknowledged in zip(sent, self._acknowledged, strict=True):
            acknowledged(published)
        self._messages, self._acknowledged = [], []

    def _add(self, message: Message, acknowledged: Callable[[Published], None]) -> None:
        self._messages.append(message)
        self._acknowledged.append(acknowledged)

    def _origin(self, offset: int, received_ns: int | None) -> Headers:
        headers = [
            ("origin_topic", topics.TICKS.name.encode()),
            ("origin_partition", str(self._partition).encode()),
            ("origin_offset", str(offset).encode()),
        ]
        if received_ns is not None:
            headers.append(("ts_received_ns", str(received_ns).encode()))
        return headers

    def _count_event(self, event: DivergenceEvent, received_ns: int | None, published: Published) -> None:
        self._metrics.events.labels(event.pair, event.type.value).inc()
        if received_ns is not None:
            took_seconds = published.timestamp_ms / 1_000 - received_ns / NS_PER_SECOND
            # The embedded broker of the tests returns a timestamp that is not a time.
            if took_seconds >= 0:
                self._metrics.tick_to_event.observe(took_seconds)
        log.info(
            "divergence_published",
            event_id=event.event_id,
            pair=event.pair,
            transition=event.type.value,
            direction=event.direction.value,
            severity=event.severity.value,
            confirmation=event.confirmation.value,
            occurred_at=event.occurred_at,
        )

    def _count_dead_letter(self, offset: int, reason: str, _: Published) -> None:
        self._metrics.dead_lettered.labels(topics.TICKS.name, reason).inc()
        log.warning("record_dead_lettered", partition=self._partition, offset=offset, reason=reason)


def _received_ns(record: TickRecord) -> int | None:
    return int(record.ts_received_ns[-1]) if isinstance(record, QuoteBatch | TradeBatch) else None
