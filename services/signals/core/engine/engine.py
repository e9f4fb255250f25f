"""One lead's log in, events out: a pure function of the records' order, whatever their batches.

Event time moves by ticks, by the lead's status records, and by nothing else; what becomes due as it moves is
in `Lead`. A record may be cut anywhere, and the events stay the same.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.engine.lead import Lead
from services.signals.core.engine.log_progress import LogProgress
from services.signals.core.engine_config import EngineConfig
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.tick_filter import in_time, without_quotes
from services.signals.core.pairs.effects import NOTHING, Effects, merge, suppress
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedStatus, QuoteBatch, TradeBatch

# Comparing so many ticks one by one takes as long as numpy takes to be called.
_ONE_BY_ONE: Final = 16
Prices = NDArray[np.float64]
Instants = NDArray[np.int64]


class LeadEngine:
    """Every pair of one lead.

    Parameters
    ----------
    lead
        The instrument whose log this is.
    pairs
        Those that it leads.
    config
        See `EngineConfig`.

    Attributes
    ----------
    frozen
        Names of the pairs that the log does not reach yet; see `resume`.
    dirty
        Names of the pairs whose last checkpoint no longer holds, or that have none. Whoever writes
        checkpoints takes them out.
    """

    def __init__(self, lead: str, pairs: Iterable[Pair], config: EngineConfig) -> None:
        self.lead = lead
        self.config = config
        self.frozen: frozenset[str] = frozenset()
        self._lead = Lead(lead, pairs, config)
        self._leg = self._lead.legs[lead]
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
        """Find out what to wait for, after the legs and pairs were filled from a checkpoint.

        Parameters
        ----------
        frozen
            Names of pairs that are further than the log that is being read again, and are left alone; so is a
            leg that only such pairs have, but for its live price.
        """
        self.frozen = frozenset(frozen)
        self._lead.resume(self.frozen)

    def wait_for(self, bars: Iterable[Bar]) -> None:
        """Use bars of a checkpoint, of legs that are not frozen, once their ``known_at`` has come."""
        self._lead.wait_for(bars)

    def is_frozen(self, instrument: str) -> bool:
        """Return whether all pairs that have a leg are frozen."""
        return self._lead.is_frozen(self.legs[instrument])

    def apply(self, record: QuoteBatch | TradeBatch | FeedStatus | BarBatch) -> Effects:
        """Take one record in and return what it did."""
        if (
            isinstance(record, QuoteBatch)
            and record.instrument == self.lead
            and self._stays_in_deadband(record)
        ):
            return NOTHING
        leg = self._lead.legs.get(record.instrument)
        if leg is None:
            return suppress("other_instrument")
        effects = self._apply(leg, record)
        self.dirty |= effects.dirty
        return effects

    def _apply(self, leg: Leg, record: QuoteBatch | TradeBatch | FeedStatus | BarBatch) -> Effects:
        if isinstance(record, QuoteBatch):
            return self._take_quotes(leg, record)
        if isinstance(record, TradeBatch):
            return self._take_trades(leg, record)
        if isinstance(record, FeedStatus):
            return self._take_status(leg, record)
        return NOTHING if self._lead.is_frozen(leg) else self._take_bars(leg, record)

    # -- ticks --------------------------------------------------------------------------------------------

    def _stays_in_deadband(self, batch: QuoteBatch) -> bool:
        """Take a whole batch in which nothing can happen; do nothing and return False where something can.

        This is where almost all ticks end, so nothing is called that can be written out. A mid is half the
        sum, exactly; numpy finds the place of an extreme five times as fast as its value.
        """
        lead, instants = self._lead, batch.ts_event_ns
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
        last_price = self._leg.last_price
        last_price.price, last_price.ts_ns, last_price.feed = last, last_ns, batch.feed
        last_price.jump_price, last_price.jump_count = None, 0
        progress.watermark_ns = last_ns
        if last_ns > last_price.quote_ts_ns:
            last_price.quote_ts_ns = last_ns
        return True

    def _take_quotes(self, leg: Leg, batch: QuoteBatch) -> Effects:
        effects = self._take_prices(leg, batch.ts_event_ns, batch.bid * 0.5 + batch.ask * 0.5, batch.feed)
        leg.last_price.quote_ts_ns = max(leg.last_price.quote_ts_ns, int(batch.ts_event_ns.max()))
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
        watermark_ns, parts = self.progress.watermark_ns, []
        if instants[0] < watermark_ns or (instants[1:] < instants[:-1]).any():
            kept = in_time(leg.last_price, instants)
            parts.append(_late(int(len(kept) - kept.sum())))
            instants, prices = instants[kept], prices[kept]
            if not len(instants):
                return merge(parts)
            # One behind the watermark that is kept is evaluated at the watermark.
            parts.append(suppress("tick_behind_watermark", int((instants < watermark_ns).sum())))
        self._lead.start_at(int(instants[0]))
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
        """Return the place of the first tick from ``begin`` on that may decide something."""
        due_ns, (low, high) = self._lead.due_ns, self._lead.deadband_of(leg)
        # Where one tick matters, the next often does: the first few are looked at one by one.
        few = min(begin + _ONE_BY_ONE, len(instants))
        for at in range(begin, few):
            if not low < prices.item(at) < high or instants.item(at) >= due_ns:
                return at
        # In order of time, so the first that is due is found by halving.
        end = few + int(instants[few:].searchsorted(due_ns))
        matters = (prices[few:end] <= low) | (prices[few:end] >= high)
        return few + int(matters.argmax()) if matters.any() else end

    # -- status and bars ----------------------------------------------------------------------------------

    def _take_status(self, leg: Leg, status: FeedStatus) -> Effects:
        leg.last_price.feed_state = status.state
        if leg.last_price.feed is None:
            leg.last_price.feed = status.feed
        due = NOTHING
        if leg is self._leg:
            if status.watermark_ns > 0:
                self._lead.start_at(status.watermark_ns)
            due = self._lead.advance(status.watermark_ns)
        return merge((due, self._lead.on_feed_state(leg, status.state)))

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
            # Before the first instant is known all of it is past.
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
