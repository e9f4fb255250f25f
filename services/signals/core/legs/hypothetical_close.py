"""The next session of a pair, if the lead closes at a given price and the other leg at a known one."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.legs.aligned import AlignedSessions

Floats = NDArray[np.float64]


class HypotheticalClose:
    """One more session after those that both legs have.

    Parameters
    ----------
    known
        The sessions that both legs have, at least one.
    lead_adj_close, other_adj_close
        Adjusted closes of the newest of them.
    next_other
        The other leg's adjusted close in the next session.

    Attributes
    ----------
    known, lead_adj_close
        As given.
    other_return
        The other leg's log return in the next session.

    Examples
    --------
    >>> closes = np.array([100.0, 110.0])
    >>> known = AlignedSessions(
    ...     days=np.array([1, 2], np.int32), lead=closes, other=closes / 2, log_ratio=np.log([2.0, 2.0]),
    ...     lead_returns=np.log([1.1]), other_returns=np.log([1.1]))
    >>> following = HypotheticalClose(known, lead_adj_close=110.0, other_adj_close=55.0, next_other=55.0)
    >>> following.at(121.0).lead_returns.round(4).tolist(), following.other_return
    ([0.0953, 0.0953], 0.0)
    """

    def __init__(
        self, known: AlignedSessions, *, lead_adj_close: float, other_adj_close: float, next_other: float
    ) -> None:
        self.known = known
        self.other_return = float(np.log(next_other / other_adj_close))
        self.lead_adj_close = lead_adj_close
        self._next_other = next_other
        self._next = AlignedSessions(
            days=np.append(known.days, known.days[-1:] + np.int32(1)),
            lead=np.append(known.lead, lead_adj_close),
            other=np.append(known.other, next_other),
            log_ratio=np.append(known.log_ratio, 0.0),
            lead_returns=np.append(known.lead_returns, 0.0),
            other_returns=np.append(known.other_returns, np.log(next_other / other_adj_close)),
        )

    def log_ratios(self, prices: Floats) -> Floats:
        """Return the log ratio of the next session for each close of the lead, shape ``(n,)``."""
        return np.log(prices / self._next_other)

    def lead_returns(self, prices: Floats) -> Floats:
        """Return the lead's log return of the next session for each of its closes, shape ``(n,)``."""
        return np.log(prices / self.lead_adj_close)

    def at(self, price: float) -> AlignedSessions:
        """Return all sessions, the next one with this close of the lead; valid until the next call.

        The arrays are written in place: a search for a level asks for dozens of prices.
        """
        self._next.lead[-1] = price
        self._next.log_ratio[-1] = np.log(price / self._next_other)
        self._next.lead_returns[-1] = np.log(price / self.lead_adj_close)
        return self._next
