"""Whether the two price levels are tied to each other at all, so that a stretch has to come back."""

import warnings

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import window_moments

# The search tries up to 12 (n / 100)^(1/4) lags, 16 of them at 252. With fewer prices than this it comes so
# close to fitting every point that the best lag is the one that leaves nothing.
_LEAST_SIZE = 50


def load_statsmodels() -> None:
    """Load what `coint_p` needs now, so that its first caller need not wait for it."""
    import statsmodels.tsa.stattools  # noqa: F401 - loaded for later


def coint_p(log_a: NDArray[np.float64], log_b: NDArray[np.float64], size: int = 252) -> float | None:
    """Compute the p-value of the Engle-Granger test that the log prices are *not* cointegrated.

    The residuals of ``log_a = c + m * log_b`` are tested for a unit root; lags by the smallest AIC, p-value
    from MacKinnon's response surface. Slow: milliseconds, and the first call loads statsmodels, a second.

    Parameters
    ----------
    log_a, log_b
        Aligned log prices in session order, shape ``(n,)`` each; finite. A constant added to a leg does
        not matter.
    size
        Prices in the window, at least 50.

    Returns
    -------
    float or None
        In 0..1; small: the levels are tied. None with fewer than ``size`` prices, and where the test has no
        answer: a flat leg, or legs so nearly in line that nothing is left to test.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 50``.

    References
    ----------
    Engle and Granger (1987), "Co-integration and error correction", Econometrica 55(2), 251-276;
    MacKinnon (1994), Journal of Business & Economic Statistics 12(2), 167-176; computed by
    ``statsmodels.tsa.stattools.coint``.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> walk = np.cumsum(rng.normal(size=252))
    >>> coint_p(walk + rng.normal(size=252), walk) < 0.01
    True
    >>> coint_p(2.0 * walk, walk) is None
    True
    """
    if size < _LEAST_SIZE:
        raise ValueError(f"size must be at least {_LEAST_SIZE}, was {size}")
    moments = window_moments(log_a, log_b, size)
    if moments is None or moments.correlation is None:
        return None
    # Loaded here because it takes a second, and most processes that load this module never ask.
    from statsmodels.tsa.stattools import coint

    # For legs in line the answer is None, not a warning.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        statistic, p_value, _ = coint(log_a[-size:], log_b[-size:], return_results=False)
    return float(p_value) if np.isfinite(statistic) and np.isfinite(p_value) else None
