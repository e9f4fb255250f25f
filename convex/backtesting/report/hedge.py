"""What a position in the other leg would have returned alone, and with the hedge in the lead.

The hedge of a session is the ratio that was known at the close before it, so this is out of sample: no number
of a session is in the ratio that hedges it. There are no costs, no financing and no limits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.backtesting.outcomes import EveryBar
from convex.backtesting.report.episodes import Session
from services.signals.core.legs.history import LegHistory, day_of
from services.signals.core.statistics.hedge_answer import variance_removed
from shared.domain.divergences import Estimate

Floats = NDArray[np.float64]

HEDGE_STATISTIC: Final = "hedge_ratio_60"
_SESSIONS_A_YEAR: Final = 252
# Fewer have no variance worth the name.
_LEAST_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The largest fall from a peak.

    Parameters
    ----------
    depth
        As a fraction, at most 0.
    begin, lowest
        Sessions of the peak and of the lowest value after it; None where it never fell.
    recovered
        Session at which the peak was reached again; None where it was not.
    """

    depth: float
    begin: str | None
    lowest: str | None
    recovered: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One of the two positions over all its sessions.

    Parameters
    ----------
    wealth
        Value after each session, 1 at the start, shape ``(n + 1,)``.
    drawdowns
        Fall from the highest value so far, at most 0, shape ``(n + 1,)``.
    total
        Return over all sessions, as a fraction.
    volatility
        Annualised standard deviation of the returns.
    """

    wealth: Floats
    drawdowns: Floats
    total: float
    volatility: float
    worst: Drawdown


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeTest:
    """Both positions over the sessions whose hedge was known at the close before.

    Parameters
    ----------
    sessions
        The close before the first return, and that of each return, shape ``(n + 1,)``.
    ratios
        The hedge held in each session, shape ``(n,)``.
    left_out
        Sessions after the first of them whose hedge was not known; they are in neither position.
    effectiveness
        Share of the variance that the hedge removed.
    """

    sessions: tuple[str, ...]
    ratios: Floats
    left_out: int
    alone: Performance
    hedged: Performance
    effectiveness: Estimate


def simple_returns(sessions: Sequence[Session], bars: EveryBar) -> tuple[Floats, Floats]:
    """Return the changes of both legs' adjusted closes, as fractions, from each session to the next."""
    days = np.array([day_of(each.label) for each in sessions], dtype=np.int32)
    return _changes(bars.lead, days), _changes(bars.other, days)


def hedge_test(sessions: Sequence[Session], lead: Floats, other: Floats) -> HedgeTest | None:
    """Compute both positions.

    Parameters
    ----------
    lead, other
        Simple returns to each session from the one before, shape ``(n - 1,)``.

    Returns
    -------
    HedgeTest or None
        None where the hedge was known for fewer than 20 sessions.
    """
    known = [
        (at, ratio)
        for at, each in enumerate(sessions[:-1])
        if (ratio := each.columns[HEDGE_STATISTIC]) is not None
    ]
    if len(known) < _LEAST_SESSIONS:
        return None
    at, ratios = np.array([at for at, _ in known]), np.array([ratio for _, ratio in known])
    alone = other[at]
    hedged = alone + ratios * lead[at]
    labels = (sessions[known[0][0]].label, *(sessions[index + 1].label for index, _ in known))
    return HedgeTest(
        sessions=labels,
        ratios=ratios,
        left_out=len(sessions) - 1 - known[0][0] - len(known),
        alone=performance(alone, labels),
        hedged=performance(hedged, labels),
        effectiveness=variance_removed(alone, hedged),
    )


def performance(returns: Floats, labels: Sequence[str]) -> Performance:
    """Sum up a position that is brought back to its size at each close.

    Parameters
    ----------
    returns
        Simple returns, shape ``(n,)``, at least two.
    labels
        The session before the first return, and that of each, ``n + 1`` of them.

    Examples
    --------
    >>> found = performance(np.array([0.1, -0.5, 0.2]), ["Mon", "Tue", "Wed", "Thu"])
    >>> round(found.total, 2), round(found.worst.depth, 2), found.worst.begin, found.worst.lowest
    (-0.34, -0.5, 'Tue', 'Wed')
    >>> found.worst.recovered is None
    True
    """
    # What is lost is lost: a position cannot be worth less than nothing and come back.
    wealth = np.concatenate(([1.0], np.cumprod(np.maximum(1.0 + returns, 0.0))))
    drawdowns = wealth / np.maximum.accumulate(wealth) - 1.0
    return Performance(
        wealth=wealth,
        drawdowns=drawdowns,
        total=float(wealth[-1]) - 1.0,
        volatility=float(np.std(returns, ddof=1)) * math.sqrt(_SESSIONS_A_YEAR),
        worst=_worst(wealth, drawdowns, labels),
    )


def _worst(wealth: Floats, drawdowns: Floats, labels: Sequence[str]) -> Drawdown:
    lowest = int(np.argmin(drawdowns))
    if drawdowns[lowest] == 0.0:
        return Drawdown(depth=0.0, begin=None, lowest=None, recovered=None)
    begin = int(np.argmax(wealth[: lowest + 1]))
    after = np.flatnonzero(wealth[lowest:] >= wealth[begin])
    return Drawdown(
        depth=float(drawdowns[lowest]),
        begin=labels[begin],
        lowest=labels[lowest],
        recovered=labels[lowest + int(after[0])] if after.size else None,
    )


def _changes(leg: LegHistory, days: NDArray[np.int32]) -> Floats:
    closes = leg.adj_closes[leg.days.searchsorted(days)]
    return closes[1:] / closes[:-1] - 1.0
