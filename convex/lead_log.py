"""A lead's log in Kafka as the engine's records, from its beginning, in bounded memory.

``ticks.v1`` keeps a week. Where it begins later than the installation did, the bars from before it come from
``bars.v1``, first and as history: they fill the windows and decide nothing. ``bars.v1`` has the newest
revision of each bar, which may be another one than was used then.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from aiokafka.partitioner import DefaultPartitioner

from convex.record_reader import RecordReader
from services.signals.core.engine.engine import Record
from shared.contracts.records import BARS as BARS_CONTRACT
from shared.contracts.ticks import TickRecord, decode_tick_record
from shared.domain.bars import HISTORY_SESSIONS, Bar, BarBatch, BarsMode
from shared.domain.instants import format_rfc3339
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedStatus, QuoteBatch, TradeBatch
from shared.errors import ConfigError, DataError
from shared.kafka.topics import BARS, TICKS

OnProgress = Callable[[int, int], None]
# How often progress is shown: often enough to see it move, seldom enough to cost nothing.
_SHOWN_EVERY: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLog:
    """The log of one pair's lead.

    Parameters
    ----------
    begin, end
        The first offset that Kafka still has, and the end when it was opened.
    begins_at_ns
        The event time of its first tick or status record.
    history
        Bars of both legs from before it, one batch for each leg; empty where the log is whole.
    """

    pair: Pair
    partition: int
    begin: int
    end: int
    begins_at_ns: int
    history: tuple[BarBatch, ...]

    @property
    def source(self) -> str:
        """Return what is read, and from when on, for people."""
        text = f"{TICKS.name}/{self.partition} from {format_rfc3339(self.begins_at_ns)} on"
        if not self.history:
            return text
        last = max(batch.bars[-1].session for batch in self.history)
        return f"{text}; bars to {last} from {BARS.name}, as history that decides nothing"

    async def records(
        self, reader: RecordReader, on_progress: OnProgress = lambda _done, _total: None
    ) -> AsyncGenerator[Record]:
        """Yield the history, then the records of the pair's legs.

        Parameters
        ----------
        on_progress
            Called with the records read, and how many there are.
        """
        for batch in self.history:
            yield batch
        total = self.end - self.begin
        stretch = reader.stretch(TICKS.name, self.partition, self.begin, until=self.end)
        async with aclosing(stretch) as records:
            async for record in records:
                done = record.offset - self.begin + 1
                if done % _SHOWN_EVERY == 0 or done == total:
                    on_progress(done, total)
                content = _decoded(record.value)
                if content is not None and content.instrument in (self.pair.lead, self.pair.other):
                    yield content


async def open_log(reader: RecordReader, pair: Pair) -> LeadLog:
    """Find the log of a pair's lead.

    Raises
    ------
    BrokerUnavailable
        If Kafka stops to answer.
    ConfigError
        If there is no log, or nothing of the lead in it.
    """
    partitions = reader.partitions_of(TICKS.name)
    if not partitions:
        raise ConfigError(f"{TICKS.name}: is not there; create it with convex topics create")
    partition = DefaultPartitioner()(pair.lead.encode(), partitions, partitions)
    begin, end = await reader.bounds(TICKS.name, partition)
    begins_at_ns: int | None = None
    async with aclosing(reader.stretch(TICKS.name, partition, begin, until=end)) as records:
        async for record in records:
            begins_at_ns = _event_time_ns(_decoded(record.value), pair.lead)
            if begins_at_ns is not None:
                break
    if begins_at_ns is None:
        raise ConfigError(
            f"{TICKS.name}/{partition}: holds no tick and no status of {pair.lead}; does its ingestor run?"
        )
    history = () if begin == 0 else await _history(reader, pair, until_ns=begins_at_ns)
    return LeadLog(
        pair=pair, partition=partition, begin=begin, end=end, begins_at_ns=begins_at_ns, history=history
    )


async def _history(reader: RecordReader, pair: Pair, *, until_ns: int) -> tuple[BarBatch, ...]:
    kept: dict[str, dict[str, Bar]] = {pair.lead: {}, pair.other: {}}
    for partition in reader.partitions_of(BARS.name):
        begin, end = await reader.bounds(BARS.name, partition)
        async for record in reader.stretch(BARS.name, partition, begin, until=end):
            if (record.key or b"").decode(errors="replace").partition("|")[0] not in kept:
                continue
            try:
                bar = BARS_CONTRACT.decode(record.value)
            except DataError:
                continue
            if bar.known_at_ns <= until_ns:
                kept[bar.instrument][bar.session] = bar
    return tuple(
        BarBatch(
            instrument=instrument,
            mode=BarsMode.HISTORY,
            bars=tuple(bars[session] for session in sorted(bars))[-HISTORY_SESSIONS:],
        )
        for instrument, bars in kept.items()
        if bars
    )


def _decoded(value: bytes | None) -> TickRecord | None:
    try:
        return decode_tick_record(value)
    except DataError:
        # As the worker, which keeps it as a dead letter and goes on.
        return None


def _event_time_ns(record: TickRecord | None, lead: str) -> int | None:
    if record is None or record.instrument != lead:
        return None
    if isinstance(record, FeedStatus):
        return record.watermark_ns
    return int(record.ts_event_ns[0]) if isinstance(record, QuoteBatch | TradeBatch) else None
