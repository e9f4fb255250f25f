"""Synthetic histories of two legs without a tie.

Each leg's returns are drawn from its own history in blocks, independently of the other leg. Inside a block a
leg keeps what is its own: clusters of volatility, fat tails, and any persistence from session to session.
Nothing keeps the two prices together, so their ratio wanders as chance has it, and every coincidence of the
legs is gone as well. The mean of each leg's returns is subtracted: over a few years most of it is chance, and
on unrelated walks without a drift it would bias the figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex.calibrate.stationary_bootstrap import stationary_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrelatedLegs:
    """A history whose legs are drawn separately.

    Parameters
    ----------
    lead, other
        Log returns, shape ``(n,)`` each.
    """

    lead: NDArray[np.float64]
    other: NDArray[np.float64]

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

        def drawn(returns: NDArray[np.float64]) -> NDArray[np.float64]:
            rows = [
                stationary_rows(each, source=returns.size, size=size, mean_block=mean_block)
                for each in generators
            ]
            without_drift: NDArray[np.float64] = returns - returns.mean()
            return without_drift[np.stack(rows)]

        return drawn(self.lead), drawn(self.other)
