"""How far a figure would move if the one history had been another one of the same market.

The figure is computed again from resampled histories: long blocks of the history, drawn with both legs
together, so that slow changes of volatility and of the relationship differ from one to the next as they might
have differed in the market. The spread of these figures holds the random error of their own paths as well,
which is subtracted.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from convex.calibrate.stationary_bootstrap import stationary_rows
from services.signals.core.false_alarms import MOST_OPENINGS, YEAR
from services.signals.core.statistics.poisson import poisson_rate
from services.signals.core.statistics.rolling import Floats
from services.signals.core.statistics.student import student_975
from shared.domain.divergences import Interval

# Sessions of a block of a resampled history: twice the memory of the legs' volatility, at least half a year.
_LEAST_BLOCK: Final = YEAR / 2
# A history must be worth some independent blocks, or all resampled ones would be alike.
_LEAST_BLOCKS: Final = 8
# Any ratio above this one leaves the range of a rate.
_FAR: Final = 100.0


def resampling_block(size: int, *, memory: float) -> float:
    """Return the mean length of the blocks of a resampled history, sessions.

    Parameters
    ----------
    size
        Returns of the history.
    memory
        How long the legs' volatility remembers, sessions.

    Examples
    --------
    >>> resampling_block(2_016, memory=20.0), resampling_block(2_016, memory=100.0)
    (126.0, 200.0)
    >>> resampling_block(600, memory=100.0)
    75.0
    """
    return min(max(2.0 * memory, _LEAST_BLOCK), max(size / _LEAST_BLOCKS, 1.0))


def resampled_history(
    generator: np.random.Generator, lead: Floats, other: Floats, *, block: float
) -> tuple[Floats, Floats]:
    """Draw another history of the same length and market.

    Parameters
    ----------
    generator
        Source of random numbers; equal ones give equal histories.
    lead, other
        Log returns, shape ``(n,)`` each.
    block
        Mean length of its blocks, at least 1.

    Returns
    -------
    tuple of arrays
        Log returns, shape ``(n,)`` each.
    """
    rows = stationary_rows(generator, source=lead.size, size=lead.size, mean_block=block)
    return lead[rows], other[rows]


def uncertainty_interval(
    per_year: float,
    standard_error: float,
    refits: Sequence[tuple[float, float]],
    *,
    blocks: float,
    simulated_years: int,
) -> Interval:
    """Compute the 95 % interval of a figure, for the choice of the history and for the simulation.

    Parameters
    ----------
    per_year, standard_error
        The figure, and its random error from the paths.
    refits
        The same of each resampled history, at least two.
    blocks
        How many blocks a resampled history has on average, more than 1.
    simulated_years
        Years counted in all paths together: without an opening in them, they bound the figure.

    Returns
    -------
    Interval
        On the scale of ratios: a rate is as likely to be twice as high as half.

    Notes
    -----
    Two corrections for few blocks. Resampled histories vary around the one that they are drawn from, and not
    around the market: they vary too little, by the share of one block in the history. And few blocks say
    little about how much blocks differ, so Student's t has as many degrees of freedom as there are blocks, or
    refits, less one.

    Examples
    --------
    Refits that spread no more than their own random error add nothing:

    >>> refits = [(0.9, 0.2), (1.1, 0.2), (1.0, 0.2)]
    >>> found = uncertainty_interval(1.0, 0.1, refits, blocks=9.0, simulated_years=100)
    >>> round(found.low, 3), round(found.high, 3)
    (0.65, 1.538)
    """
    if per_year == 0.0:
        return Interval(low=0.0, high=poisson_rate(0, simulated_years).high or 0.0)
    means, errors = np.array(refits).T
    # What the resampled histories differ by beyond the random error of their paths.
    of_history = max(float(means.var(ddof=1) - np.mean(errors**2)), 0.0) / (1.0 - 1.0 / blocks)
    error = math.sqrt(of_history + standard_error**2)
    degrees = max(1, math.floor(min(len(refits), blocks)) - 1)
    reach = student_975(degrees) * error / per_year
    return Interval(
        low=per_year * math.exp(-reach), high=min(per_year * math.exp(min(reach, _FAR)), MOST_OPENINGS)
    )
