"""How complete and how fresh the closes of a backtest are."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from convex.backtesting.outcomes import EveryBar
from services.signals.core.legs.history import LegHistory
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar

_HELD_BACK: Final = ("bar_close_jump", "bar_unapplied_split")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Sessions in a row that a leg lacks."""

    sessions: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegQuality:
    """The closes of one leg.

    Parameters
    ----------
    closes
        How many there are, given or sampled from ticks.
    first, last
        Sessions.
    missing
        Sessions of the exchange between them without a close.
    largest_gap
        The longest run of those; None where none is missing.
    is_adjusted
        Whether an adjusted close differs from its close.
    unchanged
        Closes that equal the one before them.
    longest_unchanged
        The most sessions in a row with one close.
    """

    title: str
    closes: int
    first: str
    last: str
    missing: int
    largest_gap: Gap | None
    is_adjusted: bool
    unchanged: int
    longest_unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """Both legs, and the closes that were held back.

    Parameters
    ----------
    legs
        Those that have a close.
    held_back
        Closes that could not be right when they came, and were in no window until later closes agreed.
    """

    legs: tuple[LegQuality, ...]
    held_back: int


def data_quality(
    bars: EveryBar, suppressed: Mapping[str, int], *, pair: Pair, calendar: SessionCalendar
) -> DataQuality:
    """Return the quality of the closes."""
    legs = ((pair.lead_title, bars.lead), (pair.other_title, bars.other))
    return DataQuality(
        legs=tuple(leg_quality(title, leg, calendar=calendar) for title, leg in legs if len(leg)),
        held_back=sum(suppressed.get(reason, 0) for reason in _HELD_BACK),
    )


def leg_quality(title: str, leg: LegHistory, *, calendar: SessionCalendar) -> LegQuality:
    """Return the quality of one leg's closes, of which there is at least one."""
    sessions = leg.sessions
    known = set(sessions)
    begin, end = bisect_left(calendar.labels, sessions[0]), bisect_right(calendar.labels, sessions[-1])
    expected = calendar.labels[begin:end]
    gap, longest, run = None, 0, 0
    for at, label in enumerate(expected):
        run = 0 if label in known else run + 1
        if run > longest:
            longest, gap = run, Gap(sessions=run, first=expected[at - run + 1], last=label)
    closes = leg.closes.tolist()
    unchanged, most, same = 0, 1, 1
    for before, close in pairwise(closes):
        same = same + 1 if close == before else 1
        unchanged, most = unchanged + (same > 1), max(most, same)
    return LegQuality(
        title=title,
        closes=len(closes),
        first=sessions[0],
        last=sessions[-1],
        missing=sum(label not in known for label in expected),
        largest_gap=gap,
        is_adjusted=bool(np.any(leg.adj_closes != leg.closes)),
        unchanged=unchanged,
        longest_unchanged=most,
    )
