"""Hold the log against what the venues sent: everything once, or accounted for."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from aiokafka import TopicPartition

from shared.config import KafkaSettings
from shared.contracts.records import DEADLETTERS
from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import FeedAuthority, FeedFault, QuoteBatch, TradeBatch
from shared.kafka import topics
from shared.kafka.clients import make_reader
from tests.soak.market import number_of, quote_of, trade_price

NS: Final = 1_000_000_000
_TRADE_EVERY: Final = 10
# A switch and a disruption are known to the second; what was under way then may be lost or kept.
_MARGIN_SECONDS: Final = 2.0


@dataclass(kw_only=True)
class Published:
    """What the log has of one instrument from one feed, in the order of the log."""

    quotes: Counter[int] = field(default_factory=Counter)
    trades: Counter[int] = field(default_factory=Counter)
    made_up: int = 0
    received_ns: list[int] = field(default_factory=list)
    # When it was received first and again, of the ticks that are in the log twice.
    repeats: list[tuple[str, float, float]] = field(default_factory=list)
    first_received: dict[int, float] = field(default_factory=dict)
    last: int = 1


@dataclass(kw_only=True)
class Log:
    """Everything that the ingestors wrote."""

    of: dict[tuple[str, str], Published] = field(default_factory=lambda: defaultdict(Published))
    authorities: dict[str, list[FeedAuthority]] = field(default_factory=lambda: defaultdict(list))
    faults: list[FeedFault] = field(default_factory=list)
    dead_letters: Counter[str] = field(default_factory=Counter)
    ticks: int = 0


async def read_log(kafka: KafkaSettings, leads: set[str], rates: dict[str, float]) -> Log:
    """Read both topics from the beginning; of an instrument in two leads' logs one log is read."""
    log = Log()
    seen_in: dict[str, bytes] = {}
    for topic in (topics.TICKS.name, topics.DEADLETTERS.name):
        consumer = make_reader(kafka, client_id="soak")
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()
            partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(partitions)
            while left := [each for each in partitions if await consumer.position(each) < ends[each]]:
                for records in (await consumer.getmany(*left, timeout_ms=500)).values():
                    for record in records:
                        if topic == topics.DEADLETTERS.name:
                            letter = DEADLETTERS.decode(record.value)
                            log.dead_letters[f"{letter.origin} {letter.reason}"] += 1
                            continue
                        value = decode_tick_record(record.value)
                        if seen_in.setdefault(value.instrument, record.key) == record.key:
                            _add(log, value, rates)
        finally:
            await consumer.stop()
    assert set(seen_in.values()) <= {lead.encode() for lead in leads}
    return log


