"""Synthetic histories of two legs whose relationship never changes.

A plain bootstrap of pairs of returns keeps, inside each block, the relationship of the time that the block
comes from. If the relationship really changed in the history, it would change in the synthetic one too. So
the history is split into parts that do not contain the relationship, and these are combined again:

1. Each leg's return is divided by its volatility at the time (`_VOLATILITY_HALF_LIFE`): its *shock*.
2. The relationship of the sessions before (`_RELATION_HALF_LIFE`) predicts a part of the other leg's shock
   from the lead's. That part is subtracted, and the rest is divided by its expected size: the *own* shock.
3. Blocks of sessions are drawn; a session has the lead's return, the other leg's volatility and both shocks.
4. Each own shock gets a random sign: large moves still come together, but not in a fixed direction.
5. The other leg's return is ``volatility * (r * lead's shock + sqrt(1 - r^2) * own shock)``, with the one
   correlation ``r`` of all the history's shocks.

This keeps the lead, the clusters of volatility of both legs and their coincidence, fat tails, and days on
which both legs jump. It removes every change of the correlation, on purpose. It also removes the other leg's
serial correlation, which daily returns hardly have, and any prediction of the other leg by the lead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.stationary_bootstrap import stationary_rows

# A month: volatility changes that fast, and from fewer sessions it would be estimated badly.
_VOLATILITY_HALF_LIFE: Final = 20.0
# A quarter: short enough to follow a real change, long enough not to follow chance.
_RELATION_HALF_LIFE: Final = 60.0
# Share of the other leg's variance. Without this minimum, legs that move as one would divide by 0.
_LEAST_LEFT: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantCorrelation:
    """A history split into the parts that synthetic histories are made of.

    Parameters
    ----------
    lead
        The lead's log returns, shape ``(n,)``.
    lead_shocks, own_shocks
        Shape ``(n,)``, mean square 1.
    other_volatility
        Of the other leg's log returns, shape ``(n,)``, but for a constant factor.
    correlation
        The constant correlation of the synthetic sessions, in [-1, 1].
    """

    lead: NDArray[np.float64]
    lead_shocks: NDArray[np.float64]
    own_shocks: NDArray[np.float64]
    other_volatility: NDArray[np.float64]
    correlation: float

    def draw(
        self, generators: Sequence[np.random.Generator], *, size: int, mean_block: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw a path from each generator.

        Parameters
        ----------
        generators
            Sources of random numbers; equal ones give equal paths.
        size
            Returns of a path.
        mean_block
            Mean length of a block, at least 1.

        Returns
        -------
        tuple of arrays
            The lead's and the other leg's returns, shape ``(paths, size)`` each.
        """
        rows = [
            stationary_rows(each, source=self.lead.size, size=size, mean_block=mean_block)
            for each in generators
        ]
        signs = [each.integers(2, size=size) * 2.0 - 1.0 for each in generators]
        return self.returns(np.stack(rows), np.stack(signs))

    def returns(
        self, rows: NDArray[np.intp], signs: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Combine the parts of sessions to returns.

        Parameters
        ----------
        rows
            Which sessions, of any shape.
        signs
            1.0 or -1.0 for each of them.

        Returns
        -------
        tuple of arrays
            The lead's and the other leg's returns, shaped as ``rows``.
        """
        rest = math.sqrt(1.0 - self.correlation**2)
        shocks = self.correlation * self.lead_shocks[rows] + rest * (signs * self.own_shocks[rows])
        return self.lead[rows], self.other_volatility[rows] * shocks


def constant_correlation(lead: NDArray[np.float64], other: NDArray[np.float64]) -> ConstantCorrelation:
    """Split a history.

    Parameters
    ----------
    lead, other
        Aligned log returns in session order, shape ``(n,)`` each, ``n >= 2``; finite.

    Returns
    -------
    ConstantCorrelation
        From which synthetic histories are drawn.

    Raises
    ------
    ValueError
        If the shapes differ, a leg never moves, or the lead explains every move of the other leg.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> lead, own = generator.standard_normal((2, 5_000))
    >>> model = constant_correlation(lead, 0.6 * lead + 0.8 * own)
    >>> abs(model.correlation - 0.6) < 0.03
    True

    A pair with a correlation of 0.9 and then of -0.9 has 0 on average, and the model keeps that average:

    >>> way = np.repeat([0.9, -0.9], 2_500)
    >>> model = constant_correlation(lead, way * lead + np.sqrt(0.19) * own)
    >>> a, b = model.returns(np.arange(5_000), np.sign(generator.standard_normal(5_000)))
    >>> halves = slice(0, 2_500), slice(2_500, 5_000)
    >>> [abs(float(np.corrcoef(a[half], b[half])[0, 1])) < 0.05 for half in halves]
    [True, True]
    """
    if lead.shape != other.shape or lead.ndim != 1 or lead.size < 2:
        raise ValueError(
            f"a pair must be two rows of one length, at least 2, was {lead.shape}, {other.shape}"
        )
    lead_shocks = _unit(lead / _volatility(lead))
    other_volatility = _volatility(other)
    other_shocks = other / other_volatility
    size = _size(other_shocks)
    other_shocks = other_shocks / size
    correlation = min(1.0, max(-1.0, float(np.mean(lead_shocks * other_shocks))))
    product, lead_square, other_square = (
        _before(x, _RELATION_HALF_LIFE, start=start)[:-1]
        for x, start in (
            (lead_shocks * other_shocks, correlation),
            (lead_shocks**2, 1.0),
            (other_shocks**2, 1.0),
        )
    )
    left = np.maximum(1.0 - product**2 / (lead_square * other_square), _LEAST_LEFT)
    own = other_shocks - product / lead_square * lead_shocks
    return ConstantCorrelation(
        lead=lead,
        lead_shocks=lead_shocks,
        own_shocks=_unit(own / np.sqrt(left)),
        other_volatility=other_volatility * size,
        correlation=correlation,
    )


def _volatility(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the size of a leg's moves at each session, that session's included."""
    squares = x**2
    return np.sqrt(_before(squares, _VOLATILITY_HALF_LIFE, start=_size(x) ** 2)[1:])


def _before(x: NDArray[np.float64], half_life: float, *, start: float) -> NDArray[np.float64]:
    """Return the exponentially weighted mean of the values before each one, then of all; ``(n + 1,)``."""
    share = 1.0 - 0.5 ** (1.0 / half_life)
    means = np.empty(x.size + 1)
    mean = means[0] = start
    for index, value in enumerate(x.tolist()):
        mean += share * (value - mean)
        means[index + 1] = mean
    return means


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = x / _size(x)
    return unit


def _size(x: NDArray[np.float64]) -> float:
    size = math.sqrt(float(np.mean(x**2)))
    if size == 0.0:
        raise ValueError("a leg that never moves, or that the lead explains completely, has no shocks")
    return size
