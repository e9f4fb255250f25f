"""What almost every tick needs to know of thousands of pairs: which of them it touches, without a loop.

For each pair the lead's prices between which it decides nothing, and when something is due without any input.
Pairs are kept in heaps by the price, or the time, that comes first; so a tick is compared with one number,
and the pairs that it touches are found in as many steps as there are of them.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Final

from services.signals.core.engine.log_progress import NEVER
from services.signals.core.pairs.deadband import UNBOUNDED_DEADBAND, Ratios
from services.signals.core.pairs.pair_monitor import PairMonitor

Rows = tuple[int, ...]

_INFINITE: Final = float("inf")


class PairIndex:
    """The pairs of one lead, a row each.

    Parameters
    ----------
    monitors
        The pairs; a row is their index.
    """

    def __init__(self, monitors: tuple[PairMonitor, ...]) -> None:
        self._monitors = monitors
        count = len(monitors)
        self._ratios: list[Ratios] = [UNBOUNDED_DEADBAND] * count
        self._other = [1.0] * count
        self._low, self._high, self._due = _Least(count), _Least(count), _Least(count)
        self._holding: set[int] = set()
        self._near: set[int] = set()

    def refresh(self, rows: Iterable[int]) -> None:
        """Read again what some pairs wait for, after anything about them may have changed."""
        for row in rows:
            monitor = self._monitors[row]
            other, due_ns = monitor.legs.other_price(), monitor.next_deadline_ns()
            self._due.put(row, _INFINITE if due_ns is None else due_ns)
            if monitor.prices.is_holding():
                self._holding.add(row)
            else:
                self._holding.discard(row)
            self._put(row, monitor.prices.deadband(), 1.0 if other is None else other)
            if monitor.prices.is_near:
                self._near.add(row)
            else:
                self._near.discard(row)

    def rest(self, rows: Iterable[int]) -> None:
        """Let some pairs wait for nothing."""
        for row in rows:
            self._due.put(row, _INFINITE)
            self._holding.discard(row)
            self._near.discard(row)
            self._put(row, UNBOUNDED_DEADBAND, 1.0)

    def move_other(self, rows: Iterable[int], price: float) -> None:
        """Take in that the other leg of some pairs ticked, and decided nothing."""
        for row in rows:
            self._put(row, self._ratios[row], price)

    def _put(self, row: int, ratios: Ratios, other: float) -> None:
        self._ratios[row], self._other[row] = ratios, other
        self._low.put(row, -ratios[0] * other)
        self._high.put(row, ratios[1] * other)

    # -- answers ------------------------------------------------------------------------------------------

    def deadband(self) -> tuple[float, float]:
        """Return the lead's prices between which no pair decides anything."""
        return max(0.0, -self._low.least()), self._high.least()

    def due_ns(self) -> int:
        """Return the next event time at which a pair has something to do, `NEVER` when none has."""
        least = self._due.least()
        return NEVER if least == _INFINITE else int(least)

    def touched_by(self, price: float) -> Rows:
        """Return the pairs that a price of the lead makes decide."""
        return tuple(sorted({*self._low.up_to(-price), *self._high.up_to(price)}))

    def due_at(self, at_ns: int) -> Rows:
        """Return the pairs that have something to do at `due_ns`."""
        return tuple(sorted(self._due.up_to(at_ns)))

    def deadband_of_other(self, rows: Rows, lead_price: float | None) -> tuple[float, float]:
        """Return the prices of an other leg between which none of its pairs decides anything."""
        low, high = UNBOUNDED_DEADBAND
        if lead_price is None:
            return low, high
        for row in rows:
            ratio_low, ratio_high = self._ratios[row]
            # A band without an end is zero or infinite; so is what it leaves of the other leg's prices.
            low = max(low, lead_price / ratio_high if ratio_high else _INFINITE)
            high = min(high, lead_price / ratio_low if ratio_low else _INFINITE)
        return low, high

    def near(self) -> frozenset[int]:
        """Return the pairs in which time alone can bring a level to the price before the next close."""
        return frozenset(self._near)

    def has_near(self) -> bool:
        """Return whether there is such a pair."""
        return bool(self._near)

    def holding(self) -> frozenset[int]:
        """Return the pairs in which a level is being held."""
        return frozenset(self._holding)


class _Least:
    """A number for each row, and the rows with the least: a heap whose outdated entries are left in it.

    An entry is outdated when its row has another number by now; it is dropped when it comes to the top.
    """

    def __init__(self, count: int) -> None:
        self._numbers: list[float] = [_INFINITE] * count
        self._heap: list[tuple[float, int]] = []
        self._most = 2 * count + 64

    def put(self, row: int, number: float) -> None:
        if number == self._numbers[row]:
            return
        self._numbers[row] = number
        if number == _INFINITE:
            return
        heappush(self._heap, (number, row))
        if len(self._heap) > self._most:
            self._heap = [(each, index) for index, each in enumerate(self._numbers) if each != _INFINITE]
            heapify(self._heap)

    def least(self) -> float:
        heap, numbers = self._heap, self._numbers
        while heap and numbers[heap[0][1]] != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else _INFINITE

    def up_to(self, most: float) -> set[int]:
        """Return the rows whose number is not above ``most``: below one that is above, all are."""
        heap, numbers, found = self._heap, self._numbers, set[int]()
        places = [0]
        while places:
            place = places.pop()
            if place < len(heap) and heap[place][0] <= most:
                number, row = heap[place]
                if numbers[row] == number:
                    found.add(row)
                places += (2 * place + 1, 2 * place + 2)
        return found
