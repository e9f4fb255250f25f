"""How alike two legs order their sessions, whatever the distance between them: one crash is one rank."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import last_pairs, pair_moments


def spearman(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> float | None:
    """Compute the rank correlation of the last ``size`` pairs, equal values sharing their average rank.

    Parameters
    ----------
    x, y
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Pairs in the window, at least 2.

    Returns
    -------
    float or None
        In [-1, 1]. None with fewer than ``size`` pairs or when a leg is flat in the window.

    Raises
    ------
    ValueError
        If the shapes differ or ``size < 2``.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 1000.0]), 3)
    1.0

    Ranks are taken inside the window: what left it does not push them up.

    >>> spearman(np.array([7.0, 1.0, 2.0, 2.0]), np.array([0.0, 1.0, 3.0, 2.0]), 3)
    0.8660254037844387
    """
    pairs = last_pairs(x, y, size)
    return None if pairs is None else pair_moments(*map(_average_ranks, pairs)).correlation


def _average_ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = x.copy()
    ordered.sort()
    # Equal values lie from one position to the other; the middle of those, counted from 1, is their rank.
    ranks: NDArray[np.float64] = (ordered.searchsorted(x) + ordered.searchsorted(x, "right") + 1) / 2.0
    return ranks
