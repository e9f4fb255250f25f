"""What followed past openings: how often the pair moved as the kind expects, and how far the legs moved."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from shared.domain.divergences import Estimate
from shared.domain.pairs import Pair
from shared.domain.snapshots import OutcomeSummary, PairSnapshot
from shared.text.divergences import describe_divergence, describe_kind
from shared.text.numbers import format_count, format_log_return, format_part, format_percent
from shared.text.outcomes import against_usual, describe_hit

_NO_INTERVAL: Final = "An interval needs six episodes."


@dataclass(frozen=True, slots=True, kw_only=True)
class RateScale:
    """A share with its interval on a scale from 0 to 100, and the usual share."""

    low: float
    value: float
    high: float
    usual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A typical move.

    Parameters
    ----------
    text, interval
        As percentages; the interval is empty where there is none.
    why
        Why there is no interval; None where there is one, or no move.
    sign
        1, -1, or 0 where the move rounds to zero or is unknown.
    """

    text: str
    interval: str
    why: str | None
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """What followed after one number of sessions.

    Parameters
    ----------
    hits
        Such as ``3 of 4``.
    episodes
        How many of the openings are independent; empty where all are, or it is not known.
    interval, scale
        Of the hit rate, adjusted for the number of rows where the record has it.
    verdict
        ``more often than usual`` or ``less often than usual`` where the interval excludes the usual rate.
    why
        Why there is nothing to show; None where there is.
    moves
        Of the lead, of the other leg and of the ratio.
    """

    horizon: str
    hits: str
    episodes: str
    rate: str
    interval: str
    usual: str
    verdict: str
    scale: RateScale | None
    moves: tuple[Move, ...]
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeGroup:
    """The openings of one kind and direction.

    Parameters
    ----------
    kind
        The kind's title with its side, where it has one.
    hit
        What counted as a hit.
    """

    what: str
    kind: str
    hit: str
    rows: tuple[OutcomeRow, ...]


def outcome_groups(pair: Pair, outcomes: tuple[OutcomeSummary, ...]) -> tuple[OutcomeGroup, ...]:
    """Return the outcomes by kind and direction, in the order in which they come."""
    names = {"lead": pair.lead_title, "other": pair.other_title}
    return tuple(
        OutcomeGroup(
            what=describe_divergence(kind, direction, **names),
            kind=describe_kind(kind, direction),
            hit=describe_hit(kind, direction, **names),
            rows=tuple(_row(one) for one in group),
        )
        for (kind, direction), group in groupby(outcomes, lambda one: (one.kind, one.direction))
    )


def why_no_outcomes(snapshot: PairSnapshot) -> str | None:
    """Return why there are no outcomes; None where there are some."""
    if snapshot.outcomes:
        return None
    if not snapshot.sessions_known:
        return "No session with both closes yet, so nothing has opened and nothing followed."
    return (
        f"No divergence has opened in the {snapshot.sessions_known} sessions that are kept, "
        "so nothing has followed one."
    )


def _row(one: OutcomeSummary) -> OutcomeRow:
    sessions = format_count(one.horizon_sessions, "session")
    rate = one.hit_rate_adjusted or one.hit_rate
    is_overlapping = one.episodes is not None and one.episodes < one.count
    return OutcomeRow(
        horizon=sessions,
        hits=format_part(one.hits, one.count),
        episodes=format_count(one.episodes or 0, "episode") if is_overlapping else "",
        rate=format_percent(rate.value, 0),
        interval=_ends(rate, lambda share: format_percent(share, 0)),
        usual=format_percent(one.usual_rate, 0),
        verdict=against_usual(one),
        scale=_scale(rate, one.usual_rate),
        moves=tuple(_move(each) for each in (one.lead, one.other, one.ratio)),
        why=None if one.count else f"No opening is {sessions} old yet.",
    )


def _scale(rate: Estimate, usual: float | None) -> RateScale | None:
    if rate.value is None or rate.low is None or rate.high is None:
        return None
    low, value, high = (round(100 * share, 1) for share in (rate.low, rate.value, rate.high))
    return RateScale(low=low, value=value, high=high, usual=None if usual is None else round(100 * usual, 1))


def _move(log_return: Estimate) -> Move:
    # A median and the ends of its interval are order statistics, so each may be converted on its own.
    value = log_return.value
    text = format_log_return(value)
    has_interval = log_return.low is not None
    return Move(
        text=text,
        interval=_ends(log_return, format_log_return),
        why=None if has_interval or value is None else _NO_INTERVAL,
        sign=0 if value is None or not text.strip("0.%") else int(math.copysign(1, value)),
    )


def _ends(of: Estimate, show: Callable[[float], str]) -> str:
    return "" if of.low is None or of.high is None else f"{show(of.low)} to {show(of.high)}"
