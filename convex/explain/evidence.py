"""The evidence against a pair's baseline, bettor by bettor, in the arithmetic of an explanation.

A bettor starts with 1 at each of the last 120 sessions and stakes a share of what it has on every session
from then on. `SCALE` times what all of them own, averaged over the stakes, is the evidence.
"""

import math
from dataclasses import dataclass
from typing import Final

from convex.explain.market import Market

STARTS: Final = 120
MEANS: Final = 252
LEAST: Final = 60
STAKES: Final = (0.125, 0.25, 0.5)
SCALE: Final = 0.46
# A return this near its mean is on no side of it.
_NO_SIDE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """What all bettors of one direction own.

    Parameters
    ----------
    odds
        What a winner gets for each unit that it staked.
    owned
        By stake, the sum over the starts.
    evidence
        ``SCALE`` times the average of those sums.
    """

    odds: float
    owned: tuple[float, ...]
    evidence: float


def sides(market: Market) -> tuple[int, ...]:
    """Return on which sides of their means the legs moved, for each of the last 120 sessions.

    Returns
    -------
    tuple
        1 for the same side, -1 for opposite ones, 0 where a leg moved as its mean: that of the 252 returns
        before, or of as many as there are, at least 60.
    """
    count = len(market.lead_returns)
    found = []
    for at in range(max(LEAST, count - STARTS), count):
        side = 1
        for returns in (market.lead_returns, market.other_returns):
            before = returns[max(0, at - MEANS) : at]
            moved = returns[at] - math.fsum(before) / len(before)
            side *= 0 if abs(moved) <= _NO_SIDE else 1 if moved > 0 else -1
        found.append(side)
    return tuple(found)


def bets(won: tuple[int, ...], probability: float) -> Bets:
    """Return what all bettors own after sessions that they won (1), lost (-1) or did not bet on (0).

    Examples
    --------
    Two bettors at even odds; the first wins twice, the second once:

    >>> [round(each, 4) for each in bets((1, 1), 0.5).owned]
    [2.3906, 2.8125, 3.75]
    """
    odds = (1 - probability) / probability
    owned = []
    for stake in STAKES:
        bettors: list[float] = []
        for session in won:
            factor = 1 + stake * odds if session > 0 else 1 - stake if session < 0 else 1.0
            bettors = [wealth * factor for wealth in [*bettors, 1.0]]
        owned.append(math.fsum(bettors))
    return Bets(odds=odds, owned=tuple(owned), evidence=SCALE * math.fsum(owned) / len(STAKES))


def for_tightening(market: Market) -> Bets | None:
    """Return the bets on agreement; None without a baseline, or with too few sessions."""
    won = sides(market)
    return bets(won, market.band[1]) if market.band is not None and won else None


def for_loosening(market: Market) -> Bets | None:
    """Return the bets on disagreement; None without a baseline, or with too few sessions."""
    won = sides(market)
    if market.band is None or not won:
        return None
    return bets(tuple(-each for each in won), 1 - market.band[0])


def share(market: Market, size: int) -> float | None:
    """Return the share of the last ``size`` sessions in which the legs agreed; None where none counts."""
    last = sides(market)[-size:]
    counted = [each for each in last if each]
    return sum(each > 0 for each in counted) / len(counted) if len(last) == size and counted else None
