"""Statistics of a window as functions of the lead's next return, for thousands of returns at once.

The window is known but for its newest pair of returns, and the other leg's newest return is given. Then each
sum of products is a polynomial in the lead's newest return, of degree two at most, and no window needs to be
read again. The results differ from those of `estimate_correlation` and `opposite_moves` by rounding: they
show where to look, and those decide.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.correlation import (
    LARGEST_IMPERFECT,
    LEAST_EFFECTIVE_SIZE,
    NORMAL_975,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlations:
    """What `CorrelationEstimate` has, for each of several returns; NaN where it is undefined.

    Parameters
    ----------
    correlation, effective_size
        Shape ``(n,)``.
    """

    correlation: Floats
    effective_size: Floats

    @property
    def fisher(self) -> Floats:
        """The correlation on Fisher's scale; NaN where it is ±1 to 14 digits."""
        imperfect = np.abs(self.correlation) <= LARGEST_IMPERFECT
        return np.arctanh(np.where(imperfect, self.correlation, np.nan))

    @property
    def interval_low(self) -> Floats:
        """The lower end of the 95 % interval."""
        low = np.tanh(self.fisher - NORMAL_975 / np.sqrt(self.effective_size - 3.0))
        return np.where(np.abs(self.correlation) > LARGEST_IMPERFECT, self.correlation, low)


def next_correlations(
    a: Floats, b: Floats, next_a: Floats, next_b: float, *, size: int
) -> Correlations | None:
    """Compute the correlations of the windows that end with each possible next pair of returns.

    Parameters
    ----------
    a, b
        Aligned returns so far, shape ``(m,)`` each.
    next_a, next_b
        The lead's possible next returns, shape ``(n,)``, and the other leg's next one.
    size
        Pairs in the window, at least 4, the next one included.

    Returns
    -------
    Correlations or None
        None with fewer than ``size - 1`` returns so far.

    Examples
    --------
    >>> from services.signals.core.statistics.correlation import estimate_correlation
    >>> a, b = np.array([0.01, -0.02, 0.03, 0.01]), np.array([0.02, -0.01, 0.01, -0.02])
    >>> found = next_correlations(a, b, np.array([0.0, 0.04]), 0.01, size=5)
    >>> exact = [estimate_correlation(np.append(a, r), np.append(b, 0.01), 5) for r in (0.0, 0.04)]
    >>> bool(np.allclose(found.correlation, [each.correlation for each in exact]))
    True
    """
    known = size - 1
    if a.size < known:
        return None
    x, y = a[-known:] - a[-known:].mean(), np.append(b[-known:], next_b)
    d, y = next_a - a[-known:].mean(), y - y.mean()
    squares_y = float(y @ y)
    # The window's mean of x, counted from the mean of the known part.
    shift = d / size
    squares_x = float(x @ x) + d * d - d * shift
    products = float(x @ y[:-1]) + d * float(y[-1])
    lagged_x = float(x[:-1] @ x[1:]) + float(x[-1]) * d - shift * (d - float(x[0])) + known * shift**2
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.clip(products / np.sqrt(squares_x * squares_y), -1.0, 1.0)
        persistence = lagged_x / squares_x * (float(y[:-1] @ y[1:]) / squares_y if squares_y else math.nan)
        worth = size * (1.0 - persistence) / (1.0 + persistence)
    effective = np.clip(worth, LEAST_EFFECTIVE_SIZE, size)
    return Correlations(correlation=correlation, effective_size=effective)


def next_fisher_z(recent: Correlations, usual: Correlations) -> Floats:
    """Return Fisher's test of one correlation against another, as `fisher_z` does, shape ``(n,)``."""
    spread = np.sqrt(1.0 / (recent.effective_size - 3.0) + 1.0 / (usual.effective_size - 3.0))
    return (recent.fisher - usual.fisher) / spread


def next_opposite_moves(
    a: Floats, b: Floats, next_a: Floats, next_b: float, *, size: int = 90, span: int = 5
) -> tuple[Floats, Floats] | None:
    """Compute the scaled gap of the legs' moves, and the lead's move, for each possible next return.

    Returns
    -------
    tuple of arrays, or None
        As `opposite_moves` does: the distance, NaN where it is undefined, and the lead's return over ``span``
        sessions; shape ``(n,)`` each. None with fewer than ``size - 1`` returns so far.
    """
    known = size - 1
    if a.size < known:
        return None
    gaps = a[-known:] - b[-known:]
    mean = gaps.mean()
    d = next_a - next_b - mean
    variance = (float((gaps - mean) @ (gaps - mean)) + d * d * known / size) / known
    move_a = float(a[a.size - span + 1 :].sum()) + next_a
    move_b = float(b[b.size - span + 1 :].sum()) + next_b
    with np.errstate(divide="ignore", invalid="ignore"):
        return (move_a - move_b) / (np.sqrt(variance) * math.sqrt(span)), move_a
