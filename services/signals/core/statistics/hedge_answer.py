"""Whether gold still hedges IWM, with how much of it, and how sure that is.

=============== =========================================== ==============================================
estimate        value                                       95 % interval
=============== =========================================== ==============================================
ratio           ``hedge_ratio_60``                          Newey-West error, Student's t
beta            ``beta_60``                                 the same
effectiveness   ``hedge_effectiveness_60``                  the same, of the log of the variance ratio
stress_corr     ``stress_corr_252``                         Fisher's z with the effective size
ratio_tls       orthogonal line through 60 returns          Newey-West error of the line's angle, Student's t
ratio_kalman    random-walk slope over the whole history    the filter's own variance, Student's t
=============== =========================================== ==============================================

All are functions of the returns alone: no draw, no bootstrap, and the same bits on each replay.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.correlation import estimate_correlation
from services.signals.core.statistics.hedging import beta, hedge_ratio, hedged_returns
from services.signals.core.statistics.kalman import kalman_ratio
from services.signals.core.statistics.long_run_error import long_run_margin
from services.signals.core.statistics.moments import centred
from services.signals.core.statistics.slope_interval import slope_margin
from services.signals.core.statistics.stress import stressed_pairs
from services.signals.core.statistics.total_least_squares import total_least_squares_ratio
from shared.domain.divergences import Estimate, Hedge

HEDGE_WINDOW = 60
STRESS_WINDOW = 252


def hedge_answer(a: NDArray[np.float64], b: NDArray[np.float64]) -> Hedge:
    """Compute every estimate of the hedge as of the last session.

    Parameters
    ----------
    a, b
        Aligned returns of the lead and the other leg in session order from the start of the history, shape
        ``(n,)`` each; finite.

    Returns
    -------
    Hedge
        A value is None exactly where the statistic of its name is; an interval where its value is, and
        where `total_least_squares_ratio` says so.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> gold = rng.normal(size=252) * 0.01
    >>> hedge = hedge_answer(gold, 0.01 * rng.normal(size=252) - 0.8 * gold)
    >>> hedge.ratio.low < 0.8 < hedge.ratio.high
    True
    >>> hedge_answer(gold[:60], gold[:60]).effectiveness.value is None
    True
    """
    ratio, slope = hedge_ratio(a, b, HEDGE_WINDOW), beta(a, b, HEDGE_WINDOW)
    return Hedge(
        ratio=_around(ratio, slope_margin(a, b, HEDGE_WINDOW)),
        beta=_around(slope, slope_margin(b, a, HEDGE_WINDOW)),
        effectiveness=effectiveness_estimate(a, b, HEDGE_WINDOW),
        stress_corr=_stress_estimate(a, b),
        ratio_tls=total_least_squares_ratio(a, b, HEDGE_WINDOW),
        ratio_kalman=kalman_ratio(a, b),
    )


def effectiveness_estimate(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> Estimate:
    """Estimate `hedge_effectiveness` with the interval of the ratio of the two variances.

    Parameters
    ----------
    a, b, size
        As for `hedge_effectiveness`.

    Returns
    -------
    Estimate
        The interval is symmetric in ``ln(1 - effectiveness)``, so that it cannot pass 1, and takes each
        session's ratio as given. A hedge that left nothing has a point for an interval.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> a = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0])
    >>> effectiveness_estimate(a, -2.0 * a, 3)
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    series = hedged_returns(a, b, size)
    return Estimate(value=None) if series is None else variance_removed(*series)


def variance_removed(alone: NDArray[np.float64], hedged: NDArray[np.float64]) -> Estimate:
    """Estimate the share of the variance of some returns that a hedge removed from them.

    Parameters
    ----------
    alone, hedged
        Returns of the same sessions in session order, shape ``(n,)`` each, with ``n >= 2``; finite.

    Returns
    -------
    Estimate
        As of `effectiveness_estimate`; None where the returns alone have no variance.

    Examples
    --------
    >>> alone = np.array([1.0, -1.0, 2.0, -2.0])
    >>> variance_removed(alone, 0.5 * alone).value
    0.75
    """
    alone, hedged = centred(alone)[1], centred(hedged)[1]
    squares_alone, squares_hedged = float(alone @ alone), float(hedged @ hedged)
    degrees = alone.size - 1
    if squares_alone == 0.0:
        return Estimate(value=None)
    left = (squares_hedged / degrees) / (squares_alone / degrees)
    if squares_hedged == 0.0:
        return Estimate(value=1.0, low=1.0, high=1.0)
    # Each session's part in either variance; the two sum to 1 each, so the influences sum to 0.
    influences = hedged * hedged / squares_hedged - alone * alone / squares_alone
    factor = math.exp(long_run_margin(influences, parameters=1))
    return Estimate(value=1.0 - left, low=1.0 - left * factor, high=1.0 - left / factor)


def _around(value: float | None, margin: float | None) -> Estimate:
    if value is None or margin is None:
        return Estimate(value=None)
    return Estimate(value=value, low=value - margin, high=value + margin)


def _stress_estimate(a: NDArray[np.float64], b: NDArray[np.float64]) -> Estimate:
    pairs = stressed_pairs(a, b, STRESS_WINDOW)
    estimate = None if pairs is None else estimate_correlation(*pairs, pairs[0].size)
    if estimate is None:
        return Estimate(value=None)
    return Estimate(value=estimate.correlation, low=estimate.interval.low, high=estimate.interval.high)
