"""One lead's log in, events out: a pure function of the records' order, whatever their batches.

Event time moves by ticks, by the lead's status records, and by nothing else. Before it passes an instant,
everything due by then happens in the order of its time:

===================================== ===========================================================
due at                                what
===================================== ===========================================================
``known_at`` of a bar that came early the bar is used
a close, and one nanosecond           the price of each leg that ticks is sampled as its bar
two hours after a bar is final        a leg without it is at fault
a minute after a refused price        a burst of bad ticks is over
the end of a hold                     a divergence opens or escalates
a flapping fault has settled          it closes, and what it held back is judged again
the second session after an opening   a provisional divergence expires, two hours after the bar is final
===================================== ===========================================================

A tick at exactly that instant comes after it. So a record may be cut anywhere, and the events stay the same.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.lead import Lead
from services.signals.core.engine.pair_index import Rows
from services.signals.core.legs.last_price import QUOTE_PRECEDENCE_NS, LastPrice, LogProgress
from services.signals.core.legs.leg import Leg
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch

Prices = NDArray[np.float64]
Instants = NDArray[np.int64]


class LeadEngine:
    """Every pair of one lead.

    Parameters
    ----------
    lead, pairs, rules, calendar, code_version, false_alarms
        See `Lead`.

    Attributes
    ----------
    market
        The legs and the pairs; filled from a checkpoint before `resume`.
    waiting
        Bars that came before their ``known_at``.
    """

    def __init__(
        self,
        lead: str,
        pairs: Iterable[Pair],
        *,
        rules: tuple[Rule, ...],
        calendar: SessionCalendar,
        code_version: str,
        false_alarms: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self.lead = lead
        self.market = Lead(
            lead,
            pairs,
            rules=rules,
            calendar=calendar,
            code_version=code_version,
            false_alarms=false_alarms or {},
        )
        self.waiting: list[Bar] = []
        self._leg = self.market.legs[lead]
        self._deadband_low, self._deadband_high, self._due_ns = 0.0, float("inf"), 0
        self.resume()

    @property
    def monitors(self) -> tuple[PairMonitor, ...]:
        """The pairs."""
        return self.market.monitors

    @property
    def progress(self) -> LogProgress:
        """How far the log has told."""
        return self.market.progress

    @property
    def last_price(self) -> LastPrice:
        """The lead's live price."""
        return self._leg.last_price

    def resume(self) -> None:
        """Find out what to wait for, after `market` and `waiting` were filled from a checkpoint."""
        self.market.resume()
        self.update_deadline()

    def wait_for(self, bars: Iterable[Bar]) -> None:
        """Use bars once their ``known_at`` has come, in an order that only they decide."""
        self.waiting += bars
        self.waiting.sort(
            key=lambda bar: (bar.known_at_ns, bar.instrument != self.lead, bar.session, bar.instrument)
        )
        self.update_deadline()

    def apply(self, record: QuoteBatch | TradeBatch | FeedStatus | BarBatch) -> Effects:
        """Take one record in and return what it did."""
        effects = Effects()
        leg = self.market.legs.get(record.instrument)
        if leg is None:
            effects.suppressed["other_instrument"] += 1
            return effects
        match record:
            case QuoteBatch():
                if not (leg is self._leg and self._stays_in_deadband(record)):
                    mids = record.bid * 0.5 + record.ask * 0.5
                    self._take_prices(leg, record.ts_event_ns, mids, record.feed, effects)
                    leg.last_price.quote_ts_ns = max(
                        leg.last_price.quote_ts_ns, int(record.ts_event_ns.max())
                    )
            case TradeBatch():
                self._take_trades(leg, record, effects)
            case FeedStatus():
                self._take_status(leg, record, effects)
            case BarBatch() if not self.market.is_frozen(leg):
                self._take_bars(record, effects)
        return effects

    # -- ticks --------------------------------------------------------------------------------------------

    def _stays_in_deadband(self, batch: QuoteBatch) -> bool:
        """Take a whole batch in which nothing can happen; do nothing and return False where something can.

        This is where almost all ticks end. Twice the mid is the sum, exactly, so the bounds are doubled
        instead; numpy finds the place of an extreme five times as fast as its value.
        """
        last_price, time, instants = self._leg.last_price, self.market.progress, batch.ts_event_ns
        last_ns = instants.item(-1)
        if instants.item(0) < time.watermark_ns or last_ns >= self._due_ns or time.next_close < 0:
            return False
        if len(instants) == 1:
            low = high = last = batch.bid.item(0) + batch.ask.item(0)
        else:
            if np.count_nonzero(instants[1:] < instants[:-1]):
                return False
            sums = batch.bid + batch.ask
            low, high, last = sums.item(sums.argmin()), sums.item(sums.argmax()), sums.item(-1)
        if not (low > 2 * self._deadband_low and high < 2 * self._deadband_high):
            return False
        last_price.move(last * 0.5, last_ns, batch.feed)
        time.watermark_ns = last_ns
        last_price.quote_ts_ns = max(last_price.quote_ts_ns, last_ns)
        return True

    def _take_trades(self, leg: Leg, batch: TradeBatch, effects: Effects) -> None:
        # Where quotes come, a trade is not even allowed to move event time: the two channels of a venue are
        # not in step, and quotes a millisecond behind a trade must not count as late.
        speaks = batch.ts_event_ns - leg.last_price.quote_ts_ns > QUOTE_PRECEDENCE_NS
        effects.suppressed["trade_superseded"] += int(len(speaks) - speaks.sum())
        if speaks.any():
            self._take_prices(leg, batch.ts_event_ns[speaks], batch.price[speaks], batch.feed, effects)

    def _take_prices(self, leg: Leg, instants: Instants, prices: Prices, feed: str, effects: Effects) -> None:
        watermark_ns = self.market.progress.watermark_ns
        if instants[0] < watermark_ns or (instants[1:] < instants[:-1]).any():
            instants, prices = self._in_time(leg, instants, prices, effects)
            if not len(instants):
                return
            effects.suppressed["tick_behind_watermark"] += int((instants < watermark_ns).sum())
        if self.market.plan_closes(int(instants[0])):
            self.update_deadline()
        begin, count = 0, len(instants)
        while begin < count:
            begin += self._take_until_something(leg, instants[begin:], prices[begin:], feed, effects)

    def _take_until_something(
        self, leg: Leg, instants: Instants, prices: Prices, feed: str, effects: Effects
    ) -> int:
        """Take ticks in bulk up to the first that matters and that one by itself; return how many."""
        low, high = self._deadband_of(leg)
        matters = (prices <= low) | (prices >= high) | (instants >= self._due_ns)
        at = int(matters.argmax())
        if not matters[at]:
            self._move(leg, float(prices[-1]), int(instants[-1]), feed)
            return len(instants)
        if at:
            self._move(leg, float(prices[at - 1]), int(instants[at - 1]), feed)
        ts_ns, price = int(instants[at]), float(prices[at])
        self._advance(ts_ns, effects)
        if not leg.last_price.is_plausible(price):
            leg.last_price.rejected_ts_ns = ts_ns
            self.market.refuse_price(leg, self.progress.watermark_ns, effects)
            self.update_deadline()
            return at + 1
        self._move(leg, price, ts_ns, feed)
        rows = self.market.table.touched_by(price) if leg is self._leg else self._rows(leg)
        for row in rows:
            self.monitors[row].evaluate_price(self.progress.watermark_ns, effects)
        self.market.table.refresh(rows)
        self.update_deadline()
        # A hold of no time at all is over at once.
        self._advance(ts_ns, effects)
        return at + 1

    def _deadband_of(self, leg: Leg) -> tuple[float, float]:
        """Return the prices of a leg between which nothing happens."""
        if leg is self._leg:
            return self._deadband_low, self._deadband_high
        low, high = leg.last_price.jump_band
        quiet = self.market.table.deadband_of_other(self._rows(leg), self._leg.last_price.price)
        return max(low, quiet[0]), min(high, quiet[1])

    def _rows(self, leg: Leg) -> Rows:
        return self.market.rows_of[leg.instrument]

    def _move(self, leg: Leg, price: float, ts_ns: int, feed: str) -> None:
        leg.last_price.move(price, ts_ns, feed)
        time = self.market.progress
        time.watermark_ns = max(time.watermark_ns, ts_ns)
        if leg is self._leg:
            return
        rows = self._rows(leg)
        # A tick that came so late that the close after it is known already moves nothing.
        if len(rows) and self.monitors[rows[0]].is_other_live():
            self.market.table.move_other(rows, price)
            self.update_deadline()

    def _in_time(
        self, leg: Leg, instants: Instants, prices: Prices, effects: Effects
    ) -> tuple[Instants, Prices]:
        """Return the ticks that are not late: none is before a tick of the leg that was there before it.

        A price that was not believed was there, too. A tick behind a status record's watermark, and not
        behind a tick, is still the newest price there is: a clock that runs ahead must not silence a pair. It
        is judged at the watermark.
        """
        newest_ns = max(leg.last_price.ts_ns, leg.last_price.rejected_ts_ns)
        newest = np.maximum.accumulate(np.concatenate(([newest_ns], instants)))[:-1]
        kept = instants >= newest
        effects.late_ticks += int(len(kept) - kept.sum())
        return instants[kept], prices[kept]

    # -- status and bars ----------------------------------------------------------------------------------

    def _take_status(self, leg: Leg, status: FeedStatus, effects: Effects) -> None:
        leg.last_price.feed_state = status.state
        if leg.last_price.feed is None:
            leg.last_price.feed = status.feed
        if leg is self._leg:
            if status.watermark_ns > 0 and self.market.plan_closes(status.watermark_ns):
                self.update_deadline()
            self._advance(status.watermark_ns, effects)
        at_ns = self.progress.watermark_ns
        if status.state is FeedState.STALE:
            rows = np.intersect1d(self.market.table.holding(), self._rows(leg))
            for row in rows:
                self.monitors[row].on_stale_feed(at_ns, effects)
            self.market.table.refresh(rows)
        self.market.hear(leg, status.state, at_ns, effects)
        self.update_deadline()

    def _take_bars(self, batch: BarBatch, effects: Effects) -> None:
        usable = tuple(bar for bar in batch.bars if self._is_usable(bar, effects))
        news = usable
        if batch.mode is BarsMode.HISTORY:
            # Before the first instant is known all of it is past.
            watermark_ns = self.progress.watermark_ns
            is_past = [not watermark_ns or bar.known_at_ns <= watermark_ns for bar in usable]
            past = tuple(bar for bar, is_it in zip(usable, is_past, strict=True) if is_it)
            news = tuple(bar for bar, is_it in zip(usable, is_past, strict=True) if not is_it)
            self.market.take_history(past, effects)
            self.update_deadline()
        unheard = [bar for bar in dict.fromkeys(news) if bar not in self.waiting]
        if unheard:
            effects.is_shared_changed = True
            self.market.note(self.market.legs[batch.instrument])
            self.wait_for(unheard)
        if news:
            self._advance(self.progress.watermark_ns, effects)
        self.update_deadline()

    def _is_usable(self, bar: Bar, effects: Effects) -> bool:
        if bar.status is BarStatus.PROVISIONAL:
            effects.suppressed["bar_provisional"] += 1
            return False
        if not self.market.calendar.is_session(bar.session):
            effects.suppressed["bar_no_session"] += 1
            return False
        return True

    # -- event time ---------------------------------------------------------------------------------------

    def _advance(self, to_ns: int, effects: Effects) -> None:
        """Let everything happen that is due by ``to_ns``, then move the watermark there."""
        market = self.market
        while self._due_ns <= to_ns:
            due_ns = self._due_ns
            if self.waiting and self.waiting[0].known_at_ns <= due_ns:
                market.use_bar(self.waiting.pop(0), effects)
                effects.is_shared_changed = True
            elif market.sample_due_ns() == due_ns:
                market.sample(effects)
            elif market.fault_due_ns() == due_ns:
                market.on_fault_due(due_ns, effects)
            else:
                rows = market.table.due_at(due_ns)
                for row in rows:
                    self.monitors[row].on_deadline(due_ns, effects)
                market.table.refresh(rows)
            self.update_deadline()
        market.progress.watermark_ns = max(market.progress.watermark_ns, to_ns)

    def update_deadline(self) -> None:
        """Find the next due instant and the lead's prices between which nothing happens, over all pairs."""
        market = self.market
        due = [market.sample_due_ns(), market.fault_due_ns(), market.table.due_ns]
        due += [bar.known_at_ns for bar in self.waiting[:1]]
        self._due_ns = min(due)
        low, high = self._leg.last_price.jump_band
        self._deadband_low = max(low, market.table.deadband_low)
        self._deadband_high = min(high, market.table.deadband_high)
