"""The hedge ratio as a Kalman filter follows it: one that is allowed to wander.

============ ========================================= ==================================
each session  model                                     unit
============ ========================================= ==================================
observation   ``rB = m * rA + e``,  ``e ~ (0, R)``       returns less their history's mean
slope         ``m = m before + w``, ``w ~ (0, Q)``       the hedge ratio is ``-m``
noise ratio   ``Q * mean(rA²) / R = k² / (1 - k)``       ``k = 1 - 2^(-1/20)``: 0.00120
============ ========================================= ==================================

The noise ratio is set, not fitted: an answer that changes its own memory cannot be compared from day to day.
With this one the steady gain is ``k``, and the weights fall by half in 20 sessions, as ``ewm_corr_20``'s do;
their mean age, 28 sessions, is about that of a window of 60. It is a plausible one: over stretches of 800
sessions of gold and IWM, 2013 to 2020, the likelihood's own choice wanders between 0.0001 and 0.005.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import centred
from services.signals.core.statistics.student import student_975
from shared.domain.divergences import Estimate

# As ewm_corr: 7/8 of the weight an endless history would have.
_WARM_UP_HALFLIVES = 3


def noise_ratio(halflife: int) -> float:
    """Compute the noise ratio whose steady filter halves a return's weight in ``halflife`` sessions.

    Examples
    --------
    >>> round(noise_ratio(20), 6)
    0.001201
    """
    gain = 1.0 - math.exp2(-1.0 / halflife)
    return gain * gain / (1.0 - gain)


def kalman_ratio(a: NDArray[np.float64], b: NDArray[np.float64], halflife: int = 20) -> Estimate:
    """Estimate the units of gold exposure per unit of IWM as of the last session, over the whole history.

    The start is diffuse: nothing is supposed of the first slope. ``R`` is the one of greatest likelihood
    given the noise ratio, the mean of the squared standardised innovations.

    Parameters
    ----------
    a, b
        Aligned returns in session order from the start of the history, shape ``(n,)`` each; finite.
    halflife
        Sessions after which a return counts half, at least 1; it sets the noise ratio.

    Returns
    -------
    Estimate
        With the interval of the filter's own variance and Student's quantile; the variance supposes one
        ``R`` for the whole history. The value is None with fewer than ``3 * halflife`` returns and for a flat
        ``a``.

    Raises
    ------
    ValueError
        If the shapes differ or ``halflife < 1``.

    References
    ----------
    Harvey (1989), "Forecasting, structural time series models and the Kalman filter", sections 3.4.3 and
    4.1.1; Durbin and Koopman (2012), "Time series analysis by state space methods", section 2.9.

    Examples
    --------
    >>> a = np.tile([0.01, -0.01, 0.02, -0.02], 20)
    >>> round(kalman_ratio(a, -0.5 * a).value, 12)
    0.5

    It follows a relation that turned over 40 sessions ago, where a window of 80 would still see none:

    >>> turned = np.where(np.arange(80) < 40, 0.5 * a, -0.5 * a)
    >>> round(kalman_ratio(a, turned).value, 2)
    0.26
    """
    if halflife < 1:
        raise ValueError(f"halflife must be at least 1, was {halflife}")
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a pair must be two rows of one length, was {a.shape} and {b.shape}")
    if a.size < _WARM_UP_HALFLIVES * halflife:
        return Estimate(value=None)
    (_, a), (_, b) = centred(a), centred(b)
    scale = math.sqrt(float(a @ a) / a.size)
    if scale == 0.0:
        return Estimate(value=None)
    slope, variance, squares = _filtered((a / scale).tolist(), b.tolist(), noise_ratio(halflife))
    degrees = a.size - 1
    margin = student_975(degrees) * math.sqrt(variance * squares / degrees) / scale
    value = 0.0 - slope / scale
    return Estimate(value=value, low=value - margin, high=value + margin)


def _filtered(u: list[float], y: list[float], ratio: float) -> tuple[float, float, float]:
    # The slope, its variance and the sum of squared innovations, the latter two in units of R. Python's own
    # floats: 800 scalar steps take them a fifth of the time that they take numpy.
    slope = squares = 0.0
    # While it is None nothing is known: returns of 0 say nothing about a slope, and the first other one all.
    variance: float | None = None
    for moved, answered in zip(u, y, strict=True):
        if variance is None:
            if moved != 0.0:
                slope, variance = answered / moved, 1.0 / (moved * moved)
            else:
                squares += answered * answered
            continue
        variance += ratio
        spread = variance * moved * moved + 1.0
        innovation = answered - slope * moved
        slope += variance * moved * innovation / spread
        variance /= spread
        squares += innovation * innovation / spread
    assert variance is not None  # noqa: S101 - a leg with a scale has moved
    return slope, variance, squares
