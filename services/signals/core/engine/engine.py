"""The engine of one lead: its log's records in, events out. The events depend on the records' order alone.

Only ticks and the lead's status records advance event time; `Lead` does what becomes due. Splitting a record
of ticks into several does not change the events.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.engine.lead import Lead
from services.signals.core.engine.log_progress import CLOSE_NS, LogProgress
from services.signals.core.engine_config import EngineConfig
from services.signals.core.legs.feed_authority import adopted_after, is_used
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.tick_filter import in_time, within_sessions, without_quotes
from services.signals.core.pairs.effects import NOTHING, Effects, merge, suppress
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch

# Up to this many ticks, comparing one by one is faster than calling numpy.
_ONE_BY_ONE: Final = 16
Record = QuoteBatch | TradeBatch | FeedStatus | FeedAuthority | FeedFault | BarBatch
Prices = NDArray[np.float64]
Instants = NDArray[np.int64]


class LeadEngine:
    """Every pair of one lead.

    Parameters
    ----------
    lead
        The instrument whose log this is.
    pairs
        The pairs with this lead.
    config
        See `EngineConfig`.

    Attributes
    ----------
    frozen
        Names of the frozen pairs, which no record changes now; see `resume`.
    dirty
        Names of the pairs whose last checkpoint is out of date, or that have none. The writer of checkpoints
        removes them.
    """

    def __init__(self, lead: str, pairs: Iterable[Pair], config: EngineConfig) -> None:
        self.lead = lead
        self.config = config
        self.frozen: frozenset[str] = frozenset()
        self._lead = Lead(lead, pairs, config)
        self._leg = self._lead.legs[lead]
        # The ticks of a listed lead do not go in bulk: those outside a session are not used.
        self._in_bulk = "" if self._leg.is_listed else lead
        self.dirty = {monitor.pair.name for monitor in self.monitors}
        self.resume()

    @property
    def monitors(self) -> tuple[PairMonitor, ...]:
        """The pairs."""
        return self._lead.monitors

    @property
    def legs(self) -> dict[str, Leg]:
        """The legs of the pairs by instrument, the lead first."""
        return self._lead.legs

    @property
    def progress(self) -> LogProgress:
        """How far the log has been applied."""
        return self._lead.progress

    @property
    def waiting(self) -> list[Bar]:
        """Bars that came before their ``known_at``."""
        return self._lead.waiting

    def resume(self, frozen: Iterable[str] = ()) -> None:
        """Work out the next deadlines and deadbands, after the legs and pairs were filled from a checkpoint.

        Parameters
        ----------
        frozen
            Names of pairs whose checkpoint is newer than the records being read again: no record changes
            them. Of a leg that only such pairs have, records change only the live price.
        """
        self.frozen = frozenset(frozen)
        self._lead.resume(self.frozen)

    def wait_for(self, bars: Iterable[Bar]) -> None:
        """Use bars of a checkpoint, of legs that are not frozen, once their ``known_at`` has come."""
        self._lead.wait_for(bars)

    def is_frozen(self, instrument: str) -> bool:
        """Return whether all pairs that have a leg are frozen."""
        return self._lead.is_frozen(self.legs[instrument])

    def apply(self, record: Record) -> Effects:
        """Apply one record and return its effects."""
        if (
            isinstance(record, QuoteBatch)
            and record.instrument == self._in_bulk
            and self._stays_in_deadband(record)
        ):
            return NOTHING
        leg = self._lead.legs.get(record.instrument)
        if leg is None:
            return suppress("other_instrument")
        effects = self._apply(leg, record)
        self.dirty |= effects.dirty
        return effects

    def _apply(self, leg: Leg, record: Record) -> Effects:
        if isinstance(record, QuoteBatch | TradeBatch):
            return self._take_ticks(leg, record)
        if isinstance(record, FeedStatus):
            return self._take_status(leg, record)
        if isinstance(record, FeedAuthority):
            return self._lead.on_authority(leg, record)
        if self._lead.is_frozen(leg):
            return NOTHING
        if isinstance(record, FeedFault):
            return self._lead.on_feed_fault(leg, record)
        return self._take_bars(leg, record)

    # -- ticks --------------------------------------------------------------------------------------------

    def _stays_in_deadband(self, batch: QuoteBatch) -> bool:
        """Apply a batch of which no tick can decide anything, and return True; else do nothing.

        Almost all ticks need only this, so calls are inlined. A mid is exactly half the sum; numpy's
        ``argmin`` is five times as fast as ``min``. Where a feed is authoritative and the last price is of
        another one, the deadband is empty.
        """
        lead, instants, last_price = self._lead, batch.ts_event_ns, self._leg.last_price
        if batch.feed != last_price.feed:
            return False
        progress = lead.progress
        if len(instants) == 1:
            last_ns = instants.item()
            if last_ns < progress.watermark_ns or last_ns >= lead.due_ns or progress.next_close < 0:
                return False
            last = (batch.bid.item() + batch.ask.item()) * 0.5
            if not lead.deadband_low < last < lead.deadband_high:
                return False
        else:
            last_ns = instants.item(-1)
            if instants.item(0) < progress.watermark_ns or last_ns >= lead.due_ns or progress.next_close < 0:
                return False
            if np.count_nonzero(instants[1:] < instants[:-1]):
                return False
            sums = batch.bid + batch.ask
            if not (
                sums.item(sums.argmin()) * 0.5 > lead.deadband_low
                and sums.item(sums.argmax()) * 0.5 < lead.deadband_high
            ):
                return False
            last = sums.item(-1) * 0.5
        last_price.price, last_price.ts_ns = last, last_ns
        last_price.jump_price, last_price.jump_count = None, 0
        progress.watermark_ns = last_ns
        if last_ns > last_price.quote_ts_ns:
            last_price.quote_ts_ns = last_ns
        return True

    def _take_ticks(self, leg: Leg, batch: QuoteBatch | TradeBatch) -> Effects:
        if not is_used(leg.last_price, batch.feed):
            return suppress("tick_of_other_feed", len(batch.ts_event_ns))
        if not leg.is_listed:
            return self._take_batch(leg, batch)
        used = within_sessions(self.config.calendar, batch.ts_event_ns)
        if used.all():
            return self._take_batch(leg, batch)
        outside = suppress("tick_outside_session", int(len(used) - used.sum()))
        return merge((outside, self._take_batch(leg, batch.where(used)))) if used.any() else outside

    def _take_batch(self, leg: Leg, batch: QuoteBatch | TradeBatch) -> Effects:
        return (
            self._take_quotes(leg, batch) if isinstance(batch, QuoteBatch) else self._take_trades(leg, batch)
        )

    def _take_quotes(self, leg: Leg, batch: QuoteBatch) -> Effects:
        effects = self._take_prices(leg, batch.ts_event_ns, batch.bid * 0.5 + batch.ask * 0.5, batch.feed)
        # Event time may have gone back in the middle of the batch, from a quote that was too far ahead.
        newest_ns = min(int(batch.ts_event_ns.max()), self.progress.watermark_ns)
        leg.last_price.quote_ts_ns = max(leg.last_price.quote_ts_ns, newest_ns)
        return effects

    def _take_trades(self, leg: Leg, batch: TradeBatch) -> Effects:
        used = without_quotes(leg.last_price, batch.ts_event_ns)
        superseded = suppress("trade_superseded", int(len(used) - used.sum()))
        if not used.any():
            return superseded
        return merge(
            (superseded, self._take_prices(leg, batch.ts_event_ns[used], batch.price[used], batch.feed))
        )

    def _take_prices(self, leg: Leg, instants: Instants, prices: Prices, feed: str) -> Effects:
        if instants[0] >= self.progress.watermark_ns and not (instants[1:] < instants[:-1]).any():
            return self._apply_prices(leg, instants, prices, feed)
        parts: list[Effects] = []
        while leg is self._leg and (found := self._goes_back_at(instants)) is not None:
            at, to_ns = found
            if at:
                parts.append(self._take_in_time(leg, instants[:at], prices[:at], feed))
            parts.append(self._lead.go_back(to_ns))
            instants, prices = instants[at:], prices[at:]
        return merge((*parts, self._take_in_time(leg, instants, prices, feed)))

    def _take_in_time(self, leg: Leg, instants: Instants, prices: Prices, feed: str) -> Effects:
        kept = in_time(leg.last_price, instants)
        late = _late(int(len(kept) - kept.sum()))
        instants, prices = instants[kept], prices[kept]
        if not len(instants):
            return late
        # A kept tick that is older than the watermark is evaluated at the watermark.
        behind = suppress("tick_behind_watermark", int((instants < self.progress.watermark_ns).sum()))
        return merge((late, behind, self._apply_prices(leg, instants, prices, feed)))

    def _goes_back_at(self, instants: Instants) -> tuple[int, int] | None:
        """Return the first tick of the lead at which event time goes back, and where to; None for none."""
        kept = in_time(self._leg.last_price, instants)
        moved = np.where(kept, instants, 0)
        reached = np.maximum.accumulate(np.concatenate(([self.progress.watermark_ns], moved)))[:-1]
        behind = np.flatnonzero(reached - instants > CLOSE_NS)
        if not len(behind):
            return None
        other_ns = self._lead.newest_tick_of_others_ns()
        for at in behind.tolist():
            to_ns = self.progress.goes_back_to(
                instants.item(at),
                reached_ns=reached.item(at),
                other_ns=other_ns,
                is_late=not kept.item(at),
            )
            if to_ns is not None:
                return at, to_ns
        return None

    def _apply_prices(self, leg: Leg, instants: Instants, prices: Prices, feed: str) -> Effects:
        parts: list[Effects] = [self._lead.start_at(int(instants[0]))]
        begin, count = 0, len(instants)
        while begin < count:
            at = self._first_that_matters(leg, instants, prices, begin)
            if at > begin:
                self._lead.move(leg, prices.item(at - 1), instants.item(at - 1), feed)
            if at < count:
                parts.append(self._lead.on_tick(leg, prices.item(at), instants.item(at), feed))
            begin = at + 1
        return merge(parts)

    def _first_that_matters(self, leg: Leg, instants: Instants, prices: Prices, begin: int) -> int:
        """Return the index of the first tick from ``begin`` on that may decide something."""
        due_ns, (low, high) = self._lead.due_of(leg), self._lead.deadband_of(leg)
        # After a tick that matters the next often matters, too: compare the first few one by one.
        few = min(begin + _ONE_BY_ONE, len(instants))
        for at in range(begin, few):
            if not low < prices.item(at) < high or instants.item(at) >= due_ns:
                return at
        # The ticks are in order of time, so the first that is due is found by binary search.
        end = few + int(instants[few:].searchsorted(due_ns))
        matters = (prices[few:end] <= low) | (prices[few:end] >= high)
        return few + int(matters.argmax()) if matters.any() else end

    # -- status and bars ----------------------------------------------------------------------------------

    def _take_status(self, leg: Leg, status: FeedStatus) -> Effects:
        if not is_used(leg.last_price, status.feed):
            assumed = adopted_after(leg.last_price, status)
            if assumed is None:
                return suppress("status_of_other_feed")
            return merge(
                (
                    suppress("authority_assumed"),
                    self._lead.on_authority(leg, assumed),
                    self._take_status(leg, status),
                )
            )
        leg.last_price.other_feed_statuses = 0
        leg.last_price.feed_state = status.state
        if leg.last_price.feed is None:
            leg.last_price.feed = status.feed
        parts: list[Effects] = []
        if leg is self._leg:
            newest_tick_ns = leg.last_price.ts_ns
            at_ns = self.progress.on_status(status.watermark_ns, newest_tick_ns=newest_tick_ns)
            if at_ns > 0:
                parts.append(self._lead.start_at(at_ns))
            parts.append(self._lead.advance(at_ns))
        return merge((*parts, self._lead.on_feed_state(leg, status.state)))

    def _take_bars(self, leg: Leg, batch: BarBatch) -> Effects:
        parts: list[Effects] = []
        usable: list[Bar] = []
        for bar in batch.bars:
            unusable = self._why_unusable(bar)
            if unusable is None:
                usable.append(bar)
            else:
                parts.append(unusable)
        news = usable
        if batch.mode is BarsMode.HISTORY:
            # Before event time has begun, all of a history is past.
            watermark_ns = self.progress.watermark_ns
            past = [bar for bar in usable if not watermark_ns or bar.known_at_ns <= watermark_ns]
            news = [bar for bar in usable if watermark_ns and bar.known_at_ns > watermark_ns]
            parts.append(self._lead.take_history(leg, tuple(past)))
        if news:
            parts.append(self._lead.wait_for(news))
            parts.append(self._lead.advance(self.progress.watermark_ns))
        return merge(parts)

    def _why_unusable(self, bar: Bar) -> Effects | None:
        if bar.status is BarStatus.PROVISIONAL:
            return suppress("bar_provisional")
        return None if self.config.calendar.is_session(bar.session) else suppress("bar_no_session")


def _late(count: int) -> Effects:
    return Effects(late_ticks=count) if count else NOTHING
