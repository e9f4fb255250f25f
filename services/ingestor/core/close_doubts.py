"""Whether a new close can be believed at once: against the closes around it, its ticks and another source.

================ ==================================== ==================================================
doubt            a close                              believed
================ ==================================== ==================================================
`UNEXPLAINED`    moved further than the limit, and    when the other source has it, or the session's
                 nothing declared explains it         ticks traded there, or the next close is near it;
                                                      after `UNCHANGED_NS` without a change, unless it
                                                      moved as by a split; after `LONGEST_NS` in any case
`OTHER_SOURCE`   is another one at the other source   when both agree; after `UNCHANGED_NS` in any case
================ ==================================== ==================================================

The limit is 15 %, or ten times the usual daily move where that is more. In twenty years of IWM and sixteen
of gold the largest daily moves are 14.2 % (16 March 2020) and 10.4 %. Moves are logarithms of adjusted
closes, so a split or a dividend that is applied is no move.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final

from shared.domain.bars import Bar, BarStatus

_LEAST_LIMIT: Final = 0.15
_USUAL_MOVES: Final = 10.0
_USUAL_SESSIONS: Final = 60
# The standard deviation of a normal distribution over its median absolute deviation.
_SIGMA: Final = 1.4826
# Recent closes of two sources hardly differ at all; a cent of 200 USD is half a basis point.
_SAME_CLOSE: Final = 1e-4
# The last trade may lie outside the range of quotes that one feed saw.
_RANGE_MARGIN: Final = 0.002
# The ratios of splits, forward or in reverse; a market's own move on such a day is smaller than 5 %.
_SPLITS: Final = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0, 100.0)
_SPLIT_DAY: Final = 0.05

_HOUR_NS: Final = 3_600_000_000_000
# From the evening to the next morning's pull: providers mend a wrong close overnight.
UNCHANGED_NS: Final = 12 * _HOUR_NS
# A week: what no provider mends in that time stays, and the engine decides about closes as well.
LONGEST_NS: Final = 7 * 24 * _HOUR_NS


class Doubt(StrEnum):
    """Why a close is held."""

    UNEXPLAINED = "unexplained"
    OTHER_SOURCE = "other_source"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldClose:
    """A close that is not used yet.

    Parameters
    ----------
    since_ns
        When this very close came first.
    detail
        One sentence with the numbers.
    """

    session: str
    close: float
    doubt: Doubt
    since_ns: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvidence:
    """What else is known of some sessions.

    Parameters
    ----------
    closes
        The other source's, comparable with ours, by session; sessions it does not have are left out.
    ranges
        Lowest and highest price of the session's ticks.
    """

    closes: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]


def move_limit(settled: Sequence[Bar]) -> float:
    """Return how far a close may lie from the one before it, as a logarithm.

    Parameters
    ----------
    settled
        Bars that are believed, ascending.
    """
    last = settled[-_USUAL_SESSIONS - 1 :]
    moves = [abs(math.log(bar.adj_close / before.adj_close)) for before, bar in pairwise(last)]
    return max(_LEAST_LIMIT, _USUAL_MOVES * _SIGMA * median(moves)) if moves else _LEAST_LIMIT


def held_closes(
    bars: Sequence[Bar],
    *,
    known: Mapping[str, Bar],
    held: Mapping[str, HeldClose],
    evidence: OtherEvidence,
    limit: float,
    now_ns: int,
) -> dict[str, HeldClose]:
    """Return which of the pulled bars must wait, by session.

    Parameters
    ----------
    bars
        One pull, ascending, on one scale. Only final ones that are not known with the same close can be held.
    known
        Bars that are believed.
    held
        What was held before.
    """
    waiting: dict[str, HeldClose] = {}
    before: Bar | None = None
    for index, bar in enumerate(bars):
        earlier = known.get(bar.session)
        is_known = earlier is not None and _is_near(earlier.close, bar.close, _SAME_CLOSE)
        if bar.status is BarStatus.FINAL and not is_known:
            after = bars[index + 1] if index + 1 < len(bars) else None
            since_ns = _since(bar, held.get(bar.session), now_ns)
            age_ns = now_ns - since_ns
            doubt = _doubt(bar, before, after, evidence=evidence, limit=limit, age_ns=age_ns)
            if doubt is not None:
                waiting[bar.session] = HeldClose(
                    session=bar.session, close=bar.close, doubt=doubt[0], since_ns=since_ns, detail=doubt[1]
                )
                continue
        before = bar
    return waiting


def disagreements(bars: Sequence[Bar], others: Mapping[str, float]) -> dict[str, float]:
    """Return by session how far the other source's close lies from ours, where the two disagree."""
    return {
        bar.session: others[bar.session] / bar.close - 1.0
        for bar in bars
        if bar.session in others and not _is_near(bar.close, others[bar.session], _SAME_CLOSE)
    }


def _since(bar: Bar, held: HeldClose | None, now_ns: int) -> int:
    """Return since when this close is what the provider says."""
    return held.since_ns if held is not None and _is_near(held.close, bar.close, _SAME_CLOSE) else now_ns


def _doubt(
    bar: Bar,
    before: Bar | None,
    after: Bar | None,
    *,
    evidence: OtherEvidence,
    limit: float,
    age_ns: int,
) -> tuple[Doubt, str] | None:
    other = evidence.closes.get(bar.session)
    if other is not None:
        if _is_near(bar.close, other, _SAME_CLOSE) or age_ns >= UNCHANGED_NS:
            return None
        return Doubt.OTHER_SOURCE, f"close {bar.close:.6g} on {bar.session}; the other source has {other:.6g}"
    move = math.log(bar.adj_close / before.adj_close) if before is not None else 0.0
    if before is None or abs(move) <= limit or age_ns >= LONGEST_NS:
        return None
    low, high = evidence.ranges.get(bar.session, (math.inf, -math.inf))
    if low * (1.0 - _RANGE_MARGIN) <= bar.close <= high * (1.0 + _RANGE_MARGIN):
        return None
    if after is not None and abs(math.log(after.adj_close / bar.adj_close)) <= limit:
        return None
    if age_ns >= UNCHANGED_NS and not _is_like_split(move):
        return None
    return Doubt.UNEXPLAINED, (
        f"close {bar.close:.6g} on {bar.session} after {before.close:.6g} on {before.session}: "
        f"{math.expm1(move):+.1%}, and no split, tick or other source explains it"
    )


def _is_like_split(move: float) -> bool:
    ratio = math.exp(abs(move))
    return any(abs(ratio / split - 1.0) <= _SPLIT_DAY for split in _SPLITS)


def _is_near(price: float, other: float, share: float) -> bool:
    return abs(other / price - 1.0) <= share
