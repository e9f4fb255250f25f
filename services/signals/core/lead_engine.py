"""One lead's log in, events out: a pure function of the records' order, whatever their batches.

Event time moves by ticks, by status records, and by nothing else. Before it passes an instant, everything
due by then happens in the order of its time:

===================================== ===========================================================
due at                                what
===================================== ===========================================================
``known_at`` of a bar that came early the bar is used
a close, and one nanosecond           the lead's price is sampled as its bar of that session
the end of a hold                     a divergence opens or escalates
the second session after an opening   a provisional divergence expires, two hours after the bar is final
===================================== ===========================================================

A tick at exactly that instant comes after it. So a record may be cut anywhere, and the events stay the same.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.pair_book import Effects, PairBook
from services.signals.core.tape import QUOTES_RULE_NS, LeadTape
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch

_NEVER: Final = (1 << 63) - 1
Prices = NDArray[np.float64]
Instants = NDArray[np.int64]


class LeadEngine:
    """Every pair of one lead.

    Parameters
    ----------
    lead
        The instrument whose log this is.
    books
        The pairs it leads.
    calendar
        XNYS sessions.
    tape, waiting
        What a checkpoint knew: the last price, and bars that came before their ``known_at``.
    """

    def __init__(
        self,
        lead: str,
        books: Iterable[PairBook],
        *,
        calendar: SessionCalendar,
        tape: LeadTape | None = None,
        waiting: Iterable[Bar] = (),
    ) -> None:
        self.lead = lead
        self.books = tuple(books)
        self.tape = tape if tape is not None else LeadTape()
        self.waiting = list(waiting)
        self._calendar = calendar
        self._quiet_low = 0.0
        self._quiet_high = np.inf
        self._due_ns = _NEVER
        for book in self.books:
            book.judge_quietly(self.tape)
        self._gather()

    def apply(self, record: QuoteBatch | TradeBatch | FeedStatus | BarBatch) -> Effects:
        """Take one record in and return what it did."""
        effects = Effects()
        match record:
            case QuoteBatch() if record.instrument == self.lead:
                if not self._passes_quietly(record):
                    mids = record.bid * 0.5 + record.ask * 0.5
                    self._take_prices(record.ts_event_ns, mids, record.feed, effects)
                    self.tape.quote_ts_ns = max(self.tape.quote_ts_ns, int(record.ts_event_ns.max()))
            case TradeBatch() if record.instrument == self.lead:
                self._take_trades(record, effects)
            case FeedStatus() if record.instrument == self.lead:
                self._take_status(record, effects)
            case BarBatch():
                self._take_bars(record, effects)
            case _:
                effects.suppressed["other_instrument"] += 1
        return effects

    # -- ticks --------------------------------------------------------------------------------------------

    def _passes_quietly(self, batch: QuoteBatch) -> bool:
        """Take a whole batch in which nothing can happen; do nothing and return False where something can.

        This is where almost all ticks end. Twice the mid is the sum, exactly, so the bounds are doubled
        instead; numpy finds the place of an extreme five times as fast as its value.
        """
        tape, instants = self.tape, batch.ts_event_ns
        last_ns = instants.item(-1)
        if instants.item(0) < tape.watermark_ns or last_ns >= self._due_ns or tape.closes_seen < 0:
            return False
        if len(instants) == 1:
            low = high = last = batch.bid.item(0) + batch.ask.item(0)
        else:
            if np.count_nonzero(instants[1:] < instants[:-1]):
                return False
            sums = batch.bid + batch.ask
            low, high, last = sums.item(sums.argmin()), sums.item(sums.argmax()), sums.item(-1)
        if not (low > 2 * self._quiet_low and high < 2 * self._quiet_high):
            return False
        tape.feed = batch.feed
        tape.price, tape.ts_ns, tape.watermark_ns = last * 0.5, last_ns, last_ns
        tape.quote_ts_ns = max(tape.quote_ts_ns, last_ns)
        return True

    def _take_trades(self, batch: TradeBatch, effects: Effects) -> None:
        # Where quotes come, a trade is not even allowed to move event time: the two channels of a venue are
        # not in step, and quotes a millisecond behind a trade must not count as late.
        speaks = batch.ts_event_ns - self.tape.quote_ts_ns > QUOTES_RULE_NS
        effects.suppressed["trade_superseded"] += int(len(speaks) - speaks.sum())
        if speaks.any():
            self._take_prices(batch.ts_event_ns[speaks], batch.price[speaks], batch.feed, effects)

    def _take_prices(self, instants: Instants, prices: Prices, feed: str, effects: Effects) -> None:
        tape = self.tape
        if instants[0] < tape.watermark_ns or (instants[1:] < instants[:-1]).any():
            instants, prices = self._in_time(instants, prices, effects)
            if not len(instants):
                return
            effects.suppressed["tick_behind_watermark"] += int((instants < tape.watermark_ns).sum())
        self._plan_closes(int(instants[0]))
        last_ns = int(instants[-1])
        # The whole batch at once while nothing can happen in it.
        if last_ns < self._due_ns and prices.min() > self._quiet_low and prices.max() < self._quiet_high:
            self._move(float(prices[-1]), last_ns, feed)
            return
        begin, count = 0, len(instants)
        while begin < count:
            begin += self._take_until_something(instants[begin:], prices[begin:], feed, effects)

    def _take_until_something(self, instants: Instants, prices: Prices, feed: str, effects: Effects) -> int:
        """Take ticks in bulk up to the first that matters and that one by itself; return how many."""
        matters = (prices <= self._quiet_low) | (prices >= self._quiet_high) | (instants >= self._due_ns)
        at = int(matters.argmax())
        if not matters[at]:
            self._move(float(prices[-1]), int(instants[-1]), feed)
            return len(instants)
        if at:
            self._move(float(prices[at - 1]), int(instants[at - 1]), feed)
        ts_ns = int(instants[at])
        self._advance(ts_ns, effects)
        self._move(float(prices[at]), ts_ns, feed)
        for book in self.books:
            book.judge_price(self.tape, self.tape.watermark_ns, effects)
        self._gather()
        # A hold of no time at all is over at once.
        self._advance(ts_ns, effects)
        return at + 1

    def _move(self, price: float, ts_ns: int, feed: str) -> None:
        self.tape.price, self.tape.feed, self.tape.ts_ns = price, feed, ts_ns
        self.tape.watermark_ns = max(self.tape.watermark_ns, ts_ns)

    def _in_time(self, instants: Instants, prices: Prices, effects: Effects) -> tuple[Instants, Prices]:
        """Return the ticks that are not late: none is before a tick that was there before it.

        A tick behind a status record's watermark, and not behind a tick, is still the newest price there is:
        a clock that runs ahead must not silence a pair. It is judged at the watermark.
        """
        newest = np.maximum.accumulate(np.concatenate(([self.tape.ts_ns], instants)))[:-1]
        kept = instants >= newest
        effects.late_ticks += int(len(kept) - kept.sum())
        return instants[kept], prices[kept]

    # -- status and bars ----------------------------------------------------------------------------------

    def _take_status(self, status: FeedStatus, effects: Effects) -> None:
        self.tape.feed_state = status.state
        if self.tape.feed is None:
            self.tape.feed = status.feed
        if status.watermark_ns > 0:
            self._plan_closes(status.watermark_ns)
        self._advance(status.watermark_ns, effects)
        if status.state is FeedState.STALE:
            for book in self.books:
                book.pass_silence(self.tape, effects)
            self._gather()

    def _take_bars(self, batch: BarBatch, effects: Effects) -> None:
        usable = tuple(bar for bar in batch.bars if self._is_usable(bar, effects))
        news = usable
        if batch.mode is BarsMode.HISTORY:
            # Before the first instant is known all of it is past.
            is_past = [
                not self.tape.watermark_ns or bar.known_at_ns <= self.tape.watermark_ns for bar in usable
            ]
            past = tuple(bar for bar, is_it in zip(usable, is_past, strict=True) if is_it)
            news = tuple(bar for bar, is_it in zip(usable, is_past, strict=True) if not is_it)
            for book in self.books:
                book.take_history(past, self.tape, effects)
            self._gather()
        if news:
            for bar in news:
                if bar not in self.waiting:
                    self.waiting.append(bar)
                    effects.changed.update(book.pair.name for book in self._books_of(bar))
            self.waiting.sort(key=lambda bar: (bar.known_at_ns, bar.instrument != self.lead, bar.session))
            self._gather()
            self._advance(self.tape.watermark_ns, effects)
        self._gather()

    def _is_usable(self, bar: Bar, effects: Effects) -> bool:
        if bar.status is BarStatus.PROVISIONAL:
            effects.suppressed["bar_provisional"] += 1
            return False
        if not self._calendar.is_session(bar.session):
            effects.suppressed["bar_no_session"] += 1
            return False
        return True

    def _books_of(self, bar: Bar) -> list[PairBook]:
        return [book for book in self.books if bar.instrument in (book.pair.lead, book.pair.other)]

    # -- event time ---------------------------------------------------------------------------------------

    def _advance(self, to_ns: int, effects: Effects) -> None:
        """Let everything happen that is due by ``to_ns``, then move the watermark there."""
        while self._due_ns <= to_ns:
            due_ns = self._due_ns
            if self.waiting and self.waiting[0].known_at_ns <= due_ns:
                bar = self.waiting.pop(0)
                for book in self._books_of(bar):
                    book.take_bar(bar, self.tape, effects)
            elif self._sample_due_ns() == due_ns:
                self._sample(effects)
            else:
                for book in self.books:
                    if book.next_deadline_ns() == due_ns:
                        book.pass_deadline(self.tape, due_ns, effects)
            self._gather()
        self.tape.watermark_ns = max(self.tape.watermark_ns, to_ns)

    def _plan_closes(self, ts_ns: int) -> None:
        """Start to count closes with the first instant that is known."""
        if self.tape.closes_seen < 0:
            self.tape.closes_seen = self._calendar.first_closing_at_or_after(ts_ns)
            self._gather()

    def _sample_due_ns(self) -> int:
        if not 0 <= self.tape.closes_seen < len(self._calendar.close_ns):
            return _NEVER
        return self._calendar.close_ns[self.tape.closes_seen] + 1

    def _sample(self, effects: Effects) -> None:
        close_ns = self._calendar.close_ns[self.tape.closes_seen]
        session = self._calendar.labels[self.tape.closes_seen]
        self.tape.closes_seen += 1
        if self.tape.price is None:
            # No feed has ever ticked: the lead's closes come as bars.
            return
        effects.changed.update(book.pair.name for book in self.books)
        price = self.tape.sample_at(close_ns)
        if price is None:
            effects.suppressed["close_sample_stale"] += 1
            return
        bar = Bar(
            instrument=self.lead,
            session=session,
            close=price,
            adj_close=price,
            known_at_ns=close_ns,
            source="sampled",
        )
        effects.sampled.append(bar)
        for book in self.books:
            book.take_bar(bar, self.tape, effects)

    def _gather(self) -> None:
        """Find the next due instant and the prices between which nothing happens, over all pairs."""
        due = [self._sample_due_ns()]
        due += [bar.known_at_ns for bar in self.waiting[:1]]
        due += [each for book in self.books if (each := book.next_deadline_ns()) is not None]
        self._due_ns = min(due)
        self._quiet_low = max((book.quiet_low for book in self.books), default=0.0)
        self._quiet_high = min((book.quiet_high for book in self.books), default=float(np.inf))
