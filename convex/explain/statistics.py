"""Every number that an event states about the market, computed once more from the rebuilt sessions.

===================================== ============================================================
name                                  from
===================================== ============================================================
``log_ratio``                         the evaluated ``ln(A/B)``
``mean_90 std_90 z_90 pctl_90``       the 90 log ratios before it
``corr_N n_eff_N corr_ci_N_low/high`` the last N return pairs
``beta_60 hedge_ratio_60``            the last 60
``hedge_effectiveness_60``            the last 60, each with the 60 before it
``stress_corr_252``                   the tenth of the last 252 in which the other leg fell most
``vol_lead_20 vol_other_20``          the last 20 returns of a leg, a year's
``corr_change fisher_z``              the last 20 pairs against the last 252
``return_5_lead return_5_other``      the last 5 returns, summed
``return_gap_std_90 opposite_moves``  the last 90 return pairs
``regime``                            every z-score of the history, in order
``e_break e_tightening e_loosening``  120 sessions, each with up to 252 before it, and the baseline
``agreement_60``                      the last 60 of those
``agreement_low agreement_high``      the event: the baseline that it states
===================================== ============================================================
"""

import math
import re
from collections.abc import Callable
from typing import Final

import numpy as np

from convex.explain.arithmetic import Comovement, MeanAndStd, comovement, fisher_difference, mean_and_std
from convex.explain.evidence import for_loosening, for_tightening, share
from convex.explain.market import Market
from convex.explain.regimes import NUMBERS, regimes

RATIO_WINDOW: Final = 90
RECENT, USUAL = 20, 252
MOVE, GAP_WINDOW = 5, 90
_SESSIONS_PER_YEAR: Final = 252
_CORRELATION: Final = re.compile(r"(corr|n_eff|corr_ci)_(\d+)(_low|_high)?")


class NotRecomputed(KeyError):
    """A name that this module does not know."""


def recompute(name: str, market: Market) -> float | None:
    """Return one number by its name in the event's ``values``; None is undefined.

    Raises
    ------
    NotRecomputed
        If the name is not in the table above.
    """
    if (match := _CORRELATION.fullmatch(name)) is not None and (bool(match[3]) == (match[1] == "corr_ci")):
        return _of_correlation(market, match[1] + (match[3] or ""), int(match[2]))
    if name not in _BY_NAME:
        raise NotRecomputed(name)
    return _BY_NAME[name](market)


def ratio_mean_and_std(market: Market) -> MeanAndStd | None:
    """Return mean and std of the 90 log ratios that the evaluated one is compared with."""
    window = market.window(RATIO_WINDOW)
    return mean_and_std(market.log_ratios[window]) if window is not None else None


def returns_together(market: Market, size: int) -> Comovement | None:
    """Return how the last ``size`` return pairs move together; None with fewer."""
    if len(market.lead_returns) < size:
        return None
    return comovement(market.lead_returns[-size:], market.other_returns[-size:])


def gap_mean_and_std(market: Market) -> MeanAndStd | None:
    """Return the spread of one session's ``rA − rB`` over the last 90."""
    if len(market.lead_returns) < GAP_WINDOW:
        return None
    pairs = zip(market.lead_returns[-GAP_WINDOW:], market.other_returns[-GAP_WINDOW:], strict=True)
    return mean_and_std([a - b for a, b in pairs])


def fisher_z(market: Market) -> float | None:
    """Return the test of ``corr_20`` against ``corr_252``."""
    recent, usual = returns_together(market, RECENT), returns_together(market, USUAL)
    if recent is None or usual is None:
        return None
    return fisher_difference(recent.correlation, usual.correlation)


def move(returns: tuple[float, ...]) -> float | None:
    """Return a leg's log return over the last five sessions."""
    return math.fsum(returns[-MOVE:]) if len(returns) >= MOVE else None


