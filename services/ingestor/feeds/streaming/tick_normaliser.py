"""From a venue's events to usable ticks: checked, seen once, and with their gaps known.

A snapshot shows where the market stands, and is no sign of life: its quote is used while it is not older than
the allowed lateness, and never counts as a fresh tick.
"""

from dataclasses import dataclass, field

from services.ingestor.core.duplicates_and_gaps import Gap, RecentQuotes, TradeSequence
from services.ingestor.core.tick_validation import check_quote, check_trade
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.columns import quote_batch, trade_batch
from services.ingestor.feeds.streaming.events import (
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Trade,
    Unknown,
    Unreadable,
)
from services.ingestor.metrics import IngestorMetrics
from shared.domain.instants import NS_PER_SECOND
from shared.errors import QualityError


@dataclass(slots=True, kw_only=True)
class Taken:
    """What a frame brought.

    Parameters
    ----------
    is_data
        It had data of the subscription, snapshots included.
    is_fresh
        It had a tick that is news.
    """

    is_data: bool = False
    is_fresh: bool = False
    is_bad: bool = False
    gaps: list[Gap] = field(default_factory=list)


class TickNormaliser:
    """Take one instrument's events over all connections of its feed."""

    def __init__(self, *, feed: str, instrument: str, lateness_ns: int, metrics: IngestorMetrics) -> None:
        self._feed = feed
        self._instrument = instrument
        self._lateness_ns = lateness_ns
        self._metrics = metrics
        self._sequence = TradeSequence()
        self._quotes = RecentQuotes()

    def take(self, events: list[Event], *, frame: str | bytes, received_ns: int, sink: Sink) -> Taken:
        """Queue the usable ticks of one frame."""
        taken = Taken()
        quotes: list[tuple[int, float, float]] = []
        trades: list[Trade] = []
        raw = frame if isinstance(frame, bytes) else frame.encode(errors="replace")
        for event in events:
            match event:
                case Quote():
                    taken.is_data = True
                    try:
                        quotes += self._quote(event, received_ns, taken)
                    except QualityError as error:
                        sink.reject(feed=self._feed, raw=raw, error=error)
                case Trade():
                    taken.is_data = True
                    trades.append(event)
                case OneSided():
                    taken.is_data = True
                    self._metrics.ticks_rejected.labels(self._feed, "one_sided").inc()
                case Heartbeat(last_trade_id=int() as last_id):
                    gap = self._sequence.claim(last_id)
                    taken.gaps += [gap] if gap is not None else []
                case Unknown():
                    self._metrics.unknown_frames.labels(self._feed).inc()
                case Unreadable(error=error):
                    taken.is_bad = True
                    sink.reject(feed=self._feed, raw=raw, error=error)
        if quotes:
            sink.put_ticks(
                quote_batch(quotes, instrument=self._instrument, feed=self._feed, ts_received_ns=received_ns)
            )
        self._trades(trades, raw, received_ns, sink, taken)
        return taken

    def take_filled(self, trades: list[Trade], *, received_ns: int, sink: Sink) -> None:
        """Queue back-filled trades, in the order of their ids."""
        usable = self._checked(sorted(trades, key=lambda trade: trade.trade_id), b"", received_ns, sink)
        if usable:
            sink.put_ticks(
                trade_batch(usable, instrument=self._instrument, feed=self._feed, ts_received_ns=received_ns)
            )

    def _quote(self, quote: Quote, received_ns: int, taken: Taken) -> list[tuple[int, float, float]]:
        ts_event_ns = quote.ts_event_ns if quote.ts_event_ns is not None else received_ns
        check_quote(ts_event_ns=ts_event_ns, ts_received_ns=received_ns, bid=quote.bid, ask=quote.ask)
        if quote.is_snapshot and received_ns - ts_event_ns > self._lateness_ns:
            return []
        if not self._quotes.is_new(
            ts_event_ns=ts_event_ns, bid=quote.bid, ask=quote.ask, ts_received_ns=received_ns
        ):
            self._metrics.ticks_duplicate.labels(self._feed).inc()
            return []
        if not quote.is_snapshot:
            taken.is_fresh = True
            self._observe_delay(ts_event_ns, received_ns)
        return [(ts_event_ns, quote.bid, quote.ask)]

    def _trades(self, trades: list[Trade], raw: bytes, received_ns: int, sink: Sink, taken: Taken) -> None:
        if not trades:
            return
        is_snapshot = trades[0].is_snapshot
        new_ids, gaps = self._sequence.offer(
            [(trade.trade_id, trade.ts_event_ns) for trade in trades], is_snapshot=is_snapshot
        )
        taken.gaps += gaps
        news = {trade.trade_id: trade for trade in trades if trade.trade_id in set(new_ids)}
        if not is_snapshot:
            self._metrics.ticks_duplicate.labels(self._feed).inc(len(trades) - len(news))
        usable = self._checked([news[trade_id] for trade_id in new_ids], raw, received_ns, sink)
        if not usable:
            return
        if not is_snapshot:
            taken.is_fresh = True
            for trade in usable:
                self._observe_delay(trade.ts_event_ns, received_ns)
        sink.put_ticks(
            trade_batch(usable, instrument=self._instrument, feed=self._feed, ts_received_ns=received_ns)
        )

    def _checked(self, trades: list[Trade], raw: bytes, received_ns: int, sink: Sink) -> list[Trade]:
        usable = []
        for trade in trades:
            try:
                check_trade(
                    ts_event_ns=trade.ts_event_ns,
                    ts_received_ns=received_ns,
                    price=trade.price,
                    size=trade.size,
                )
            except QualityError as error:
                sink.reject(feed=self._feed, raw=raw, error=error)
            else:
                usable.append(trade)
        return usable

    def _observe_delay(self, ts_event_ns: int, received_ns: int) -> None:
        self._metrics.tick_delay.labels(self._feed).observe(max(0, received_ns - ts_event_ns) / NS_PER_SECOND)
