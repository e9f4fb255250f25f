"""The standard error of an estimate whose observations are neither alike nor independent.

An estimate moves by about the sum of its observations' *influences*. Their long-run variance is the
estimate's, and it needs no normal, no equal and no independent returns.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.student import student_975


def long_run_margin(influences: NDArray[np.float64], parameters: int) -> float:
    """Compute half the width of an estimate's 95 % interval.

    Newey and West's variance (Bartlett weights, ``floor(4 (n / 100)^(2/9))`` lags, 3 of them at 60), enlarged
    by ``n / (n - parameters)``, and Student's quantile of ``n - parameters`` degrees.

    Parameters
    ----------
    influences
        What each observation adds to the estimate's error, in session order, shape ``(n,)``, with a sum of
        0; finite.
    parameters
        Numbers estimated from the same observations, 1..``n - 1``.

    Returns
    -------
    float
        In the unit of the estimate, not negative.

    References
    ----------
    Newey and West (1987), "A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix", Econometrica 55(3), 703-708; the lags: their (1994), Review of Economic
    Studies 61(4), 631-653. The influence function: Hampel (1974), JASA 69(346), 383-393.

    Examples
    --------
    The mean of 1, 2, 3, 4, whose influences are ``(x - mean) / 4``; neighbours are alike, which counts:

    >>> round(long_run_margin(np.array([-0.375, -0.125, 0.125, 0.375]), 1), 4)
    2.2967
    >>> round(long_run_margin(np.array([-0.375, 0.375, -0.125, 0.125]), 1), 4)
    1.2153
    """
    size = influences.size
    lags = int(4.0 * (size / 100.0) ** (2.0 / 9.0))
    variance = float(influences @ influences)
    for lag in range(1, lags + 1):
        weight = 1.0 - lag / (lags + 1.0)
        variance += 2.0 * weight * float(influences[lag:] @ influences[:-lag])
    degrees = size - parameters
    # Bartlett's weights keep the variance from being negative; rounding alone could still.
    return student_975(degrees) * math.sqrt(max(variance, 0.0) * size / degrees)
