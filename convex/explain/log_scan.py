"""Read the log of one lead again: its bars, the closes sampled from ticks, and the prices that decided."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.explain.material import Ticks
from shared.contracts.ticks import TickRecord
from shared.domain.bars import MAX_SAMPLE_AGE_NS, Bar, BarBatch
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedStatus, QuoteBatch, TradeBatch

_QUOTES_RULE_NS: Final = 60 * 1_000_000_000
_JUMP: Final = 1.5
_AGREEING: Final = 3

Stretch = tuple[NDArray[np.int64], NDArray[np.float64]]


class CountedTicks:
    """The ticks of one instrument, batch by batch, and the closes sampled from them.

    Parameters
    ----------
    calendar
        XNYS sessions.
    """

    def __init__(self, calendar: SessionCalendar) -> None:
        self._calendar = calendar
        self._ts_ns = 0
        self._price = 0.0
        self._quote_ts_ns = 0
        self._suspects: list[float] = []
        self._next_close = -1

    def take(self, batch: QuoteBatch | TradeBatch) -> tuple[Stretch, list[tuple[str, int, float]]]:
        """Return the ticks of a batch that the engine used, and the samples of the closes that they pass."""
        instants, prices = self._counted(batch)
        samples: list[tuple[str, int, float]] = []
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
        return [(session, close_ns, self._price)] if close_ns - self._ts_ns <= MAX_SAMPLE_AGE_NS else []

    def _counted(self, batch: QuoteBatch | TradeBatch) -> Stretch:
        instants = batch.ts_event_ns
        if isinstance(batch, QuoteBatch):
            prices = batch.bid * 0.5 + batch.ask * 0.5
            self._quote_ts_ns = max(self._quote_ts_ns, int(instants.max()))
        else:
            counts = instants - self._quote_ts_ns > _QUOTES_RULE_NS
            instants, prices = instants[counts], batch.price[counts]
        newest = np.maximum.accumulate(np.concatenate(([self._ts_ns], instants)))[:-1]
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
        self._counted = {leg: CountedTicks(calendar) for leg in (lead, other)}
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
        elif isinstance(record, FeedStatus):
            if record.instrument == self._lead:
                self._pass_time(record.watermark_ns)
        elif isinstance(record, QuoteBatch | TradeBatch):
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

    def _pass_time(self, watermark_ns: int) -> None:
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
                source="sampled",
            )
            for session, close_ns, price in samples
        ]
