"""Which prices are far from the last ones: they are held until others confirm or contradict them.

A price is far when it differs from the median of the last 63 by over ten times their median absolute
deviation, over 0.5 % and over the venue's usual spread.

======================================= ===============================================================
the prices that come next               make a held one
======================================= ===============================================================
are far on the same side: three over    believed, and all that were held with it. Over 5 % away it takes
0.25 s, or two over 2 s                 ten over 5 s, or three over 30 s
another feed has a price near it        believed at once
are near the median: two of them        refused as ``outlier``
are far on the other side               refused as ``outlier``
have not decided after 5 s              refused as ``outlier``; that it was seen still counts for the next
======================================= ===============================================================

The first prices have nothing to be compared with, so they are believed, and little: before the eighth, three
over 0.25 s or two over 2 s are enough at any distance. After a restart the log has the last prices.

At most 2,000 are held, and the oldest is refused for one more. What is believed restarts the median.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from shared.errors import QualityError

FLOOR: Final = 0.005
FACTOR: Final = 10.0
HOLD_SECONDS: Final = 5.0
MOST_HELD: Final = 2_000
_WINDOW: Final = 63
# The median is computed at every eighth price; meanwhile the market moves by less than the floor.
_COMPUTED_EVERY: Final = 8
_CONTRADICTIONS: Final = 2
# So many prices near each other are needed before a great move takes more than another one.
_SETTLED: Final = 8
_GREAT: Final = 0.05
# How many prices, over how many seconds.
_CONFIRMED: Final = ((3, 0.25), (2, 2.0))
_CONFIRMED_GREAT: Final = ((10, 5.0), (3, 30.0))

T = TypeVar("T")


def outlier_fault(price: float) -> QualityError:
    """Return what is wrong with a price that nothing has confirmed."""
    return QualityError(
        f"a price far from the last ones needs confirmation, was {price:.10g}", reason="outlier"
    )


@dataclass(frozen=True, slots=True)
class Decided(Generic[T]):
    """What was held and is so no longer, in the order it came."""

    believed: tuple[T, ...] = ()
    refused: tuple[T, ...] = ()


@dataclass(slots=True)
class _Far:
    """Prices far from the median, on one side of it.

    Parameters
    ----------
    since
        When the first came.
    count
        How many came, also those that are no longer held.
    """

    is_above: bool
    since: float
    count: int = 0
    near: int = 0
    prices: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))


class OutlierHold(Generic[T]):
    """The prices of one instrument of one feed, and those that are held.

    Examples
    --------
    >>> hold = OutlierHold[str]()
    >>> [hold.admits(price, spread=0.0) for price in (1289.0, 1289.1, 1192.6)]
    [True, True, False]
    >>> hold.hold(1192.6, "odd", now=1.0, spread=0.0)
    >>> hold.decided(now=1.0)
    >>> [hold.admits(price, spread=0.0) for price in (1289.1, 1289.0)]
    [True, True]
    >>> hold.decided(now=1.2)
    Decided(believed=(), refused=('odd',))
    """

    def __init__(self) -> None:
        self._prices: deque[float] = deque(maxlen=_WINDOW)
        self._until_computed = 1
        self._is_settled = False
        self._low, self._high = 0.0, float("inf")
        self._median = 0.0
        self._far: _Far | None = None
        self._held: deque[tuple[float, T]] = deque()
        self._believed: list[T] = []
        self._refused: list[T] = []

    @property
    def oldest(self) -> T | None:
        """Return what is held longest, or None."""
        return self._held[0][1] if self._held else None

    @property
    def is_open(self) -> bool:
        """Return whether something is held, or was and `decided` has not returned it yet."""
        return bool(self._held or self._believed or self._refused)

    def begin(self, prices: Iterable[float]) -> None:
        """Compare with prices that an earlier process has published; once there is a price, change nothing.

        Examples
        --------
        >>> hold = OutlierHold[str]()
        >>> hold.begin([1289.0, 1289.1])
        >>> hold.admits(1192.6, spread=0.0), hold.admits(1289.2, spread=0.0)
        (False, True)
        """
        if self._prices:
            return
        self._prices.extend(prices)
        if self._prices:
            self._is_settled = True
            self._compute(0.0)

    def admits(self, price: float, *, spread: float) -> bool:
        """Return whether a price is near the last ones, and learn from it if so.

        Parameters
        ----------
        spread
            The venue's usual spread, as a share of the price.
        """
        if not self._low <= price <= self._high:
            return False
        if self._far is not None:
            self._far.near += 1
            if self._far.near >= _CONTRADICTIONS:
                self._refuse_all()
                self._far = None
        self._prices.append(price)
        self._is_settled = self._is_settled or len(self._prices) >= _SETTLED
        self._until_computed -= 1
        if not self._until_computed:
            self._compute(spread)
        return True

    def hold(self, price: float, item: T, *, now: float, spread: float) -> None:
        """Hold a price that is far from the last ones; `decided` returns it in the end.

        Parameters
        ----------
        item
            What has this price.
        now
            Seconds on a clock that never goes back.
        """
        self._expire(now)
        is_above = price > self._median
        if self._far is None or self._far.is_above != is_above:
            self._refuse_all()
            self._far = _Far(is_above, now)
        far = self._far
        far.count += 1
        far.prices.append(price)
        if len(self._held) >= MOST_HELD:
            self._refused.append(self._held.popleft()[1])
        self._held.append((now, item))
        is_great = self._is_settled and abs(price - self._median) > _GREAT * self._median
        seconds = now - far.since
        needed = _CONFIRMED_GREAT if is_great else _CONFIRMED
        if any(far.count >= count and seconds >= least for count, least in needed):
            self._believe(far, spread)

    def confirm(self, price: float, *, now: float, spread: float) -> None:
        """Believe what is held if another feed has a price near it."""
        self._expire(now)
        if self._far is not None and abs(price - self._far.prices[-1]) <= FLOOR * price:
            self._believe(self._far, spread)

    def decided(self, *, now: float) -> Decided[T] | None:
        """Return what is no longer held since the last call, or None."""
        self._expire(now)
        if not self._believed and not self._refused:
            return None
        decided = Decided(tuple(self._believed), tuple(self._refused))
        self._believed, self._refused = [], []
        return decided

    def _believe(self, far: _Far, spread: float) -> None:
        self._believed += [item for _, item in self._held]
        self._held.clear()
        self._prices = far.prices
        self._is_settled = True
        self._far = None
        self._compute(spread)

    def _expire(self, now: float) -> None:
        while self._held and now - self._held[0][0] > HOLD_SECONDS:
            self._refused.append(self._held.popleft()[1])

    def _refuse_all(self) -> None:
        self._refused += [item for _, item in self._held]
        self._held.clear()

    def _compute(self, spread: float) -> None:
        self._until_computed = min(_COMPUTED_EVERY, len(self._prices))
        ordered = sorted(self._prices)
        median = self._median = ordered[len(ordered) // 2]
        width = max(FLOOR, spread) * median
        # No deviation is greater than the range of the prices, which is mostly far within the floor.
        if FACTOR * (ordered[-1] - ordered[0]) > width:
            deviations = sorted(abs(each - median) for each in ordered)
            width = max(width, FACTOR * deviations[len(deviations) // 2])
        self._low, self._high = median - width, median + width
