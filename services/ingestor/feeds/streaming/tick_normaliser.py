"""From a venue's events to usable ticks: validated, without duplicates, and with the gaps in trade ids known.

A snapshot is the present state of the market; it does not show that the feed is alive. Its quote is used
while it is not older than the allowed lateness, and never counts as a fresh tick.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from services.ingestor.core.duplicates_and_gaps import Gap, RecentTicks, TradeSequence
from services.ingestor.core.tick_validation import check_quote, check_trade
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Print,
    Quote,
    Rejected,
    Reply,
    Rotate,
    Trade,
    Unknown,
    Unreadable,
    VenueStatus,
)
from services.ingestor.metrics import IngestorMetrics
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import QuoteBatch, TradeBatch
from shared.errors import QualityError

_T = TypeVar("_T", Trade, Print)


@dataclass(slots=True, kw_only=True)
class FrameOutcome:
    """What a frame contained, as far as its connection must know it.

    Parameters
    ----------
    has_data
        It had data of the subscription, snapshots included.
    has_fresh_tick
        It had a new tick that is not from a snapshot.
    is_unreadable
        It was not what the protocol allows.
    is_acknowledged
        Every subscription is acknowledged.
    gaps
        Trade ids that turned out to be missing.
    venue_statuses
        The states that the venue reports of itself.
    rejection
        The first rejection of a subscription in it.
    """

    has_data: bool = False
    has_fresh_tick: bool = False
    is_unreadable: bool = False
    is_acknowledged: bool = False
    gaps: list[Gap] = field(default_factory=list)
    venue_statuses: list[VenueStatus] = field(default_factory=list)
    rejection: Rejected | None = None


class TickNormaliser:
    """Normalise one instrument's events over all connections of its feed.

    Parameters
    ----------
    lateness_ns
        How old the quote of a snapshot may be to be used.
    """

    def __init__(self, *, feed: str, instrument: str, lateness_ns: int, metrics: IngestorMetrics) -> None:
        self._feed = feed
        self._instrument = instrument
        self._lateness_ns = lateness_ns
        self._metrics = metrics
        self._sequence = TradeSequence()
        self._quotes = RecentTicks()
        self._prints = RecentTicks()

    def resume(
        self,
        *,
        last_trade: tuple[int, int] | None,
        quotes: Iterable[tuple[int, float, float]],
        now: float,
    ) -> None:
        """Begin where the log ends: what an earlier process published is a duplicate, what it missed a gap.

        Parameters
        ----------
        last_trade
            Id and event time (nanoseconds since the Unix epoch) of the last trade; None without one.
        quotes
            Event time, bid and ask of the newest quotes.
        now
            Seconds on a clock that never goes back.
        """
        if last_trade is not None:
            self._sequence.resume(*last_trade)
        for quote in quotes:
            self._quotes.is_new(quote, now=now)

    def take(  # noqa: C901 - one case for each kind of event, and nothing else
        self, events: list[Event], *, frame: str | bytes, received_ns: int, now: float, sink: Sink
    ) -> FrameOutcome:
        """Queue the usable ticks of one frame and return everything else that it says.

        Parameters
        ----------
        events
            Those of this instrument; their ``symbol`` is not looked at.
        frame
            What they were read from; it is kept as a dead letter if something in it cannot be used.
        received_ns
            When it came, nanoseconds since the Unix epoch by our wall clock.
        now
            The same instant in seconds on a clock that never goes back.
        """
        outcome = FrameOutcome()
        quotes: list[tuple[int, float, float]] = []
        trades: list[Trade] = []
        prints: list[Print] = []
        raw = frame if isinstance(frame, bytes) else frame.encode(errors="replace")
        for event in events:
            match event:
                case Quote():
                    outcome.has_data = True
                    quotes += self._quote(event, raw, received_ns, now, sink, outcome)
                case Trade():
                    outcome.has_data = True
                    trades.append(event)
                case Print():
                    outcome.has_data = True
                    prints.append(event)
                case OneSided():
                    outcome.has_data = True
                    self._metrics.ticks_rejected.labels(self._feed, "one_sided").inc()
                case Heartbeat(last_trade_id=int() as last_id):
                    gap = self._sequence.on_last_trade_id(last_id)
                    outcome.gaps += [gap] if gap is not None else []
                case Heartbeat() | Reply() | Rotate():
                    pass
                case Acknowledged():
                    outcome.is_acknowledged = True
                case VenueStatus():
                    outcome.venue_statuses.append(event)
                case Rejected():
                    outcome.rejection = outcome.rejection or event
                case Unknown():
                    self._metrics.unknown_frames.labels(self._feed).inc()
                case Unreadable(error=error):
                    outcome.is_unreadable = True
                    sink.reject(feed=self._feed, raw=raw, error=error)
        if quotes:
            sink.put_ticks(self._quote_batch(quotes, received_ns))
        self._trades(trades, raw, received_ns, sink, outcome)
        self._take_prints(prints, raw, received_ns, now, sink, outcome)
        return outcome

    def take_filled(self, trades: list[Trade], *, received_ns: int, sink: Sink) -> None:
        """Queue back-filled trades, in the order of their ids."""
        usable = self._valid(sorted(trades, key=lambda trade: trade.trade_id), b"", received_ns, sink)
        if usable:
            sink.put_ticks(self._trade_batch(usable, received_ns))

    def _quote(
        self, quote: Quote, raw: bytes, received_ns: int, now: float, sink: Sink, outcome: FrameOutcome
    ) -> list[tuple[int, float, float]]:
        ts_event_ns = quote.ts_event_ns if quote.ts_event_ns is not None else received_ns
        try:
            check_quote(ts_event_ns=ts_event_ns, ts_received_ns=received_ns, bid=quote.bid, ask=quote.ask)
        except QualityError as error:
            sink.reject(feed=self._feed, raw=raw, error=error)
            return []
        if quote.is_snapshot and received_ns - ts_event_ns > self._lateness_ns:
            return []
        if not self._quotes.is_new((ts_event_ns, quote.bid, quote.ask), now=now):
            self._metrics.ticks_duplicate.labels(self._feed).inc()
            return []
        if not quote.is_snapshot:
            outcome.has_fresh_tick = True
            self._observe_delay(ts_event_ns, received_ns)
        return [(ts_event_ns, quote.bid, quote.ask)]

    def _trades(
        self, trades: list[Trade], raw: bytes, received_ns: int, sink: Sink, outcome: FrameOutcome
    ) -> None:
        if not trades:
            return
        is_snapshot = trades[0].is_snapshot
        new_ids, gaps = self._sequence.offer(
            [(trade.trade_id, trade.ts_event_ns) for trade in trades], is_snapshot=is_snapshot
        )
        outcome.gaps += gaps
        new = {trade.trade_id: trade for trade in trades if trade.trade_id in set(new_ids)}
        if not is_snapshot:
            self._metrics.ticks_duplicate.labels(self._feed).inc(len(trades) - len(new))
        usable = self._valid([new[trade_id] for trade_id in new_ids], raw, received_ns, sink)
        if not usable:
            return
        if not is_snapshot:
            outcome.has_fresh_tick = True
            for trade in usable:
                self._observe_delay(trade.ts_event_ns, received_ns)
        sink.put_ticks(self._trade_batch(usable, received_ns))

    def _take_prints(
        self,
        prints: list[Print],
        raw: bytes,
        received_ns: int,
        now: float,
        sink: Sink,
        outcome: FrameOutcome,
    ) -> None:
        young = [
            each
            for each in self._valid(prints, raw, received_ns, sink)
            if not each.is_snapshot or received_ns - each.ts_event_ns <= self._lateness_ns
        ]
        new = [each for each in young if self._prints.is_new(_identity(each), now=now)]
        self._metrics.ticks_duplicate.labels(self._feed).inc(len(young) - len(new))
        for each in new:
            if not each.is_snapshot:
                outcome.has_fresh_tick = True
                self._observe_delay(each.ts_event_ns, received_ns)
        if new:
            sink.put_ticks(self._trade_batch(new, received_ns))

    def _valid(self, trades: Sequence[_T], raw: bytes, received_ns: int, sink: Sink) -> list[_T]:
        """Return the trades that can be true; reject the others."""
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

    def _quote_batch(self, quotes: list[tuple[int, float, float]], received_ns: int) -> QuoteBatch:
        return QuoteBatch(
            instrument=self._instrument,
            feed=self._feed,
            ts_event_ns=np.array([ts for ts, _, _ in quotes], dtype=np.int64),
            ts_received_ns=np.full(len(quotes), received_ns, dtype=np.int64),
            bid=np.array([bid for _, bid, _ in quotes], dtype=np.float64),
            ask=np.array([ask for _, _, ask in quotes], dtype=np.float64),
        )

    def _trade_batch(self, trades: Sequence[Trade | Print], received_ns: int) -> TradeBatch:
        return TradeBatch(
            instrument=self._instrument,
            feed=self._feed,
            ts_event_ns=np.array([trade.ts_event_ns for trade in trades], dtype=np.int64),
            ts_received_ns=np.full(len(trades), received_ns, dtype=np.int64),
            price=np.array([trade.price for trade in trades], dtype=np.float64),
            size=np.array([trade.size for trade in trades], dtype=np.float64),
            trade_id=tuple(
                str(trade.trade_id) if isinstance(trade, Trade) else trade.print_id or "" for trade in trades
            ),
        )

    def _observe_delay(self, ts_event_ns: int, received_ns: int) -> None:
        self._metrics.tick_delay.labels(self._feed).observe(max(0, received_ns - ts_event_ns) / NS_PER_SECOND)


def _identity(trade: Print) -> tuple[object, ...]:
    """Return what two reports of one trade have in common."""
    if trade.print_id is not None:
        return (trade.print_id,)
    return (trade.ts_event_ns, trade.price, trade.size)
