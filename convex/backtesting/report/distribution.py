"""How both legs and the ratio moved after the openings of each kind, against all sessions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from convex.backtesting.outcomes import EveryBar, openings_among
from services.signals.core.kinds.claim import Moves
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.outcomes.scoring import HORIZONS, moves_after, rescored
from shared.domain.divergences import Direction, DivergenceEvent, Kind
from shared.domain.sessions import SessionCalendar

Floats = NDArray[np.float64]

SHOWN_HORIZONS: Final = (5, 20)
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Log returns of one leg, or changes of the log ratio, over one horizon.

    Parameters
    ----------
    usual
        Its `QUANTILES` over all sessions.
    after
        By kind and direction, one for each opening, in the order of the openings.
    """

    usual: tuple[float, ...]
    after: dict[tuple[Kind, Direction], tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterOpenings:
    """What followed over one horizon.

    Parameters
    ----------
    sessions
        How many sessions the usual moves were measured from.
    """

    horizon: int
    sessions: int
    lead: Quantity
    other: Quantity
    ratio: Quantity


def after_openings(
    events: Sequence[DivergenceEvent], bars: EveryBar, *, calendar: SessionCalendar
) -> tuple[AfterOpenings, ...]:
    """Return the moves after openings, for each horizon that some opening has reached.

    The moves start as those of the outcomes do: at the first close of both legs after the opening was
    reported.
    """
    aligned = bars.aligned()
    by_kind: dict[tuple[Kind, Direction], list[tuple[tuple[float, float], ...]]] = defaultdict(list)
    for opening in rescored(openings_among(events, calendar=calendar), aligned):
        by_kind[opening.kind, opening.direction].append(opening.scores)
    found = []
    for horizon in SHOWN_HORIZONS:
        index = HORIZONS.index(horizon)
        usual = moves_after(aligned, np.arange(1, max(1, len(aligned) - horizon)), horizon)
        reached = {
            key: np.array([scores[index] for scores in by_kind[key] if len(scores) > index])
            for key in CLAIMS
            if any(len(scores) > index for scores in by_kind.get(key, []))
        }
        if reached:
            after = {key: Moves(lead=each[:, 0], other=each[:, 1]) for key, each in reached.items()}
            found.append(
                AfterOpenings(
                    horizon=horizon,
                    sessions=usual.lead.size,
                    lead=_quantity(usual.lead, {key: each.lead for key, each in after.items()}),
                    other=_quantity(usual.other, {key: each.other for key, each in after.items()}),
                    ratio=_quantity(usual.ratio, {key: each.ratio for key, each in after.items()}),
                )
            )
    return tuple(found)


def _quantity(usual: Floats, after: dict[tuple[Kind, Direction], Floats]) -> Quantity:
    return Quantity(
        usual=tuple(np.quantile(usual, QUANTILES).tolist()),
        after={key: tuple(moves.tolist()) for key, moves in after.items()},
    )
