"""Read the log of one lead again: its bars, the closes sampled from ticks, and the prices that decided."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.explain.material import Ticks
from services.signals.core.engine.log_progress import CLOSE_NS, LogProgress
from services.signals.core.legs.close_sampling import SAMPLED
from services.signals.core.legs.feed_authority import adopted_after, is_used, take_authority
from services.signals.core.legs.last_price import LastPrice
from services.signals.core.legs.tick_filter import within_sessions
from shared.contracts.ticks import TickRecord
from shared.domain.bars import MAX_SAMPLE_AGE_NS, Bar, BarBatch
from shared.domain.instruments import is_listed
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch

_QUOTES_RULE_NS: Final = 60 * 1_000_000_000
_JUMP: Final = 1.5
_AGREEING: Final = 3

Stretch = tuple[NDArray[np.int64], NDArray[np.float64]]


class CountedTicks:
    """The ticks of one instrument, batch by batch, and the closes sampled from them.

    Parameters
    ----------
    instrument
        The instrument. A listed one has no sampled close, and its ticks count in sessions only.
    calendar
        XNYS sessions.
    """

    def __init__(self, instrument: str, calendar: SessionCalendar) -> None:
        self._calendar = calendar
        self._is_listed = is_listed(instrument)
        self._source = LastPrice()
        self._ts_ns = 0
        self._newest_ns = 0
        self._price = 0.0
        self._quote_ts_ns = 0
        self._suspects: list[float] = []
        self._next_close = -1

    @property
    def newest_ns(self) -> int:
        """Event time of the newest tick that counted; 0 before the first."""
        return self._ts_ns

    def use_feed(self, authority: FeedAuthority, *, event_time_ns: int) -> None:
        """Count the ticks of one feed from now on."""
        if take_authority(self._source, authority, event_time_ns=event_time_ns):
            self._newest_ns, self._quote_ts_ns = self._source.newest_ts_ns, 0
            self._suspects = []

    def uses(self, record: QuoteBatch | TradeBatch | FeedStatus) -> bool:
        """Return whether a record is of the feed that counts."""
        if is_used(self._source, record.feed):
            self._source.other_feed_statuses = 0
            return True
        assumed = adopted_after(self._source, record) if isinstance(record, FeedStatus) else None
        if assumed is not None:
            self.use_feed(assumed, event_time_ns=assumed.since_ns)
        return assumed is not None

    def go_back(self, to_ns: int) -> None:
        """Take in that event time was too far: the closes after an instant have not come."""
        self._next_close = self._calendar.first_closing_at_or_after(to_ns)
        self._newest_ns = self._newest_ns if self._newest_ns <= to_ns + CLOSE_NS else to_ns
        self._quote_ts_ns = self._quote_ts_ns if self._quote_ts_ns <= to_ns + CLOSE_NS else to_ns

    def take(self, batch: QuoteBatch | TradeBatch) -> tuple[Stretch, list[tuple[str, int, float]]]:
        """Return the ticks of a batch that the engine used, and the samples of the closes that they pass."""
        if self._is_listed:
            batch = batch.where(within_sessions(self._calendar, batch.ts_event_ns))
        samples: list[tuple[str, int, float]] = []
        if not len(batch.ts_event_ns):
            return (batch.ts_event_ns, np.empty(0)), samples
        self._source.feed = batch.feed
        instants, prices = self._counted(batch)
        if not len(instants):
            return (instants, prices), samples
        if self._next_close < 0:
            self._next_close = self._calendar.first_closing_at_or_after(int(instants[0]))
        closes = self._calendar.close_ns
        while self._next_close < len(closes) and closes[self._next_close] < instants[-1]:
            rows = int(instants.searchsorted(closes[self._next_close], "right"))
            if rows:
                self._ts_ns, self._price = int(instants[rows - 1]), float(prices[rows - 1])
            samples += self._sample()
        self._ts_ns, self._price = int(instants[-1]), float(prices[-1])
        self._newest_ns = self._ts_ns
        return (instants, prices), samples

    def pass_time(self, watermark_ns: int) -> list[tuple[str, int, float]]:
        """Return the samples of the closes before an instant that no further tick precedes."""
        samples: list[tuple[str, int, float]] = []
        closes = self._calendar.close_ns
        while 0 <= self._next_close < len(closes) and closes[self._next_close] < watermark_ns:
            samples += self._sample()
        return samples

    def _sample(self) -> list[tuple[str, int, float]]:
        close_ns = self._calendar.close_ns[self._next_close]
        session = self._calendar.labels[self._next_close]
        self._next_close += 1
        if self._is_listed:
            return []
        return [(session, close_ns, self._price)] if close_ns - self._ts_ns <= MAX_SAMPLE_AGE_NS else []

    def _counted(self, batch: QuoteBatch | TradeBatch) -> Stretch:
        instants = batch.ts_event_ns
        if isinstance(batch, QuoteBatch):
            prices = batch.bid * 0.5 + batch.ask * 0.5
            self._quote_ts_ns = max(self._quote_ts_ns, int(instants.max()))
        else:
            counts = instants - self._quote_ts_ns > _QUOTES_RULE_NS
            instants, prices = instants[counts], batch.price[counts]
        newest = np.maximum.accumulate(np.concatenate(([self._newest_ns], instants)))[:-1]
        in_time = instants >= newest
        instants, prices = instants[in_time], prices[in_time]
        around = np.concatenate(([self._price or (prices[0] if len(prices) else 0.0)], prices))
        steps = around[1:] / around[:-1]
        if not self._suspects and (steps < _JUMP).all() and (steps > 1 / _JUMP).all():
            return instants, prices
        accepted = np.array([self._is_accepted(float(price)) for price in prices], dtype=bool)
        return instants[accepted], prices[accepted]

    def _is_accepted(self, price: float) -> bool:
        if self._price and not _are_near(price, self._price):
            agrees = self._suspects and _are_near(price, self._suspects[-1])
            self._suspects = [*self._suspects, price] if agrees else [price]
            if len(self._suspects) < _AGREEING:
                return False
        self._price, self._suspects = price, []
        return True


def _are_near(one: float, other: float) -> bool:
    return one <= other * _JUMP and other <= one * _JUMP


class LogScan:
    """Read records in the order of the log, and keep what an explanation needs.

    Parameters
    ----------
    lead, other
        The pair's instruments.
    calendar
        XNYS sessions.
    stretches
        For each leg that was evaluated live, which prices to keep: from and until, event time, both included.
    """

    def __init__(
        self,
        lead: str,
        other: str,
        *,
        calendar: SessionCalendar,
        stretches: Mapping[str, tuple[int, int]],
    ) -> None:
        self._lead = lead
        self._calendar = calendar
        self._progress = LogProgress()
        self._counted = {leg: CountedTicks(leg, calendar) for leg in (lead, other)}
        self._stretches = stretches
        self._kept: dict[str, tuple[list[int], list[float]]] = {leg: ([], []) for leg in (lead, other)}
        self.bars: list[Bar] = []

    def take(self, record: TickRecord) -> None:
        """Take the next record."""
        counted = self._counted.get(record.instrument)
        if counted is None:
            return
        if isinstance(record, BarBatch):
            self.bars += record.bars
        elif isinstance(record, FeedAuthority):
            counted.use_feed(record, event_time_ns=self._progress.watermark_ns)
        elif isinstance(record, FeedFault) or not counted.uses(record):
            return
        elif isinstance(record, FeedStatus):
            if record.instrument == self._lead:
                newest_ns = counted.newest_ns
                self._pass_time(self._progress.on_status(record.watermark_ns, newest_tick_ns=newest_ns))
        else:
            if record.instrument == self._lead:
                self._doubt_event_time(record.ts_event_ns, counted.newest_ns)
            (instants, prices), samples = counted.take(record)
            self._add(record.instrument, samples)
            if len(instants):
                self._pass_time(int(instants[-1]))
            begin, end = self._stretches.get(record.instrument, (1, 0))
            is_asked = (instants >= begin) & (instants <= end)
            if is_asked.any():
                kept = self._kept[record.instrument]
                kept[0].extend(instants[is_asked].tolist())
                kept[1].extend(prices[is_asked].tolist())

    def ticks(self, instrument: str) -> Ticks:
        """Return the prices that were kept of a leg."""
        ts_ns, price = self._kept[instrument]
        return Ticks(ts_ns=tuple(ts_ns), price=tuple(price))

    def _doubt_event_time(self, instants: NDArray[np.int64], newest_ns: int) -> None:
        """Let event time go back where the ticks of the lead show that it is too far."""
        other_ns = max(each.newest_ns for leg, each in self._counted.items() if leg != self._lead)
        for ts_ns in instants[instants < self._progress.watermark_ns - CLOSE_NS].tolist():
            to_ns = self._progress.goes_back_to(
                ts_ns,
                reached_ns=self._progress.watermark_ns,
                other_ns=other_ns,
                is_late=ts_ns < newest_ns,
            )
            if to_ns is None:
                continue
            self._progress.watermark_ns = to_ns
            for each in self._counted.values():
                each.go_back(to_ns)
            self.bars = [
                bar
                for bar in self.bars
                if bar.source != SAMPLED or self._calendar.close_of(bar.session) <= to_ns
            ]

    def _pass_time(self, watermark_ns: int) -> None:
        self._progress.watermark_ns = max(self._progress.watermark_ns, watermark_ns)
        for leg, each in self._counted.items():
            self._add(leg, each.pass_time(watermark_ns))

    def _add(self, leg: str, samples: list[tuple[str, int, float]]) -> None:
        self.bars += [
            Bar(
                instrument=leg,
                session=session,
                close=price,
                adj_close=price,
                known_at_ns=close_ns,
                source=SAMPLED,
            )
            for session, close_ns, price in samples
        ]
