"""Which quotes are too wide for their venue: one wrong side moves a mid price by half of its error.

==================================== ====================================================================
a quote's spread, of its mid         is
==================================== ====================================================================
up to 0.5 %                          taken
up to ten times the median of the    taken
last 128 taken
above both                           refused as ``wide_spread``; taken from the tenth in a row over at
                                     least thirty seconds: the market has widened
above 5 %, whatever came before      refused as ``wide_spread``: its mid is no price
==================================== ====================================================================

Before eight quotes there is no median to compare with, and only the last row holds.
"""

from collections import deque
from typing import Final

from shared.errors import QualityError

FLOOR: Final = 0.005
CEILING: Final = 0.05
FACTOR: Final = 10.0
_WINDOW: Final = 128
_LEAST: Final = 8
# The median moves slowly: computing it at each quote would cost more than everything else here.
_COMPUTED_EVERY: Final = 16
WIDENED_COUNT: Final = 10
WIDENED_SECONDS: Final = 30.0


class SpreadLimit:
    """The widest spread that one instrument's quotes of one feed may have now.

    ``usual`` is the median of the last ones, as a share of the mid.

    Examples
    --------
    >>> limit = SpreadLimit()
    >>> all(limit.allows(1289.3, 1289.7, now=0.0) for _ in range(20))
    True
    >>> limit.allows(1095.797, 1289.423, now=0.0), limit.allows(1281.0, 1289.0, now=0.0)
    (False, False)
    """

    def __init__(self) -> None:
        self._spreads: deque[float] = deque(maxlen=_WINDOW)
        self._limit = CEILING
        self.usual = 0.0
        self._until_computed = _LEAST
        self._wide_count = 0
        self._wide_since = 0.0

    def allows(self, bid: float, ask: float, *, now: float) -> bool:
        """Return whether a quote is narrow enough, and learn from it.

        Parameters
        ----------
        now
            Seconds on a clock that never goes back.
        """
        spread = 2.0 * (ask - bid) / (bid + ask)
        if spread > self._limit:
            if spread > CEILING or not self._has_widened(now):
                return False
            self._spreads.clear()
            self._limit, self._until_computed = CEILING, _LEAST
        self._wide_count = 0
        self._spreads.append(spread)
        self._until_computed -= 1
        if not self._until_computed:
            self._until_computed = _COMPUTED_EVERY
            self.usual = sorted(self._spreads)[len(self._spreads) // 2]
            self._limit = min(CEILING, max(FLOOR, FACTOR * self.usual))
        return True

    def fault(self, bid: float, ask: float) -> QualityError:
        """Return what is wrong with a quote that is too wide."""
        width = 2.0 * (ask - bid) / (bid + ask)
        return QualityError(
            f"a spread must be near the venue's usual {self.usual:.3%}, was {width:.3%}: {bid} and {ask}",
            reason="wide_spread",
        )

    def _has_widened(self, now: float) -> bool:
        if not self._wide_count:
            self._wide_since = now
        self._wide_count += 1
        return self._wide_count >= WIDENED_COUNT and now - self._wide_since >= WIDENED_SECONDS
