"""The hedge that an event answers with, by sums over the last return pairs."""

import math
from typing import Final

import numpy as np

from convex.explaining.arithmetic import comovement, spread
from convex.explaining.market import Market

HEDGE: Final = 60
_STRESS, _STRESSED_SHARE, _LEAST_STRESSED = 252, 0.1, 20


def hedge_ratio(market: Market) -> float | None:
    """Return ``−cov(rA, rB) / var(rA)`` over the last 60 pairs."""
    return _ratio(market.lead_returns[-HEDGE:], market.other_returns[-HEDGE:])


def beta(market: Market) -> float | None:
    """Return ``cov(rA, rB) / var(rB)`` over the last 60 pairs."""
    ratio = _ratio(market.other_returns[-HEDGE:], market.lead_returns[-HEDGE:])
    return -ratio if ratio is not None else None


def effectiveness(market: Market) -> float | None:
    """Return ``1 − var(rB + h·rA) / var(rB)`` over the last 60, each ``h`` from the 60 before."""
    a, b = market.lead_returns, market.other_returns
    count = len(a)
    if count < 2 * HEDGE:
        return None
    hedged = []
    for index in range(count - HEDGE, count):
        ratio = _ratio(a[index - HEDGE : index], b[index - HEDGE : index])
        if ratio is None:
            return None
        hedged.append(b[index] + ratio * a[index])
    alone = spread(b[-HEDGE:])
    return 1 - spread(hedged).squares / alone.squares if alone.squares > 0 else None


def stress_correlation(market: Market) -> float | None:
    """Return the correlation over those of the last 252 pairs in which the other leg fell most: a tenth."""
    a, b = market.lead_returns[-_STRESS:], market.other_returns[-_STRESS:]
    if len(b) < _STRESS:
        return None
    limit = float(np.quantile(np.array(b), _STRESSED_SHARE))
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if y <= limit]
    if len(pairs) < _LEAST_STRESSED:
        return None
    found = comovement([x for x, _ in pairs], [y for _, y in pairs]).correlation
    return found.r if found is not None else None


def _ratio(a: tuple[float, ...], b: tuple[float, ...]) -> float | None:
    if len(a) < HEDGE:
        return None
    one, two = spread(a), spread(b)
    products = math.fsum((x - one.mean) * (y - two.mean) for x, y in zip(a, b, strict=True))
    return -products / one.squares if one.squares > 0 else None
