"""The sink of every feed: route the data of an instrument to Kafka.

Ticks, statuses, bars, authorities and faults of an instrument go into the log of every lead that has a pair
with it, and into its own log if it leads a pair itself. Provisional bars, macro observations and rejected
input go to topics of their own.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from services.ingestor.core.open_faults import BEGINS_ANEW, OpenFaults
from services.ingestor.core.possible_instants import check_instant, possible_ticks
from services.ingestor.core.published_trades import PublishedTrades
from services.ingestor.core.send_queue import Entry
from services.ingestor.kafka.compacted_topic import CompactedTopicWriter
from services.ingestor.kafka.dead_letters_topic import DeadLettersTopicWriter
from services.ingestor.kafka.publishing_right import PublishingRight
from services.ingestor.kafka.retrying_publisher import RetryingPublisher
from services.ingestor.kafka.ticks_topic import TicksTopicWriter
from services.ingestor.metrics import IngestorMetrics
from shared.contracts.records import BARS, MACRO
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.deliveries import dead_letter
from shared.domain.instants import NS_PER_SECOND
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedState, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError, QualityError
from shared.kafka import topics

log = structlog.get_logger(__name__)

_SHOWN_CHARACTERS: Final = 300
_OfFeed = QuoteBatch | TradeBatch | FeedStatus | FeedAuthority | FeedFault


class KafkaSink:
    """Queue what the feeds produce, and publish it.

    Parameters
    ----------
    routes
        For each instrument, the leads whose log carries it.
    max_ticks
        How many ticks of a lead may wait for Kafka, at least one full record.
    right
        Whether this process may publish; None: it is the only one.
    published
        Trades that are in the logs already; they are left out.
    """

    def __init__(
        self,
        publisher: RetryingPublisher,
        *,
        routes: Mapping[str, tuple[str, ...]],
        max_ticks: int,
        metrics: IngestorMetrics,
        right: PublishingRight | None = None,
        published: PublishedTrades | None = None,
    ) -> None:
        self._metrics = metrics
        self._faults = OpenFaults()
        self._bars = CompactedTopicWriter(
            publisher,
            topic=topics.BARS,
            contract=BARS,
            key_of=lambda bar: f"{bar.instrument}|{bar.session}",
            metrics=metrics,
        )
        self._observations = CompactedTopicWriter(
            publisher,
            topic=topics.MACRO,
            contract=MACRO,
            key_of=lambda observation: observation.key,
            metrics=metrics,
        )
        self._dead_letters = DeadLettersTopicWriter(publisher, metrics)
        writers = {
            lead: TicksTopicWriter(
                lead,
                publisher,
                bars=self._bars,
                max_ticks=max_ticks,
                metrics=metrics,
                right=right,
                published=published,
            )
            for lead in sorted({lead for leads in routes.values() for lead in leads})
        }
        self._leads = tuple(writers.values())
        self._routes = {
            instrument: tuple(writers[lead] for lead in leads) for instrument, leads in routes.items()
        }

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Queue ticks of one instrument for every lead that needs them.

        Each queue may drop its oldest ticks, and counts them.
        """
        kept, error = possible_ticks(batch)
        if error is not None:
            self._reject_record(batch, error)
        if kept is None:
            return
        batch = kept
        self._metrics.ticks_received.labels(batch.feed).inc(len(batch.ts_event_ns))
        received_seconds = int(batch.ts_received_ns[-1]) / NS_PER_SECOND
        self._metrics.last_tick.labels(batch.feed, batch.instrument).set(received_seconds)
        self._put(batch.instrument, batch)

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Queue bars of one instrument, ascending by session, for every lead that needs them."""
        instrument = bars[0].instrument
        mode = BarsMode.HISTORY if is_history else BarsMode.LIVE
        self._put(instrument, BarBatch(instrument=instrument, mode=mode, bars=bars))

    def put_status(self, status: FeedStatus) -> None:
        """Queue a status record for every lead that needs it, after everything queued so far."""
        if not self._is_possible(status):
            return
        is_open = status.state in (FeedState.LIVE, FeedState.STALE)
        self._metrics.feed_open.labels(status.feed, status.instrument).set(is_open)
        self._put(status.instrument, status)
        for fault in self._faults.due(status.instrument, status.watermark_ns):
            self._put(fault.instrument, fault)

    def put_authority(self, authority: FeedAuthority) -> None:
        """Queue from which feed an instrument's ticks come from here on, after everything queued so far."""
        if not self._is_possible(authority):
            return
        self._put(authority.instrument, authority)
        if authority.reason in BEGINS_ANEW:
            for fault in self._faults.again(authority.instrument, authority.since_ns):
                self._put(fault.instrument, fault)

    def put_feed_fault(self, fault: FeedFault) -> None:
        """Queue that a fault of an instrument's data begins or ends, after everything queued so far."""
        if not self._is_possible(fault):
            return
        report = self._faults.take(fault)
        self._put(report.instrument, report)

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        """Queue bars that nothing may be decided on: for ``bars.v1`` only, not for any lead's log."""
        self._bars.put(bars)

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        """Queue macro observations for ``macro.v1``."""
        self._observations.put(observations)

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Count input that cannot be used, and publish it as a dead letter."""
        self._metrics.ticks_rejected.labels(feed, error.reason).inc()
        self._dead_letters.put(dead_letter(f"feed:{feed}", raw=raw, reason=error.reason, message=str(error)))

    def drop(self) -> None:
        """Forget what waits for the log: another process publishes now."""
        self._faults.forget()
        for lead in self._leads:
            lead.drop()

    async def wait_for_room(self, instrument: str) -> None:
        """Wait until the queue of every lead that needs an instrument is short."""
        while full := [writer for writer in self._routes[instrument] if not writer.is_short]:
            await full[0].until_shortened()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        async with asyncio.TaskGroup() as group:
            # A lead's writer adds bars: the other topics are closed after the last of them.
            side_topics = (self._bars, self._observations, self._dead_letters)
            for topic in side_topics:
                group.create_task(topic.run())
            async with asyncio.TaskGroup() as leads:
                for lead in self._leads:
                    leads.create_task(lead.run())
            for topic in side_topics:
                topic.close()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        for lead in self._leads:
            lead.close()

    def waiting_ticks(self) -> int:
        """Return how many ticks wait, over all leads."""
        return sum(lead.ticks for lead in self._leads)

    def _is_possible(self, record: FeedStatus | FeedAuthority | FeedFault) -> bool:
        try:
            check_instant(record)
        except QualityError as error:
            self._reject_record(record, error)
            return False
        return True

    def _reject_record(self, record: _OfFeed, error: QualityError) -> None:
        log.error("record_rejected", feed=record.feed, instrument=record.instrument, words=str(error))
        self.reject(feed=record.feed, raw=repr(record)[:_SHOWN_CHARACTERS].encode(), error=error)

    def _put(self, instrument: str, entry: Entry) -> None:
        for lead in self._routes[instrument]:
            lead.put(entry)
