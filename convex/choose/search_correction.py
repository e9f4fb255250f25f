"""Whether the best of many levels is better than the best of as many would be by chance.

Whoever tries twenty levels finds one that looks good. Two tests ask for the best of all levels and horizons,
not for each alone:

1. **Hansen's test of superior predictive ability** (SPA): the null is that no column has a positive expected
   excess. The sessions are drawn again by the stationary bootstrap, all columns together, and the p-value is
   the share of draws whose best column exceeds its own mean by more than the best of the history. Its null
   includes any tie of the legs that does not help the kind's claims. Its p-value is right for long histories;
   a few thousand sessions have few openings, for which it may be a little too small (``docs/choose.md``).
2. **Synthetic histories of the kind's null**: the same computation on histories that have as many sessions
   and no tie, or a constant correlation. The p-value is the rank of the history's best column among theirs.
   So it is right for a history of any length, but only for this null.

The larger of both p-values decides.
"""

from dataclasses import dataclass

import numpy as np
from arch.bootstrap import SPA

from convex.choose.performance import Performance
from services.signals.core.statistics.rolling import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTest:
    """How surprising the best column is.

    Parameters
    ----------
    level, horizon
        The numbers of the best column's rule and horizon.
    spa
        Hansen's consistent p-value.
    synthetic
        Share of the null's histories, this one included, whose best column is at least as good.
    columns
        Levels and horizons that were searched.
    draws, histories
        Of the bootstrap, and of the null.
    """

    level: int
    horizon: int
    spa: float
    synthetic: float
    columns: int
    draws: int
    histories: int

    @property
    def p_value(self) -> float:
        """Return the larger p-value."""
        return max(self.spa, self.synthetic)


def spa_p_value(performance: Performance, *, draws: int, seed: int) -> float:
    """Return Hansen's consistent p-value of the best column, at least ``1 / (draws + 1)``.

    Parameters
    ----------
    performance
        With at least one column. Its columns are divided by their standard deviation, which makes the test
        Hansen's studentised one: arch compares the means as they are given.
    draws
        Of the bootstrap.
    seed
        Equal seeds give equal values.

    References
    ----------
    Hansen (2005), "A test for superior predictive ability", Journal of Business & Economic Statistics 23(4),
    365-380. White (2000), "A reality check for data snooping", Econometrica 68(5), 1097-1126.
    """
    test = SPA(
        np.zeros(len(performance.excess)),
        # Losses: an excess of chance over a rule would be positive.
        -performance.excess,
        block_size=round(performance.block_length),
        reps=draws,
        seed=seed,
    )
    test.compute()
    exceeding = float(test.pvalues["consistent"]) * draws
    return (1.0 + exceeding) / (1.0 + draws)


def rank_p_value(best: float, of_null: Floats) -> float:
    """Return the rank of a value among those of the null, as a share.

    Examples
    --------
    >>> rank_p_value(2.0, np.array([0.5, 1.0, 2.5]))
    0.5
    """
    return (1.0 + float(np.count_nonzero(of_null >= best))) / (1.0 + of_null.size)
