"""What an opening lets one expect, so that what followed can be called a hit or a miss.

================== ============ ========= =======================================================
kind               direction    claim     because
================== ============ ========= =======================================================
ratio_stretch      risk_off     FALLS     rich against its own past: the band pulls the ratio back
ratio_stretch      risk_on      RISES     cheap against its own past, likewise
opposite_moves     risk_off     FALLS     the gap of five sessions closes again
opposite_moves     risk_on      RISES     likewise
correlation_break  tightening   TOGETHER  both legs move the same way
correlation_break  loosening    APART     the legs move opposite ways
hedge_lost         risk_off     TOGETHER  the lead falls, or rises, with what it should have hedged
regime_change      risk_off     RISES     a regime lasts: the lead goes on outperforming
regime_change      risk_on      FALLS     a regime lasts: the other leg goes on outperforming
data_fault         any          none      it says something about the data, nothing about the market
================== ============ ========= =======================================================

FALLS and RISES are about the log ratio. A move of exactly 0 bears no claim out. A claim is a convention, not
a forecast: a rate well below the usual one says as much as one well above it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.domain.divergences import Direction, Kind

Floats = NDArray[np.float64]


class Claim(StrEnum):
    """What should follow."""

    FALLS = "falls"
    RISES = "rises"
    TOGETHER = "together"
    APART = "apart"


CLAIMS: Final = {
    (Kind.RATIO_STRETCH, Direction.RISK_OFF): Claim.FALLS,
    (Kind.RATIO_STRETCH, Direction.RISK_ON): Claim.RISES,
    (Kind.OPPOSITE_MOVES, Direction.RISK_OFF): Claim.FALLS,
    (Kind.OPPOSITE_MOVES, Direction.RISK_ON): Claim.RISES,
    (Kind.CORRELATION_BREAK, Direction.TIGHTENING): Claim.TOGETHER,
    (Kind.CORRELATION_BREAK, Direction.LOOSENING): Claim.APART,
    (Kind.HEDGE_LOST, Direction.RISK_OFF): Claim.TOGETHER,
    (Kind.REGIME_CHANGE, Direction.RISK_OFF): Claim.RISES,
    (Kind.REGIME_CHANGE, Direction.RISK_ON): Claim.FALLS,
}
"""By kind and direction, in the order in which they are shown; what is not in it is not scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What followed several sessions.

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
    """Tell which moves bear a claim out.

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
