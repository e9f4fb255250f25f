"""From a venue's events to usable ticks: validated, without duplicates, and with the gaps in trade ids known.

A snapshot is the present state of the market; it does not show that the feed is alive. Its quotes and prints
are used while they are not older than the allowed lateness, its trades where they fill a gap; none counts as
a fresh tick.

The rules are in ``core/tick_validation``. The same events at the same instants give the same ticks.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from services.ingestor.core.duplicates_and_gaps import RecentTicks, TradeSequence
from services.ingestor.core.event_times import EventTimes
from services.ingestor.core.outliers import OutlierHold, outlier_fault
from services.ingestor.core.spread_limit import SpreadLimit
from services.ingestor.core.tick_validation import check_quote, check_trade
from services.ingestor.core.venue_clock import VenueClock
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
from services.ingestor.feeds.streaming.frame_outcome import FrameOutcome
from services.ingestor.feeds.streaming.tick_batches import QuoteTick, Tick, TickBatches, TradeTick
from services.ingestor.metrics import IngestorMetrics
from shared.domain.instants import NS_PER_SECOND
from shared.errors import DataError, QualityError

# A dead letter keeps less of a frame; a held tick must not keep a whole one.
_KEPT_OF_FRAME: Final = 2_048
# The price of an hour ago says little of the present one.
_COMPARED_NS: Final = 3_600 * NS_PER_SECOND


class _Held(NamedTuple):
    tick: Tick
    frame: str | bytes


class _Frame(NamedTuple):
    """One frame on its way through the rules."""

    text: str | bytes
    received_ns: int
    now: float
    sink: Sink
    outcome: FrameOutcome


class TickNormaliser:
    """Normalise one instrument's events over all connections of its feed.

    Parameters
    ----------
    lateness_ns
        How old the quote of a snapshot may be to be used.
    venue_clock
        Learns the venue's time from the ticks and heartbeats.
    defer
        As in `TickBatches`; None: the ticks of each frame leave with it.
    """

    def __init__(
        self,
        *,
        feed: str,
        instrument: str,
        lateness_ns: int,
        metrics: IngestorMetrics,
        venue_clock: VenueClock,
        defer: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._feed = feed
        self._lateness_ns = lateness_ns
        self._metrics = metrics
        self._venue_clock = venue_clock
        self._is_deferred = defer is not None
        self._batches = TickBatches(feed=feed, instrument=instrument, defer=defer)
        self._sequence = TradeSequence()
        self._quotes = RecentTicks()
        self._prints = RecentTicks()
        self._times = EventTimes(venue_clock)
        self._spreads = SpreadLimit()
        self._outliers = OutlierHold[_Held]()
        self._duplicates = metrics.ticks_duplicate.labels(feed)
        self._delay = metrics.tick_delay.labels(feed)

    @property
    def held_since_ns(self) -> int | None:
        """Return the event time of the oldest tick that is held, or None: the watermark waits for it."""
        held = self._outliers.oldest
        return held.tick.ts_event_ns if held is not None else None

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
        earliest_ns = self._venue_clock.now_ns(now=now) - _COMPARED_NS
        known = tuple(quotes)
        for quote in known:
            self._quotes.is_new(quote, now=now)
        self._outliers.begin((bid + ask) / 2.0 for at_ns, bid, ask in known if at_ns >= earliest_ns)

    def take(  # noqa: C901 - one case for each kind of event, and nothing else
        self, events: Sequence[Event], *, frame: str | bytes, received_ns: int, now: float, sink: Sink
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
        this = _Frame(frame, received_ns, now, sink, outcome)
        trades: list[Trade] = []
        for event in events:
            match event:
                case Quote():
                    outcome.has_data = True
                    self._take_quote(event, this)
                case Trade():
                    outcome.has_data = True
                    trades.append(event)
                case Print():
                    outcome.has_data = True
                    self._take_print(event, this)
                case OneSided():
                    outcome.has_data = True
                    self._metrics.ticks_rejected.labels(self._feed, "one_sided").inc()
                case Heartbeat():
                    self._take_heartbeat(event, this)
                case Reply() | Rotate():
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
                    self._reject(error, this)
        if trades:
            self._take_trades(trades, this)
        if self._outliers.is_open and self._settle(now, sink):
            outcome.has_fresh_tick = True
        if not self._is_deferred:
            self._batches.flush()
        return outcome

    def take_filled(self, trades: Sequence[Trade], *, received_ns: int, now: float, sink: Sink) -> None:
        """Queue back-filled trades, in the order of their ids."""
        this = _Frame("", received_ns, now, sink, FrameOutcome())
        for trade in sorted(trades, key=lambda trade: trade.trade_id):
            if not self._can_be_true(trade, this) or self._is_future(trade.ts_event_ns, this):
                continue
            if self._sequence.note(trade.trade_id, trade.ts_event_ns):
                self._batches.add(self._trade_tick(trade, str(trade.trade_id), this), sink)
        self._batches.flush()

    def confirm(self, price: float, *, now: float, sink: Sink) -> None:
        """Use the ticks that are held if another feed of the same thing has a price near theirs."""
        self._outliers.confirm(price, now=now, spread=self._spreads.usual)
        self.settle(now=now, sink=sink)

    def settle(self, *, now: float, sink: Sink) -> bool:
        """Publish or reject the ticks about which it is decided; return whether any is published.

        To be called about once a second also when no frame comes: nothing is held for longer than a bound. A
        status that is queued next comes after every tick that was taken.
        """
        is_any_published = self._settle(now, sink)
        self._batches.flush()
        return is_any_published

    def _settle(self, now: float, sink: Sink) -> bool:
        decided = self._outliers.decided(now=now)
        if decided is None:
            return False
        for tick, frame in decided.refused:
            price = tick.price if isinstance(tick, TradeTick) else (tick.bid + tick.ask) / 2
            sink.reject(feed=self._feed, raw=_raw(frame), error=outlier_fault(price))
        for tick, _ in decided.believed:
            self._batches.add(tick, sink)
        return bool(decided.believed)

    # -- one event -----------------------------------------------------------------------------------------

    def _take_quote(self, quote: Quote, this: _Frame) -> None:
        bid, ask = quote.bid, quote.ask
        try:
            check_quote(bid=bid, ask=ask)
        except QualityError as error:
            self._reject(error, this)
            return
        ts_event_ns = quote.ts_event_ns
        if ts_event_ns is None:
            ts_event_ns = self._received_ns(this)
        elif not self._is_in_time(ts_event_ns, quote.is_snapshot, this):
            return
        if not self._quotes.is_new((ts_event_ns, bid, ask), now=this.now):
            self._duplicates.inc()
            return
        if not self._spreads.allows(bid, ask, now=this.now):
            self._reject(self._spreads.fault(bid, ask), this)
            return
        tick = QuoteTick(ts_event_ns, self._received_ns(this), bid, ask)
        if self._is_believed((bid + ask) / 2.0, tick, this):
            self._note(tick, quote.is_snapshot, this)

    def _take_print(self, trade: Print, this: _Frame) -> None:
        if not self._can_be_true(trade, this):
            return
        if not self._is_in_time(trade.ts_event_ns, trade.is_snapshot, this):
            return
        if not self._prints.is_new(trade.identity, now=this.now):
            self._duplicates.inc()
            return
        self._take_price(trade, trade.print_id or "", this)

    def _take_trades(self, trades: Sequence[Trade], this: _Frame) -> None:
        is_snapshot = trades[0].is_snapshot
        usable = [each for each in trades if self._is_valid_and_unseen(each, this)]
        valid = {each.trade_id: each for each in usable}
        new_ids, gaps = self._sequence.offer(
            [(each.trade_id, each.ts_event_ns) for each in valid.values()], is_snapshot=is_snapshot
        )
        this.outcome.gaps += gaps
        if not is_snapshot:
            self._duplicates.inc(len(usable) - len(new_ids))
        for trade_id in new_ids:
            if is_snapshot:
                # It fills a gap, so it may be as old as the gap.
                self._batches.add(self._trade_tick(valid[trade_id], str(trade_id), this), this.sink)
            else:
                self._take_price(valid[trade_id], str(trade_id), this)

    def _is_valid_and_unseen(self, trade: Trade, this: _Frame) -> bool:
        """Return whether a trade may be used: nothing is learned from the id of one that may not."""
        if self._sequence.is_duplicate(trade.trade_id, trade.ts_event_ns):
            self._duplicates.inc(not trade.is_snapshot)
            return False
        if not self._can_be_true(trade, this):
            return False
        if trade.is_snapshot:
            return not self._is_future(trade.ts_event_ns, this)
        return self._is_in_time(trade.ts_event_ns, False, this)

    def _take_price(self, trade: Trade | Print, trade_id: str, this: _Frame) -> None:
        if self._is_believed(trade.price, tick := self._trade_tick(trade, trade_id, this), this):
            self._note(tick, trade.is_snapshot, this)

    def _take_heartbeat(self, beat: Heartbeat, this: _Frame) -> None:
        if beat.ts_event_ns is not None:
            self._venue_clock.refusal(beat.ts_event_ns, now=this.now)
        if beat.last_trade_id is not None:
            gap = self._sequence.on_last_trade_id(beat.last_trade_id)
            this.outcome.gaps += [gap] if gap is not None else []

    # -- the rules -----------------------------------------------------------------------------------------

    def _can_be_true(self, trade: Trade | Print, this: _Frame) -> bool:
        try:
            check_trade(price=trade.price, size=trade.size)
        except QualityError as error:
            self._reject(error, this)
            return False
        return True

    def _is_in_time(self, ts_event_ns: int, is_snapshot: bool, this: _Frame) -> bool:
        if is_snapshot:
            age_ns = self._venue_clock.now_ns(now=this.now) - ts_event_ns
            return not self._is_future(ts_event_ns, this) and age_ns <= self._lateness_ns
        fault = self._times.fault(ts_event_ns, now=this.now)
        if fault is not None:
            self._reject(fault, this)
        return fault is None

    def _is_future(self, ts_event_ns: int, this: _Frame) -> bool:
        fault = self._times.future_fault(ts_event_ns, now=this.now)
        if fault is not None:
            self._reject(fault, this)
        return fault is not None

    def _is_believed(self, price: float, tick: Tick, this: _Frame) -> bool:
        if self._outliers.admits(price, spread=self._spreads.usual):
            return True
        held = _Held(tick, this.text[:_KEPT_OF_FRAME])
        self._outliers.hold(price, held, now=this.now, spread=self._spreads.usual)
        return False

    def _reject(self, error: DataError, this: _Frame) -> None:
        this.sink.reject(feed=self._feed, raw=_raw(this.text), error=error)

    # -- what is published ---------------------------------------------------------------------------------

    def _note(self, tick: Tick, is_snapshot: bool, this: _Frame) -> None:
        self._batches.add(tick, this.sink)
        if not is_snapshot:
            this.outcome.has_fresh_tick = True
            self._delay.observe(max(0, tick.received_ns - tick.ts_event_ns) / NS_PER_SECOND)

    def _received_ns(self, this: _Frame) -> int:
        """Return when the frame came, by the venue's time where our wall clock cannot be right."""
        return self._venue_clock.plausible_ns(this.received_ns, now=this.now)

    def _trade_tick(self, trade: Trade | Print, trade_id: str, this: _Frame) -> TradeTick:
        return TradeTick(trade.ts_event_ns, self._received_ns(this), trade.price, trade.size, trade_id)


def _raw(frame: str | bytes) -> bytes:
    part = frame[:_KEPT_OF_FRAME]
    return part if isinstance(part, bytes) else part.encode(errors="replace")
