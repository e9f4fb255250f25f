"""What followed past openings, by kind, direction and horizon: the hit rate and the median returns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.signals.core.kinds.claim import Claim, Moves, hits
from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.outcomes.episodes import episodes_of, starts_of
from services.signals.core.outcomes.intervals import Sample, hit_rates, medians
from services.signals.core.outcomes.scoring import HORIZONS, Opening, moves_after
from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeStart, OutcomeSummary

_UNKNOWN = Estimate(value=None)
_NOTHING = (_UNKNOWN, _UNKNOWN), (_UNKNOWN, _UNKNOWN, _UNKNOWN)


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
        For each kind and direction that ever opened, in the order of `CLAIMS`, one for each horizon. The
        adjusted intervals are adjusted for the hit rates in this tuple.
    """
    by_kind: dict[tuple[Kind, Direction], list[Opening]] = defaultdict(list)
    for opening in sorted(openings, key=lambda opening: opening.session):
        by_kind[opening.kind, opening.direction].append(opening)
    opened = [key for key in CLAIMS if key in by_kind]
    starts = {key: starts_of(by_kind[key], aligned) for key in opened}
    rows = [(key, index) for key in opened for index in range(len(HORIZONS))]
    samples = [_sample(CLAIMS[key], by_kind[key], starts[key], index) for key, index in rows]
    counted = [sample for sample in samples if sample is not None]
    found = zip(hit_rates(counted, comparisons=(1, len(counted))), medians(counted), strict=True)
    usual = [_every_move(aligned, horizon) for horizon in HORIZONS] if opened else []
    return tuple(
        OutcomeSummary(
            kind=kind,
            direction=direction,
            horizon_sessions=HORIZONS[index],
            count=len(sample.hits) if sample else 0,
            hits=int(sample.hits.sum()) if sample else 0,
            hit_rate=rate,
            lead=lead,
            other=other,
            ratio=ratio,
            usual_rate=_usual_rate(CLAIMS[kind, direction], usual[index]),
            start=OutcomeStart.NEXT_CLOSE,
            episodes=int(sample.episodes[-1]) + 1 if sample else 0,
            hit_rate_adjusted=adjusted,
            comparisons=len(counted),
        )
        for ((kind, direction), index), sample in zip(rows, samples, strict=True)
        for (rate, adjusted), (lead, other, ratio) in [next(found) if sample else _NOTHING]
    )


def _sample(claim: Claim, openings: Sequence[Opening], starts: NDArray[np.intp], index: int) -> Sample | None:
    is_old = np.array([len(opening.scores) > index for opening in openings], dtype=np.bool_)
    if not is_old.any():
        return None
    scores = np.array([opening.scores[index] for opening in openings if len(opening.scores) > index])
    moves = Moves(lead=scores[:, 0], other=scores[:, 1])
    return Sample(
        hits=hits(claim, moves),
        moves=np.array((moves.lead, moves.other, moves.ratio)),
        episodes=episodes_of(starts[is_old], HORIZONS[index]),
    )


def _every_move(aligned: AlignedSessions, horizon: int) -> Moves:
    # As if something had opened in each session, so from the close of the second one on.
    return moves_after(aligned, np.arange(1, max(1, len(aligned) - horizon)), horizon)


def _usual_rate(claim: Claim, moves: Moves) -> float | None:
    return float(hits(claim, moves).mean()) if moves.lead.size else None
