"""What the log already has of an instrument: read when its feed starts, so that no tick is published twice.

A process that was killed, and one that takes over from another, begin where the log ends: trades since then
are fetched by their ids, and what a venue repeats after the subscription is known.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.ingestor.core.published_trades import PublishedTrades, PublishedUntil
from shared.config import KafkaSettings
from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import FeedAuthority, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import BrokerUnavailable, DataError
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from shared.kafka.topics import TICKS

log = structlog.get_logger(__name__)

# Status records alone are one or two a second for each leg: minutes of a lead with a dozen legs.
TAIL_RECORDS: Final = 3_000
# What a venue repeats after a reconnect is seconds old.
TAIL_QUOTES: Final = 2_000
_PATIENCE_SECONDS: Final = 5.0


@dataclass(slots=True, kw_only=True)
class LogTail:
    """The newest records of one instrument.

    Parameters
    ----------
    quotes
        By feed, event time, bid and ask of the newest quotes, in the order of the log.
    feed
        The authoritative one, as far as the newest records say; None without any.
    """

    quotes: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    feed: str | None = None


class LogTails:
    """Read the ends of the leads' logs, each once.

    Parameters
    ----------
    leads
        For each instrument, the leads whose logs carry it.
    trades
        Gets the trades of the logs.
    """

    def __init__(
        self, kafka: KafkaSettings, *, leads: Mapping[str, tuple[str, ...]], trades: PublishedTrades
    ) -> None:
        self._kafka = kafka
        self._leads = leads
        self._trades = trades
        self._trades.clear()
        self._reading = asyncio.Lock()
        self._read_leads: set[str] = set()
        self._tails: dict[str, LogTail] = {}

    async def of(self, instrument: str) -> LogTail:
        """Return the tail of an instrument's logs; empty while Kafka cannot be reached.

        A record that cannot be decoded is skipped. Ticks are taken without Kafka too: a feed does not wait
        for it longer than `_PATIENCE_SECONDS`.
        """
        async with self._reading:
            for lead in self._leads[instrument]:
                if lead not in self._read_leads:
                    self._read_leads.add(lead)
                    try:
                        await self._read(lead)
                    except BrokerUnavailable as error:
                        log.warning("log_tail_unread", lead=lead, error=str(error))
        return self._tails.get(instrument, LogTail())

    def trades_until(self, instrument: str, feed: str) -> PublishedUntil | None:
        """Return where an instrument's trades of a feed end, once its tail is read."""
        return self._trades.until(instrument, feed, leads=self._leads[instrument])

    async def _read(self, lead: str) -> None:
        consumer = make_reader(self._kafka, client_id="convex-ingestor-tail")
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                partition = TopicPartition(TICKS.name, await self._partition_of(lead))
                await consumer.start()
                consumer.assign([partition])
                async for key, value in _last_records(consumer, partition):
                    if key == lead.encode() and value is not None:
                        self._add(value, lead)
        except UnknownTopicOrPartitionError:
            return  # the topic does not exist yet
        except (KafkaError, TimeoutError) as error:
            raise BrokerUnavailable(f"{TICKS.name}: its end cannot be read: {error!r}") from error
        finally:
            # aiokafka cancels its tasks and awaits them; one that has not run yet would cancel us instead.
            await asyncio.sleep(0)
            await consumer.stop()

    def _add(self, value: bytes, lead: str) -> None:
        try:
            record = decode_tick_record(value)
        except DataError:
            return
        instrument = record.instrument
        if lead not in self._leads.get(instrument, ()):
            return
        tail = self._tails.setdefault(instrument, LogTail())
        match record:
            case FeedAuthority() | FeedStatus():
                tail.feed = record.feed
            case QuoteBatch():
                quotes = tail.quotes.setdefault(record.feed, [])
                times, bids, asks = record.ts_event_ns.tolist(), record.bid.tolist(), record.ask.tolist()
                quotes += zip(times, bids, asks, strict=True)
                del quotes[:-TAIL_QUOTES]
            case TradeBatch():
                for ts_ns, text in zip(record.ts_event_ns.tolist(), record.trade_id, strict=True):
                    if text.isdecimal():
                        self._trades.add(lead, instrument, record.feed, int(text), ts_event_ns=ts_ns)

    async def _partition_of(self, lead: str) -> int:
        async with Publisher(self._kafka, client_id="convex-ingestor-tail") as publisher:
            return await publisher.partition_for(TICKS.name, lead)


async def _last_records(
    consumer: AIOKafkaConsumer, partition: TopicPartition
) -> AsyncIterator[tuple[bytes | None, bytes | None]]:
    """Yield key and value of the newest records, up to what is the end at the first call."""
    begin = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    consumer.seek(partition, max(begin, end - TAIL_RECORDS))
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=200)).get(partition, ()):
            yield record.key, record.value
