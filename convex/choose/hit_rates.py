"""The hit rate of some openings over one horizon, beside the rate that chance has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex.choose.what_followed import Followed
from services.signals.core.outcomes.episodes import episodes_of
from services.signals.core.outcomes.intervals import Sample, hit_rates
from shared.domain.divergences import Estimate

Closes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRate:
    """What followed some openings, both directions of a kind together.

    Parameters
    ----------
    count, hits
        Openings with a known outcome, and the hits among them.
    episodes
        The independent ones: a run of openings whose horizons overlap counts once.
    rate
        With its own 95 % interval, which knows nothing of a search; no value without an opening.
    base
        The rate that as many openings of each direction would have at any close; None without an opening.
    """

    count: int
    hits: int
    episodes: int
    rate: Estimate
    base: float | None

    @property
    def excess(self) -> float | None:
        """Return the hit rate less the base."""
        return None if self.rate.value is None or self.base is None else self.rate.value - self.base


def hit_rate_of(opened: Sequence[Closes], followed: Followed, *, first: int) -> HitRate:
    """Return the hit rate of the openings whose outcome is known.

    Parameters
    ----------
    opened
        Of each direction, the closes that opened.
    followed
        The outcomes of all closes; the base is their rate from ``first`` on.
    first
        The first close at which the kind's statistic has a value.
    """
    known = [each[each < followed.size] for each in opened]
    starts = np.concatenate(known)
    if not starts.size:
        return HitRate(count=0, hits=0, episodes=0, rate=Estimate(value=None), base=None)
    outcomes = list(followed.hits.values())
    is_hit = np.concatenate([hit[at] for hit, at in zip(outcomes, known, strict=True)])
    base = sum(at.size * float(hit[first:].mean()) for hit, at in zip(outcomes, known, strict=True))
    order = np.argsort(starts, kind="stable")
    episodes = episodes_of(starts[order], followed.horizon)
    moves = followed.moves
    sample = Sample(
        hits=is_hit[order],
        moves=np.array([each[starts[order]] for each in (moves.lead, moves.other, moves.ratio)]),
        episodes=episodes,
    )
    ((rate,),) = hit_rates([sample])
    return HitRate(
        count=int(starts.size),
        hits=int(np.count_nonzero(is_hit)),
        episodes=int(episodes[-1]) + 1,
        rate=rate,
        base=base / starts.size,
    )