def _add(log: Log, value: Any, rates: dict[str, float]) -> None:
    match value:
        case QuoteBatch():
            one, rate = log.of[value.instrument, value.feed], rates[value.feed]
            times = (value.ts_received_ns / NS).tolist()
            for bid, ask, at in zip(value.bid.tolist(), value.ask.tolist(), times, strict=True):
                number = number_of(bid, near=one.last)
                if (bid, ask) == quote_of(number, rate):
                    one.quotes[number] += 1
                    first = one.first_received.setdefault(number, at)
                    if one.quotes[number] > 1:
                        one.repeats.append((f"quote {number}", first, at))
                    one.last = number
                else:
                    one.made_up += 1
            one.received_ns += value.ts_received_ns.tolist()
            log.ticks += len(value.bid)
        case TradeBatch():
            one, rate = log.of[value.instrument, value.feed], rates[value.feed]
            times = (value.ts_received_ns / NS).tolist()
            for text, price, at in zip(value.trade_id, value.price.tolist(), times, strict=True):
                one.trades[int(text)] += 1
                first = one.first_received.setdefault(-int(text), at)
                if one.trades[int(text)] > 1:
                    one.repeats.append((f"trade {text}", first, at))
                one.made_up += price != trade_price(int(text), rate)
            one.received_ns += value.ts_received_ns.tolist()
            log.ticks += len(value.price)
        case FeedAuthority():
            log.authorities[value.instrument].append(value)
        case FeedFault():
            log.faults.append(value)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the audit of one instrument and feed found; everything but `sent` and `published` must be zero."""

    instrument: str
    feed: str
    sent: int
    published: int
    twice: int
    made_up: int
    quotes_missing: int
    trades_missing: int
    # Twice because it was under way when an ingestor was stopped: at most a request for each lead.
    under_way: int
    # When the first and the last missing tick was due, in seconds after the venue began.
    missing_between: tuple[float, float]
    longest_silence_seconds: float

    @property
    def is_good(self) -> bool:
        return not (self.twice or self.made_up or self.quotes_missing or self.trades_missing)


def audit(
    log: Log,
    journal: dict[str, Any],
    *,
    instrument: str,
    symbol: str,
    began: float,
    disruptions: list[tuple[float, float]],
) -> Verdict:
    """Hold one instrument's ticks of one feed against the venue's journal.

    Parameters
    ----------
    symbol
        The venue's own.
    began
        When the venue's first tick was due, Unix seconds.
    disruptions
        Spans in which an ingestor was killed or stood still, Unix seconds: quotes sent then may be lost.
    """
    feed, rate = journal["venue"], journal["rate"]
    one = log.of[instrument, feed]
    spans = _authoritative(log, instrument, feed)
    sure = np.zeros(journal["ticks"] + 2, dtype=bool)
    for connection in journal["connections"]:
        if symbol in connection["symbols"]:
            sure[connection["first"] : connection["sure"] + 1] = True
    numbers = np.flatnonzero(sure)
    stamps = began + numbers / rate
    is_due = np.zeros(len(numbers), dtype=bool)
    for begin, end in spans:
        is_due |= (stamps > begin + _MARGIN_SECONDS) & (stamps < end - _MARGIN_SECONDS)
    for begin, end in (*disruptions, *map(tuple, journal["silences"])):
        is_due &= (stamps < begin - _MARGIN_SECONDS) | (stamps > end + _MARGIN_SECONDS)
    quotes_due = numbers[is_due & (numbers % _TRADE_EVERY != 0)]
    missing = [int(number) for number in quotes_due if number not in one.quotes]
    ids = sorted(one.trades)
    wanted = range(ids[0], ids[-1] + 1) if ids else range(0)
    trades_missing = [
        trade_id
        for trade_id in wanted
        if trade_id not in one.trades
        and any(
            b + _MARGIN_SECONDS < began + trade_id * _TRADE_EVERY / rate < e - _MARGIN_SECONDS
            for b, e in spans
        )
    ]
    under_way = sum(
        any(begin - 1.0 < at < begin + 0.1 for begin, _ in disruptions for at in (first, again))
        for _, first, again in one.repeats
    )
    due = [number / rate for number in (*missing, *(each * _TRADE_EVERY for each in trades_missing))]
    received = np.sort(np.array(one.received_ns, dtype=np.int64)) / NS
    inside = [
        float(hole)
        for at, hole in zip(received[:-1].tolist(), np.diff(received).tolist(), strict=True)
        if any(begin <= at and at + hole <= end for begin, end in spans)
    ]
    return Verdict(
        instrument=instrument,
        feed=feed,
        sent=int(sure.sum()),
        published=one.quotes.total() + one.trades.total(),
        twice=len(one.repeats) - under_way,
        under_way=under_way,
        made_up=one.made_up,
        quotes_missing=len(missing),
        trades_missing=len(trades_missing),
        missing_between=(min(due, default=0.0), max(due, default=0.0)),
        longest_silence_seconds=max(inside, default=0.0),
    )


def _authoritative(log: Log, instrument: str, feed: str) -> list[tuple[float, float]]:
    """Return the spans in which a feed's ticks are those of the instrument, Unix seconds."""
    times = [*(record.since_ns / NS for record in log.authorities[instrument]), float("inf")]
    spans = [
        (begin, end)
        for record, (begin, end) in zip(log.authorities[instrument], pairwise(times), strict=True)
        if record.feed == feed
    ]
    return spans or [(0.0, float("inf"))]