def distance(market: Market) -> float | None:
    """Return ``D``: the gap between both legs' moves in units of the usual one."""
    lead, other, gap = move(market.lead_returns), move(market.other_returns), gap_mean_and_std(market)
    if lead is None or other is None or gap is None or gap.std == 0:
        return None
    return (lead - other) / (gap.std * math.sqrt(MOVE))


def _z(market: Market) -> float | None:
    base = ratio_mean_and_std(market)
    return (market.evaluated - base.mean) / base.std if base is not None and base.std > 0 else None


def _rank(market: Market) -> float | None:
    window = market.window(RATIO_WINDOW)
    if window is None:
        return None
    previous = market.log_ratios[window]
    below = sum(value < market.evaluated for value in previous)
    equal = sum(value == market.evaluated for value in previous)
    return (below + equal / 2) / RATIO_WINDOW


def _of_ratio(name: str) -> Callable[[Market], float | None]:
    def value(market: Market) -> float | None:
        base = ratio_mean_and_std(market)
        # In a window whose values are all equal, z is undefined.
        return float(getattr(base, name)) if base is not None and base.std > 0 else None

    return value


def _of_correlation(market: Market, name: str, size: int) -> float | None:
    together = returns_together(market, size)
    if together is None or together.correlation is None:
        return None
    found = together.correlation
    return {"corr": found.r, "n_eff": found.effective, "corr_ci_low": found.low, "corr_ci_high": found.high}[
        name
    ]


def _change(market: Market) -> float | None:
    recent, usual = _of_correlation(market, "corr", RECENT), _of_correlation(market, "corr", USUAL)
    return recent - usual if recent is not None and usual is not None else None


def _volatility(returns: tuple[float, ...]) -> float | None:
    if len(returns) < RECENT:
        return None
    return mean_and_std(returns[-RECENT:]).std * math.sqrt(_SESSIONS_PER_YEAR)


def _regime(market: Market) -> float | None:
    record = regimes(market.log_ratios, size=RATIO_WINDOW)
    return NUMBERS[record[-1].name] if record and record[-1].z is not None else None


def _gap_std(market: Market) -> float | None:
    gap = gap_mean_and_std(market)
    return gap.std if gap is not None else None


def _evidence(market: Market) -> float | None:
    tightening, loosening = for_tightening(market), for_loosening(market)
    if tightening is None or loosening is None:
        return None
    return tightening.evidence + loosening.evidence


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
    alone = mean_and_std(b[-HEDGE:])
    return 1 - mean_and_std(hedged).squares / alone.squares if alone.squares > 0 else None


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
    one, two = mean_and_std(a), mean_and_std(b)
    products = math.fsum((x - one.mean) * (y - two.mean) for x, y in zip(a, b, strict=True))
    return -products / one.squares if one.squares > 0 else None


_BY_NAME: Final[dict[str, Callable[[Market], float | None]]] = {
    "log_ratio": lambda market: market.evaluated,
    "mean_90": _of_ratio("mean"),
    "std_90": _of_ratio("std"),
    "z_90": _z,
    "pctl_90": _rank,
    "beta_60": beta,
    "hedge_ratio_60": hedge_ratio,
    "hedge_effectiveness_60": effectiveness,
    "stress_corr_252": stress_correlation,
    "vol_lead_20": lambda market: _volatility(market.lead_returns),
    "vol_other_20": lambda market: _volatility(market.other_returns),
    "corr_change": _change,
    "fisher_z": fisher_z,
    "return_5_lead": lambda market: move(market.lead_returns),
    "return_5_other": lambda market: move(market.other_returns),
    "return_gap_std_90": _gap_std,
    "opposite_moves": distance,
    "regime": _regime,
    "e_break": _evidence,
    "e_tightening": lambda market: found.evidence if (found := for_tightening(market)) else None,
    "e_loosening": lambda market: found.evidence if (found := for_loosening(market)) else None,
    "agreement_60": lambda market: share(market, HEDGE),
    "agreement_low": lambda market: market.band[0] if market.band is not None else None,
    "agreement_high": lambda market: market.band[1] if market.band is not None else None,
}
