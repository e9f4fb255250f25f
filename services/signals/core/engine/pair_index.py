"""What almost every tick needs to know of thousands of pairs, as columns: one numpy step, no loop over pairs.

For each pair the live ratios between which nothing is decided, the other leg's price they are held against,
and when something is due without any input. A tick, a batch of ticks or an instant asks all pairs in one
comparison and names those that have to look closer.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.history import day_of
from services.signals.core.pairs.pair_monitor import PairMonitor

NEVER: Final = (1 << 63) - 1
Rows = NDArray[np.intp]


class PairIndex:
    """The pairs of one lead, a row each.

    Parameters
    ----------
    monitors
        The pairs; a row is their index.

    Attributes
    ----------
    deadband_low, deadband_high
        The lead's prices between which no pair decides anything.
    due_ns
        The next event time at which a pair has something to do, `NEVER` when none has.
    """

    def __init__(self, monitors: tuple[PairMonitor, ...]) -> None:
        self._books = monitors
        count = len(monitors)
        self._ratio_low = np.zeros(count)
        self._ratio_high = np.full(count, np.inf)
        self._other = np.ones(count)
        self._low = np.zeros(count)
        self._high = np.full(count, np.inf)
        self._due_ns = np.full(count, NEVER, np.int64)
        self._is_holding = np.zeros(count, np.bool_)
        self._other_day = np.zeros(count, np.int32)
        self.deadband_low, self.deadband_high, self.due_ns = 0.0, float("inf"), NEVER

    def refresh(self, rows: Rows | range) -> None:
        """Read again what some pairs, whose monitors have moved, wait for."""
        for row in rows:
            monitor = self._books[row]
            low, high = monitor.deadband
            other = monitor.other_price()
            self._ratio_low[row], self._ratio_high[row] = low, high
            self._other[row] = 1.0 if other is None else other
            due_ns = monitor.next_deadline_ns()
            self._due_ns[row] = NEVER if due_ns is None else due_ns
            self._is_holding[row] = monitor.is_holding()
            newest = monitor.other.history.newest_session
            self._other_day[row] = 0 if newest is None else day_of(newest)
        self._price(rows)

    def rest(self, rows: Rows) -> None:
        """Let some pairs wait for nothing."""
        self._ratio_low[rows], self._ratio_high[rows] = 0.0, np.inf
        self._other[rows] = 1.0
        self._due_ns[rows] = NEVER
        self._is_holding[rows] = False
        self._other_day[rows] = 0
        self._price(rows)

    def move_other(self, rows: Rows, price: float) -> None:
        """Take in that the other leg of some pairs ticked, and decided nothing."""
        self._other[rows] = price
        self._price(rows)

    def _price(self, rows: Rows | range) -> None:
        index = np.asarray(rows, dtype=np.intp)
        self._low[index] = self._ratio_low[index] * self._other[index]
        self._high[index] = self._ratio_high[index] * self._other[index]
        self.deadband_low = float(self._low.max(initial=0.0))
        self.deadband_high = float(self._high.min(initial=np.inf))
        self.due_ns = int(self._due_ns.min(initial=NEVER))

    def touched_by(self, price: float) -> Rows:
        """Return the pairs that a price of the lead makes look closer."""
        return np.flatnonzero((price <= self._low) | (price >= self._high))

    def deadband_of_other(self, rows: Rows, lead_price: float | None) -> tuple[float, float]:
        """Return the prices of an other leg between which none of its pairs decides anything."""
        if lead_price is None:
            return 0.0, float("inf")
        # A quiet band without an end is zero or infinite; so is what it leaves of the other leg's prices.
        with np.errstate(divide="ignore"):
            low = lead_price / self._ratio_high[rows]
            high = lead_price / self._ratio_low[rows]
        return float(low.max(initial=0.0)), float(high.min(initial=np.inf))

    def due_at(self, at_ns: int) -> Rows:
        """Return the pairs that have something to do at an instant."""
        return np.flatnonzero(self._due_ns == at_ns)

    def reaching(self, session: str) -> Rows:
        """Return the pairs whose other leg has a bar of a session or of a later one."""
        return np.flatnonzero(self._other_day >= day_of(session))

    def holding(self) -> Rows:
        """Return the pairs in which a level is being held."""
        return np.flatnonzero(self._is_holding)
