"""From the feeds to Kafka: one queue and one sender per lead, so that each lead's log has one order.

Whatever an instrument gives (ticks, statuses, bars) goes into the log of every lead that has a pair with it,
under the lead's key, and into its own log if it leads a pair itself.

Order of effects for the entries at the head of a lead's queue:

1. they leave the inbox, as many as fill one request; ticks that arrived meanwhile leave in one record,
2. their records are acknowledged in ``ticks.v1``, all at once and in their order,
3. bars are queued for ``bars.v1``: a bar that is there was in the log before.

A crash between 1 and 2 loses what a feed can give again (trades by id, bars by the next pull) and quotes
that the next one replaces; between 2 and 3 the bar is published again, with the same identity.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from services.ingestor.core.send_queue import Bars, Entry, SendQueue
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.side_topics import BarsTopicWriter, DeadLetterWriter
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.ticks import TickRecord, encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.deliveries import dead_letter
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import MAX_TICKS_PER_RECORD, FeedState, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError
from shared.kafka.topics import TICKS

# Full records for the sender while the feed makes more, and no status stuck behind minutes of ticks.
_SHORT_QUEUE_TICKS: Final = 10 * MAX_TICKS_PER_RECORD
# What one request of the producer takes. Legs that tick in turn make records of one tick each: sent one by
# one, each would wait for the acknowledgement of the one before.
_REQUEST_BYTES: Final = 16_384


class KafkaSink:
    """Queue, encode and publish; the `Sink` of every feed.

    Parameters
    ----------
    routes
        For each instrument, the leads whose log carries it.
    max_ticks
        How many ticks of a lead may wait for Kafka, at least one full record.
    """

    def __init__(
        self,
        publisher: RetryingPublisher,
        *,
        routes: Mapping[str, tuple[str, ...]],
        max_ticks: int,
        metrics: IngestorMetrics,
    ) -> None:
        self._publisher = publisher
        self._routes = routes
        self._metrics = metrics
        leads = sorted({lead for leads in routes.values() for lead in leads})
        self._inboxes = {lead: SendQueue(max_ticks=max_ticks) for lead in leads}
        # A full record more still fits.
        self._short_ticks = min(_SHORT_QUEUE_TICKS, max_ticks - MAX_TICKS_PER_RECORD)
        self._filled = {lead: asyncio.Event() for lead in leads}
        self._emptied = {lead: asyncio.Event() for lead in leads}
        self._bars = BarsTopicWriter(publisher)
        self._dead_letters = DeadLetterWriter(publisher, metrics)
        self._is_closing = False

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Queue ticks of one instrument for every lead that needs them.

        Each queue may drop its oldest, and counts them.
        """
        self._metrics.ticks_received.labels(batch.feed).inc(len(batch.ts_event_ns))
        received_seconds = int(batch.ts_received_ns[-1]) / NS_PER_SECOND
        self._metrics.last_tick.labels(batch.feed, batch.instrument).set(received_seconds)
        for lead in self._routes[batch.instrument]:
            self._put(lead, batch)

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Queue bars of one instrument, ascending by session, for every lead that needs them."""
        for lead in self._routes[bars[0].instrument]:
            self._put(lead, Bars(bars=bars, is_history=is_history))

    def put_status(self, status: FeedStatus) -> None:
        """Queue a status record for every lead, after everything queued so far."""
        is_open = status.state in (FeedState.LIVE, FeedState.STALE)
        self._metrics.feed_open.labels(status.feed, status.instrument).set(is_open)
        for lead in self._routes[status.instrument]:
            self._put(lead, status)

    def keep_bars(self, bars: tuple[Bar, ...]) -> None:
        """Keep bars that nothing may be decided on: ``bars.v1`` only, no lead's log."""
        self._bars.put(bars)

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Count input that cannot be used and keep it as a dead letter."""
        self._metrics.ticks_rejected.labels(feed, error.reason).inc()
        self._dead_letters.put(dead_letter(f"feed:{feed}", raw=raw, reason=error.reason, message=str(error)))

    async def room(self, instrument: str) -> None:
        """Wait until the queue of every lead that needs an instrument is short."""
        leads = self._routes[instrument]
        while long := [lead for lead in leads if self._inboxes[lead].ticks > self._short_ticks]:
            self._emptied[long[0]].clear()
            await self._emptied[long[0]].wait()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._bars.run()), group.create_task(self._dead_letters.run())]
            async with asyncio.TaskGroup() as senders:
                for lead in self._inboxes:
                    senders.create_task(self._send(lead))
            self._bars.close()
            self._dead_letters.close()
            await asyncio.gather(*keepers)

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._is_closing = True
        for event in self._filled.values():
            event.set()

    def waiting(self) -> int:
        """Return how many ticks wait, over all leads."""
        return sum(inbox.ticks for inbox in self._inboxes.values())

    def _put(self, lead: str, entry: Entry) -> None:
        dropped = self._inboxes[lead].put(entry)
        for kind, count in dropped.items():
            self._metrics.ticks_dropped.labels(lead, kind).inc(count)
        self._filled[lead].set()

    async def _send(self, lead: str) -> None:
        inbox, filled, emptied = self._inboxes[lead], self._filled[lead], self._emptied[lead]
        while True:
            entries, values = _next_request(inbox)
            self._metrics.queued_ticks.labels(lead).set(inbox.ticks)
            emptied.set()
            if not entries:
                if self._is_closing:
                    return
                filled.clear()
                await filled.wait()
                continue
            while values:
                count = await self._publisher.publish_together(TICKS.name, key=lead, values=values)
                for entry in entries[:count]:
                    self._acknowledged(lead, entry)
                del entries[:count], values[:count]

    def _acknowledged(self, lead: str, entry: Entry) -> None:
        self._metrics.records_published.labels(lead, _kind(entry)).inc()
        if isinstance(entry, Bars):
            self._bars.put(entry.bars)
            self._count_bars(entry.bars)

    def _count_bars(self, bars: tuple[Bar, ...]) -> None:
        session = datetime.fromisoformat(bars[-1].session).replace(tzinfo=UTC)
        self._metrics.last_bar_session.labels(bars[-1].instrument).set(session.timestamp())


def _next_request(inbox: SendQueue) -> tuple[list[Entry], list[bytes]]:
    """Take entries until their records fill a request or nothing waits; return both."""
    entries: list[Entry] = []
    values: list[bytes] = []
    size = 0
    while size < _REQUEST_BYTES and (entry := inbox.take()) is not None:
        entries.append(entry)
        values.append(encode_tick_record(_record(entry)))
        size += len(values[-1])
    return entries, values


def _record(entry: Entry) -> TickRecord:
    if not isinstance(entry, Bars):
        return entry
    mode = BarsMode.HISTORY if entry.is_history else BarsMode.LIVE
    return BarBatch(instrument=entry.bars[0].instrument, mode=mode, bars=entry.bars)


def _kind(entry: Entry) -> str:
    match entry:
        case QuoteBatch():
            return "quotes"
        case TradeBatch():
            return "trades"
        case FeedStatus():
            return "status"
        case Bars():
            return "bars"
