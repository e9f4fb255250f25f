"""What the ticks of a listed symbol say of a session: that there was trading, and between which prices."""

from typing import Final

import numpy as np

from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import QuoteBatch, TickBatch

# Corrections of a day's bar come within days.
KEPT_SESSIONS: Final = 10


class SessionTicks:
    """The lowest and the highest price of each of the last sessions.

    Parameters
    ----------
    calendar
        Ticks outside its sessions are left out.
    """

    def __init__(self, calendar: SessionCalendar) -> None:
        self._calendar = calendar
        self._ranges: dict[str, tuple[float, float]] = {}

    def take(self, batch: TickBatch) -> None:
        """Take in ticks that were published."""
        prices = (batch.bid + batch.ask) / 2 if isinstance(batch, QuoteBatch) else batch.price
        calendar, events = self._calendar, batch.ts_event_ns
        first = calendar.first_closing_at_or_after(int(events.min()))
        last = calendar.first_closing_at_or_after(int(events.max()))
        for ordinal in range(first, min(last + 1, len(calendar.labels))):
            is_inside = (events >= calendar.open_ns[ordinal]) & (events <= calendar.close_ns[ordinal])
            if is_inside.any():
                self._widen(calendar.labels[ordinal], prices[is_inside])

    def range_of(self, session: str) -> tuple[float, float] | None:
        """Return the lowest and the highest price of a session; None without a tick, or long ago."""
        return self._ranges.get(session)

    def _widen(self, session: str, prices: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        low, high = float(prices.min()), float(prices.max())
        if session in self._ranges:
            before = self._ranges[session]
            low, high = min(low, before[0]), max(high, before[1])
        self._ranges[session] = (low, high)
        for old in sorted(self._ranges)[:-KEPT_SESSIONS]:
            del self._ranges[old]
