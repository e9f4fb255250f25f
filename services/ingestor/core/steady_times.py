"""Whether the newest times of a clock, such as a venue's, have nearly one offset from our monotonic clock."""

from typing import Final

from shared.domain.instants import NS_PER_SECOND

# A venue's times count as one offset when so many in a row, over so long, differ by so little.
STEADY_COUNT: Final = 5
STEADY_SECONDS: Final = 10.0
STEADY_SPREAD_NS: Final = 2 * NS_PER_SECOND


class SteadyRun:
    """The newest times that have nearly one offset, as far back as they have.

    Parameters
    ----------
    most_spread_ns
        By less than this their offsets differ.

    Examples
    --------
    >>> run = SteadyRun(STEADY_SPREAD_NS)
    >>> for second in range(5):
    ...     run.add(7, now=3.0 * second)
    >>> run.is_steady, run.high_ns
    (True, 7)
    >>> run.add(2 * NS_PER_SECOND + 7, now=13.0)
    >>> run.is_steady
    False
    """

    def __init__(self, most_spread_ns: int) -> None:
        self._most_spread_ns = most_spread_ns
        self._count = 0
        self._since = self._last = 0.0
        self._low_ns = self.high_ns = 0

    def add(self, offset_ns: int, *, now: float) -> None:
        """Take the next time; one with another offset begins a new run."""
        low_ns, high_ns = min(self._low_ns, offset_ns), max(self.high_ns, offset_ns)
        if self._count and high_ns - low_ns < self._most_spread_ns:
            self._count += 1
            self._low_ns, self.high_ns = low_ns, high_ns
        else:
            self._count, self._since = 1, now
            self._low_ns = self.high_ns = offset_ns
        self._last = now

    @property
    def spread_ns(self) -> int:
        """Return by how much their offsets differ."""
        return self.high_ns - self._low_ns

    @property
    def is_steady(self) -> bool:
        """Return whether there are enough of them, over long enough."""
        return self._count >= STEADY_COUNT and self._last - self._since >= STEADY_SECONDS
