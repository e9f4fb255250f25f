"""What followed past openings, by kind, direction and horizon: the hit rate and the median returns."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from services.signals.core.kinds.claim import Claim, Moves, hits
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.intervals import hit_rate, median
from services.signals.core.outcomes.scoring import HORIZONS, Opening, Score, moves_after
from shared.domain.divergences import Direction, Kind
from shared.domain.snapshots import OutcomeSummary


def summarise(openings: Iterable[Opening], aligned: AlignedSessions) -> tuple[OutcomeSummary, ...]:
    """Sum up what followed.

    Parameters
    ----------
    openings
        With their scores.
    aligned
        The sessions of the windows. The usual rate is the hit rate after all of them, openings or not.

    Returns
    -------
    tuple
        For each kind and direction that ever opened, in the order of `CLAIMS`, one for each horizon.
    """
    by_kind: dict[tuple[Kind, Direction], list[Opening]] = defaultdict(list)
    for opening in openings:
        by_kind[opening.kind, opening.direction].append(opening)
    opened = [key for key in CLAIMS if key in by_kind]
    usual = [_every_move(aligned, horizon) for horizon in HORIZONS] if opened else []
    return tuple(
        _summary(
            *key,
            horizon,
            [opening.scores[index] for opening in by_kind[key] if len(opening.scores) > index],
            usual[index],
        )
        for key in opened
        for index, horizon in enumerate(HORIZONS)
    )


def _summary(
    kind: Kind, direction: Direction, horizon: int, scores: list[Score], usual: Moves
) -> OutcomeSummary:
    claim = CLAIMS[kind, direction]
    lead, other = [score[0] for score in scores], [score[1] for score in scores]
    moves = Moves(lead=np.array(lead), other=np.array(other))
    count = len(scores)
    hit = int(np.count_nonzero(hits(claim, moves)))
    return OutcomeSummary(
        kind=kind,
        direction=direction,
        horizon_sessions=horizon,
        count=count,
        hits=hit,
        hit_rate=hit_rate(hit, count),
        lead=median(lead),
        other=median(other),
        ratio=median(moves.ratio.tolist()),
        usual_rate=_usual_rate(claim, usual),
    )


def _every_move(aligned: AlignedSessions, horizon: int) -> Moves:
    return moves_after(aligned, np.arange(max(0, len(aligned) - horizon)), horizon)


def _usual_rate(claim: Claim, moves: Moves) -> float | None:
    return float(hits(claim, moves).mean()) if moves.lead.size else None
