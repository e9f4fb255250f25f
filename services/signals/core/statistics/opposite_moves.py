"""Whether the two legs just parted ways, measured by how far apart they usually move."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.signals.core.statistics.moments import LEAST_SIZE, last_pairs, mean_std
from services.signals.core.statistics.zscore import FLAT_STD


@dataclass(frozen=True, slots=True, kw_only=True)
class OppositeMoves:
    """Both legs' latest moves, and their gap in units of the usual one.

    Parameters
    ----------
    return_a, return_b
        Log returns over the last sessions; None with too few of them.
    gap_std
        Standard deviation (``ddof=1``) of ``rA - rB``, one session's; None during warm-up, 0 for legs that
        move as one.
    distance
        ``(return_a - return_b) / (gap_std * sqrt(span))``, positive: the lead outperformed. None where one
        of them is None, and with a ``gap_std`` of at most `FLAT_STD`.
    """

    return_a: float | None
    return_b: float | None
    gap_std: float | None
    distance: float | None


def opposite_moves(
    a: NDArray[np.float64], b: NDArray[np.float64], size: int = 90, span: int = 5
) -> OppositeMoves:
    """Compute how far the legs moved apart over ``span`` sessions.

    Parameters
    ----------
    a, b
        Aligned returns, shape ``(n,)`` each; finite.
    size
        Return pairs that say what is usual, the newest included; at least 2.
    span
        Sessions of the moves, 1..``size``.

    Returns
    -------
    OppositeMoves
        The sign of the two returns is the caller's to evaluate: a large distance alone may be one leg's.

    Raises
    ------
    ValueError
        If the shapes differ, ``size < 2`` or ``span`` is outside 1..``size``.

    References
    ----------
    The pairs distance of Gatev, Goetzmann and Rouwenhorst (2006), "Pairs trading: performance of a
    relative-value arbitrage rule", Review of Financial Studies 19(3), 797-827, on returns; independent
    moves add up with the square root of time.

    Examples
    --------
    >>> a = np.array([0.01, -0.01, 0.01, -0.01, 0.02, 0.02])
    >>> moved = opposite_moves(a, -a, size=6, span=2)
    >>> round(moved.return_a, 9), round(moved.return_b, 9), round(moved.distance, 4)
    (0.04, -0.04, 2.0702)

    Legs that move as one have a gap of 0, and no distance to measure with it:

    >>> moved = opposite_moves(a, a, size=6, span=2)
    >>> moved.gap_std, moved.distance
    (0.0, None)
    """
    if size < LEAST_SIZE or not 1 <= span <= size:
        raise ValueError(f"size must be at least {LEAST_SIZE} and span in 1..size, were {size} and {span}")
    pairs = last_pairs(a, b, size)
    if a.size < span:
        return OppositeMoves(return_a=None, return_b=None, gap_std=None, distance=None)
    # add.reduce over a part of the window: the same order of additions whatever lies before it.
    return_a, return_b = (float(np.add.reduce(each[-span:])) for each in (a, b))
    if pairs is None:
        return OppositeMoves(return_a=return_a, return_b=return_b, gap_std=None, distance=None)
    gap_std = mean_std(pairs[0] - pairs[1]).std
    distance = (return_a - return_b) / (gap_std * math.sqrt(span)) if gap_std > FLAT_STD else None
    return OppositeMoves(return_a=return_a, return_b=return_b, gap_std=gap_std, distance=distance)
