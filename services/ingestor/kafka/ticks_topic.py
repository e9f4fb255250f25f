"""Write ``ticks.v1``: one queue and one sender per lead, so that each lead's log has one order.

A lead's log is the records of ``ticks.v1`` with the lead's key: ticks, statuses and bars of every instrument
that has a pair with it.

Order of effects for the entries at the head of a lead's queue:

1. they leave the queue, as many as fill one request; ticks that arrived meanwhile leave in one record,
2. their records are acknowledged in ``ticks.v1``, all at once and in their order,
3. bars are queued for ``bars.v1``: a bar that is in ``bars.v1`` was in the log before.

A crash between 1 and 2 loses trades and bars that the feed can deliver again (trades by id, bars by the next
pull) and quotes that the next one replaces. A crash between 2 and 3 publishes the bar again, with the same
identity.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

from services.ingestor.core.published_trades import PublishedTrades
from services.ingestor.core.send_queue import Entry, SendQueue
from services.ingestor.kafka.compacted_topic import CompactedTopicWriter
from services.ingestor.kafka.publishing_right import PublishingRight, RightLapsed
from services.ingestor.kafka.queue_drain import QueueDrain
from services.ingestor.kafka.record_encoding import encoded
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.ticks import encode_tick_record
from shared.domain.bars import Bar, BarBatch
from shared.domain.ticks import (
    MAX_TICKS_PER_RECORD,
    FeedAuthority,
    FeedFault,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from shared.kafka.topics import TICKS

# Enough full records for the sender while the feed adds more, but no status waits behind minutes of ticks.
_SHORT_QUEUE_TICKS: Final = 10 * MAX_TICKS_PER_RECORD
# What fits one request of the producer. Legs that tick in turn give records of one tick each; sent one by
# one, each would wait for the acknowledgement of the one before.
_REQUEST_BYTES: Final = 16_384


class TicksTopicWriter:
    """Queue, encode and publish the log of one lead.

    Parameters
    ----------
    bars
        Gets each bar once it is in the log.
    max_ticks
        How many ticks may wait for Kafka, at least one full record.
    right
        Whether this process may publish; None: it is the only one.
    published
        Trades that are in the log already; they are left out.
    """

    def __init__(
        self,
        lead: str,
        publisher: RetryingPublisher,
        *,
        bars: CompactedTopicWriter[Bar],
        max_ticks: int,
        metrics: IngestorMetrics,
        right: PublishingRight | None = None,
        published: PublishedTrades | None = None,
    ) -> None:
        self._lead = lead
        self._published = published
        self._right = right
        self._publisher = publisher
        self._bars = bars
        self._metrics = metrics
        self._queue = SendQueue(max_ticks=max_ticks)
        # One more full record still fits.
        self._short_ticks = min(_SHORT_QUEUE_TICKS, max_ticks - MAX_TICKS_PER_RECORD)
        self._shortened = asyncio.Event()
        self._drain = QueueDrain(self._send_next)

    @property
    def ticks(self) -> int:
        """Return how many ticks wait."""
        return self._queue.ticks

    @property
    def is_short(self) -> bool:
        """Return whether a feed that can wait may add more."""
        return self._queue.ticks <= self._short_ticks

    def put(self, entry: Entry) -> None:
        """Queue an entry; the oldest ticks are dropped when there is no room, and counted."""
        if isinstance(entry, TradeBatch) and self._published is not None:
            kept = self._published.without(self._lead, entry)
            if kept is None:
                return
            entry = kept
        for kind, count in self._queue.put(entry).items():
            self._metrics.ticks_dropped.labels(self._lead, kind).inc(count)
        self._drain.wake()

    def drop(self) -> None:
        """Forget what is queued."""
        self._queue.clear()
        self._shortened.set()

    async def until_shortened(self) -> None:
        """Wait until something leaves the queue."""
        self._shortened.clear()
        await self._shortened.wait()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._drain.close()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        await self._drain.run()

    async def _send_next(self) -> bool:
        if self._queue.is_empty:
            self._metrics.queued_ticks.labels(self._lead).set(0)
            self._shortened.set()
            return False
        entries, values = _next_request(self._queue, self._metrics)
        self._metrics.queued_ticks.labels(self._lead).set(self._queue.ticks)
        self._shortened.set()
        while values:
            if self._right is not None and not await self._right.until_may_publish():
                # Another publishes now: what waits here is its task.
                return True
            try:
                count = await self._publisher.publish_together(
                    TICKS.name,
                    key=self._lead,
                    values=values,
                    may_publish=None if self._right is None else self._right.may_publish,
                )
            except RightLapsed:
                continue
            for entry in entries[:count]:
                self._acknowledged(entry)
            del entries[:count], values[:count]
        return True

    def _acknowledged(self, entry: Entry) -> None:
        self._metrics.records_published.labels(self._lead, _kind(entry)).inc()
        if isinstance(entry, BarBatch):
            self._bars.put(entry.bars)
            newest: Bar = entry.bars[-1]
            midnight = datetime.fromisoformat(newest.session).replace(tzinfo=UTC)
            self._metrics.last_bar_session.labels(newest.instrument).set(midnight.timestamp())


def _next_request(queue: SendQueue, metrics: IngestorMetrics) -> tuple[list[Entry], list[bytes]]:
    """Take entries until their records fill a request or nothing waits; return both."""
    entries: list[Entry] = []
    values: list[bytes] = []
    size = 0
    while size < _REQUEST_BYTES and (entry := queue.take()) is not None:
        value = encoded(entry, encode_tick_record, topic=TICKS.name, metrics=metrics)
        if value is not None:
            entries.append(entry)
            values.append(value)
            size += len(value)
    return entries, values


def _kind(entry: Entry) -> str:
    match entry:
        case QuoteBatch():
            return "quotes"
        case TradeBatch():
            return "trades"
        case FeedStatus():
            return "status"
        case FeedAuthority():
            return "authority"
        case FeedFault():
            return "fault"
        case BarBatch():
            return "bars"
