"""What followed every close of a history, opening or not: whether a claim of a kind would have been a hit.

The claims are those of the kinds, and returns start where those of the outcomes do: at the first close of
both legs after the one that opened (``docs/outcomes.md``). A close has the number of the return that ends
at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.kinds.claim import Moves, hits
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.scoring import moves_after
from services.signals.core.statistics.rolling import Floats
from shared.domain.divergences import Direction, Kind
from shared.domain.kinds import DIRECTIONS

HORIZONS: Final = (5, 20)
"""A week and a month, in sessions: over these the outcomes of a level are compared with the usual ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The outcomes of all closes over one horizon, as far as they are known.

    Parameters
    ----------
    horizon
        Sessions.
    hits
        By direction, shape ``(n,)``: whether an opening at the close would have been a hit.
    moves
        Of both legs.
    """

    horizon: int
    hits: Mapping[Direction, NDArray[np.bool_]]
    moves: Moves

    @property
    def size(self) -> int:
        """Return how many closes have a known outcome: the first ones of the history."""
        return len(self.moves.lead)

    def until(self, closes: int) -> "Followed":
        """Return what was known of them when the history had so many returns."""
        size = _known(closes, self.horizon)
        return Followed(
            horizon=self.horizon,
            hits={direction: each[:size] for direction, each in self.hits.items()},
            moves=Moves(lead=self.moves.lead[:size], other=self.moves.other[:size]),
        )


def what_followed(kind: Kind, lead: Floats, other: Floats) -> tuple[Followed, ...]:
    """Return the outcomes of every close, one for each of the `HORIZONS`.

    Parameters
    ----------
    kind
        Each of its directions has a claim.
    lead, other
        Log returns, shape ``(n,)`` each.

    Examples
    --------
    The ratio rises in every session but the last five. A claim that it falls within five sessions of the next
    close is a hit only where these five begin there:

    >>> lead = np.append(np.full(10, 0.01), np.full(5, -0.01))
    >>> week, month = what_followed(Kind.RATIO_STRETCH, lead, np.zeros(15))
    >>> week.hits[Direction.RISK_OFF].tolist(), month.size
    ([False, False, False, False, False, False, True, True, True], 0)
    """
    aligned = _aligned(lead, other)
    found = []
    for horizon in HORIZONS:
        # A return ends at the close after it, and the outcome starts at the next one.
        starts = np.arange(2, 2 + _known(lead.size, horizon))
        moves = moves_after(aligned, starts, horizon)
        of_direction = {each: hits(CLAIMS[kind, each], moves) for each in DIRECTIONS[kind]}
        found.append(Followed(horizon=horizon, hits=of_direction, moves=moves))
    return tuple(found)


def _known(returns: int, horizon: int) -> int:
    return max(0, returns - 1 - horizon)


def _aligned(lead: Floats, other: Floats) -> AlignedSessions:
    """Return the legs as sessions; scores need their returns only, so each leg starts at a price of 1."""
    prices = [np.exp(np.concatenate(([0.0], np.cumsum(each)))) for each in (lead, other)]
    return AlignedSessions(
        days=np.arange(lead.size + 1, dtype=np.int32),
        lead=prices[0],
        other=prices[1],
        log_ratio=np.log(prices[0]) - np.log(prices[1]),
        lead_returns=lead,
        other_returns=other,
    )
