"""The lead's closes, sampled from ticks before the replay's start, to fill windows as live samples would."""

from collections.abc import Collection

from shared.domain.bars import MAX_SAMPLE_AGE_NS, Bar
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import QuoteBatch


class SampledCloses:
    """Samples the last mid at each close, batch by batch.

    Parameters
    ----------
    instrument
        The lead.
    calendar
        XNYS sessions.
    without
        Sessions whose close is known from a daily file.
    """

    def __init__(self, instrument: str, *, calendar: SessionCalendar, without: Collection[str]) -> None:
        self._instrument = instrument
        self._calendar = calendar
        self._without = frozenset(without)
        self._bars: list[Bar] = []
        self._next: int | None = None
        self._ts_ns = 0
        self._mid = 0.0

    def take(self, batch: QuoteBatch) -> None:
        """Read at least one tick; ascending by event time within and across batches."""
        events = batch.ts_event_ns
        if self._next is None:
            self._next = self._calendar.first_closing_at_or_after(int(events[0]))
        # Only a later tick shows that the last tick before a close has been read.
        while self._next < len(self._calendar.close_ns) and self._calendar.close_ns[self._next] < events[-1]:
            rows = int(events.searchsorted(self._calendar.close_ns[self._next], "right"))
            if rows:
                self._note_price(batch, rows - 1)
            self._sample()
        self._note_price(batch, len(events) - 1)

    def until(self, end_ns: int) -> tuple[Bar, ...]:
        """Return the samples of all closes before an instant that no further tick precedes."""
        if self._next is not None:
            while self._next < len(self._calendar.close_ns) and self._calendar.close_ns[self._next] < end_ns:
                self._sample()
        return tuple(self._bars)

    def _note_price(self, batch: QuoteBatch, row: int) -> None:
        self._ts_ns = int(batch.ts_event_ns[row])
        self._mid = float((batch.bid[row] + batch.ask[row]) * 0.5)

    def _sample(self) -> None:
        assert self._next is not None  # noqa: S101 - both callers have checked
        close_ns, session = self._calendar.close_ns[self._next], self._calendar.labels[self._next]
        self._next += 1
        if session in self._without or close_ns - self._ts_ns > MAX_SAMPLE_AGE_NS:
            return
        self._bars.append(
            Bar(
                instrument=self._instrument,
                session=session,
                close=self._mid,
                adj_close=self._mid,
                known_at_ns=close_ns,
                source="sampled",
            )
        )
