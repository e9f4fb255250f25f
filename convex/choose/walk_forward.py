"""Choose a level each year from what was known then, and score what followed: no search has seen it.

A fold is a year. At its beginning the levels and horizons are compared by the outcomes that were known then,
and the one with the largest ratio (`performance`) is taken. Its openings during the year are scored over that
horizon.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from convex.choose.hit_rates import Closes, HitRate, hit_rate_of
from convex.choose.performance import Evaluated, perform
from convex.choose.what_followed import Followed
from services.signals.core.false_alarms import YEAR
from services.signals.core.outcomes.episodes import episodes_of
from services.signals.core.outcomes.intervals import Sample, hit_rates
from shared.domain.divergences import Estimate

PAST: Final = 2 * YEAR
"""Closes with a statistic before the first choice."""
FOLD: Final = YEAR
"""Closes from one choice to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One year.

    Parameters
    ----------
    begin, end
        The closes of the year: ``begin <= close < end``. The choice was made before the first of them.
    choice
        The number of the rule and of the horizon; None where no level had enough openings.
    after
        What followed its openings in the year.
    """

    begin: int
    end: int
    choice: tuple[int, int] | None
    after: HitRate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """All years.

    Parameters
    ----------
    folds
        In the order of time.
    total
        Of the openings of all years, each over the horizon chosen for its year.
    """

    folds: tuple[Fold, ...]
    total: HitRate


def walk_forward(evaluated: Evaluated) -> WalkForward:
    """Choose and score, year by year."""
    folds = tuple(_fold(evaluated, begin, end) for begin, end in fold_bounds(evaluated))
    return WalkForward(folds=folds, total=_total(evaluated, folds))


def fold_bounds(evaluated: Evaluated) -> Iterator[tuple[int, int]]:
    """Yield the first close of each year and the one after its last.

    The last year may be shorter or longer: a rest in which no outcome over the longest horizon can be known
    is no year of its own.
    """
    begin, size = evaluated.first + PAST, evaluated.size
    longest = max(each.horizon for each in evaluated.followed)
    while begin < size:
        is_last = size - begin - FOLD <= longest + 1
        end = size if is_last else begin + FOLD
        yield begin, end
        begin = end


def _fold(evaluated: Evaluated, begin: int, end: int) -> Fold:
    performance = perform(evaluated.until(begin))
    best = performance.best
    if best is None:
        return Fold(begin=begin, end=end, choice=None, after=None)
    rule, horizon = performance.columns[best]
    opened = _inside(evaluated.opened[rule], begin, end)
    after = hit_rate_of(opened, evaluated.followed[horizon], first=evaluated.first)
    return Fold(begin=begin, end=end, choice=(rule, horizon), after=after)


def _inside(opened: Sequence[Closes], begin: int, end: int) -> list[Closes]:
    return [each[(each >= begin) & (each < end)] for each in opened]


def _total(evaluated: Evaluated, folds: Sequence[Fold]) -> HitRate:
    """Return the openings of all years as one sample; episodes are those of the longest horizon chosen."""
    starts: list[int] = []
    is_hit: list[bool] = []
    base = 0.0
    horizons = [0]
    for fold in folds:
        if fold.choice is None or fold.after is None or not fold.after.count:
            continue
        rule, horizon = fold.choice
        followed: Followed = evaluated.followed[horizon]
        horizons.append(followed.horizon)
        base += (fold.after.base or 0.0) * fold.after.count
        pairs = sorted(
            (int(at), bool(hit[at]))
            for each, hit in zip(
                _inside(evaluated.opened[rule], fold.begin, min(fold.end, followed.size)),
                followed.hits.values(),
                strict=True,
            )
            for at in each
        )
        starts += [at for at, _ in pairs]
        is_hit += [hit for _, hit in pairs]
    if not starts:
        return HitRate(count=0, hits=0, episodes=0, rate=Estimate(value=None), base=None)
    episodes = episodes_of(np.array(starts), max(horizons))
    sample = Sample(hits=np.array(is_hit), moves=np.zeros((3, len(starts))), episodes=episodes)
    ((rate,),) = hit_rates([sample])
    return HitRate(
        count=len(starts),
        hits=sum(is_hit),
        episodes=int(episodes[-1]) + 1,
        rate=rate,
        base=base / len(starts),
    )
