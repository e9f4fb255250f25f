"""How long the blocks of a bootstrap must be to keep the short-range dependence of a series."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Politis and White's K_N is at least 5: the dependence ends before this many insignificant lags in a row.
_LEAST_QUIET_LAGS: Final = 5
# A shorter series has no lags to test.
LEAST_SIZE: Final = 10


def stationary_block_length(x: NDArray[np.float64]) -> float:
    """Choose the mean block length of a stationary bootstrap from the series itself.

    Parameters
    ----------
    x
        Observations, shape ``(n,)`` with ``n >= 10``; finite, not all equal.

    Returns
    -------
    float
        In observations, at least 1 (no memory at all), at most ``ceil(min(3 sqrt(n), n / 3))``.

    Raises
    ------
    ValueError
        If the series is shorter or all its values are equal.

    References
    ----------
    Politis and White (2004), "Automatic block-length selection for the dependent bootstrap", Econometric
    Reviews 23(1), 53-70; with the correction of Patton, Politis and White (2009), Econometric Reviews 28(4),
    372-375.

    Examples
    --------
    A series without memory needs no blocks, one with a long memory needs long ones:

    >>> noise = np.random.default_rng(1).standard_normal(2_000)
    >>> stationary_block_length(noise) < 5
    True
    >>> stationary_block_length(np.convolve(noise, np.ones(20), "valid")) > 20
    True
    """
    size = x.size
    if x.ndim != 1 or size < LEAST_SIZE:
        raise ValueError(f"a series must be one row of at least {LEAST_SIZE} values, was {x.shape}")
    deviations = x - x[0]
    deviations -= deviations.mean()
    if not deviations.any():
        raise ValueError("a series whose values are all equal has no memory to measure")
    quiet_lags = max(_LEAST_QUIET_LAGS, int(math.log10(size)))
    most_lags = min(math.ceil(math.sqrt(size)) + quiet_lags, size - 2)
    covariances = (
        np.array([deviations[lag:] @ deviations[: size - lag] for lag in range(most_lags + 1)]) / size
    )
    lags = _lags_in_memory(deviations, covariances, quiet_lags)
    # The flat-top window: whole weight for the nearer half of the lags, falling to 0 at the last.
    at = np.arange(1, lags + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - at / lags))
    steepness = 2.0 * float(np.sum(weights * at * covariances[1 : lags + 1]))
    spectrum_at_0 = float(covariances[0] + 2.0 * np.sum(weights * covariances[1 : lags + 1]))
    longest = math.ceil(min(3.0 * math.sqrt(size), size / 3.0))
    # 2 G^2 / D with D = 2 g(0)^2, to the third root. If all moves cancel, the spectrum at 0, g(0), is 0.
    ratio = abs(steepness) / max(abs(spectrum_at_0), np.finfo(np.float64).tiny)
    return float(min(max(ratio ** (2.0 / 3.0) * size ** (1.0 / 3.0), 1.0), longest))


def _lags_in_memory(
    deviations: NDArray[np.float64], covariances: NDArray[np.float64], quiet_lags: int
) -> int:
    """Return twice the first lag from which ``quiet_lags`` in a row are insignificant, or all lags."""
    size, most_lags = deviations.size, covariances.size - 1
    # Each lag has its own sums of squares, because the two parts that it compares may differ in variance.
    squares = np.concatenate(([0.0], np.cumsum(deviations**2)))
    ends = [(squares[-1] - squares[lag + 1]) * squares[size - lag - 1] for lag in range(most_lags + 1)]
    correlations = np.abs(covariances) * size / np.sqrt(np.maximum(ends, np.finfo(np.float64).tiny))
    is_quiet = correlations < 2.0 * math.sqrt(math.log10(size) / size)
    for lag in range(most_lags - quiet_lags + 1):
        if is_quiet[lag : lag + quiet_lags].all():
            return min(2 * max(lag, 1), most_lags)
    return most_lags
