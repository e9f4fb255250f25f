"""What should follow an opening. It decides whether what did follow counts as a hit or a miss.

A claim is a convention, not a forecast: a hit rate well below the usual rate is as informative as one well
above it. ``FALLS`` and ``RISES`` are about the log ratio. A move of exactly 0 is a miss for every claim.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Claim(StrEnum):
    """What should follow."""

    FALLS = "falls"
    RISES = "rises"
    TOGETHER = "together"
    APART = "apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Returns of both legs over one horizon, after each of several sessions.

    Parameters
    ----------
    lead, other
        Log returns of the adjusted closes, shape ``(n,)``.
    """

    lead: Floats
    other: Floats

    @property
    def ratio(self) -> Floats:
        """Change of the log ratio, shape ``(n,)``."""
        return self.lead - self.other


def hits(claim: Claim, moves: Moves) -> NDArray[np.bool_]:
    """Return which moves agree with the claim.

    Returns
    -------
    array
        Of bool, shape ``(n,)``.

    Examples
    --------
    >>> lead, other = np.array([0.02, -0.01]), np.array([0.01, 0.02])
    >>> moves = Moves(lead=lead, other=other)
    >>> [hits(claim, moves).tolist() for claim in (Claim.FALLS, Claim.TOGETHER)]
    [[False, True], [True, False]]
    """
    match claim:
        case Claim.FALLS:
            return moves.ratio < 0.0
        case Claim.RISES:
            return moves.ratio > 0.0
        case Claim.TOGETHER:
            return np.sign(moves.lead) * np.sign(moves.other) > 0.0
    return np.sign(moves.lead) * np.sign(moves.other) < 0.0
