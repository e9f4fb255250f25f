"""Read one lead's log again: which bars it told, which closes were sampled from it, which prices decided."""

from collections.abc import Mapping

from convex.explaining.material import Ticks
from convex.explaining.ticks import CountedTicks
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarBatch
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedStatus


class LogScan:
    """Take records in the order of the log, and keep what an explanation needs.

    Parameters
    ----------
    lead, other
        The pair's instruments.
    calendar
        XNYS sessions.
    stretches
        For each leg that was judged live, which prices to keep: from and until, event time, both included.
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
        else:
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
