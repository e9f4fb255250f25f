"""What followed past openings: how often the pair moved as the kind expects, and how far the legs moved."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.pairs import Pair
from shared.domain.snapshots import OutcomeStart, OutcomeSummary, PairSnapshot
from shared.text.divergences import describe_divergence, describe_kind
from shared.text.numbers import format_count, format_log_return, format_percent

# What the signals service counts as a hit, in words. The ratio is the lead's price over the other's.
_FELL: Final = "{other} outperformed {lead}"
_ROSE: Final = "{lead} outperformed {other}"
_TOGETHER: Final = "both moved the same way"
_APART: Final = "they moved in opposite directions"
_HITS: Final = {
    (Kind.RATIO_STRETCH, Direction.RISK_OFF): f"the ratio came back: {_FELL}",
    (Kind.RATIO_STRETCH, Direction.RISK_ON): f"the ratio came back: {_ROSE}",
    (Kind.OPPOSITE_MOVES, Direction.RISK_OFF): f"the gap closed: {_FELL}",
    (Kind.OPPOSITE_MOVES, Direction.RISK_ON): f"the gap closed: {_ROSE}",
    (Kind.CORRELATION_BREAK, Direction.TIGHTENING): _TOGETHER,
    (Kind.CORRELATION_BREAK, Direction.LOOSENING): _APART,
    (Kind.HEDGE_LOST, Direction.RISK_OFF): _TOGETHER,
    (Kind.EVIDENCE_BREAK, Direction.TIGHTENING): _TOGETHER,
    (Kind.EVIDENCE_BREAK, Direction.LOOSENING): _APART,
    (Kind.REGIME_CHANGE, Direction.RISK_OFF): f"the move went on: {_ROSE}",
    (Kind.REGIME_CHANGE, Direction.RISK_ON): f"the move went on: {_FELL}",
}
_STARTS: Final = {
    OutcomeStart.NEXT_CLOSE: (
        "Returns start at the first close of both legs after the opening was reported; after an opening by a "
        "close that is the close of the next session."
    ),
    OutcomeStart.LAST_CLOSE: "Returns start at the last close before the opening was reported.",
}
_NOT_ADJUSTED: Final = (
    "The intervals are not adjusted for openings that overlap or for the number of rows, so the true ones "
    "are wider."
)
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
            # A record of a later version may count a kind that has no words here; it is shown all the same.
            hit=_HITS.get((kind, direction), "it moved as this kind expects").format(**names),
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


def outcomes_note(outcomes: tuple[OutcomeSummary, ...]) -> str:
    """Return how to read the outcomes: what they are measured from, and what their intervals allow to say."""
    sentences = [
        _STARTS[outcomes[0].start],
        "“Any session” is how often the same followed all sessions on record, with or without an opening.",
    ]
    comparisons = outcomes[0].comparisons
    if comparisons is None:
        return " ".join([*sentences, _NOT_ADJUSTED])
    unusual = sum(bool(_verdict(one)) for one in outcomes)
    sentences.append("Openings whose sessions overlap are one episode, and the intervals allow for it.")
    if comparisons > 1:
        sentences.append(
            f"Among {comparisons} intervals of 95% some would miss by chance, so each is wider: all "
            f"{comparisons} hit rates together lie in theirs with 95%."
        )
    if unusual:
        excludes = "excludes" if unusual == 1 else "exclude"
        sentences.append(f"{format_count(unusual, 'interval')} {excludes} the rate of any session.")
    elif comparisons:
        sentences.append("No interval excludes the rate of any session: nothing here is shown to be unusual.")
    sentences.append("The interval of a move is 95% for itself and needs six episodes.")
    return " ".join(sentences)


def _row(one: OutcomeSummary) -> OutcomeRow:
    sessions = format_count(one.horizon_sessions, "session")
    rate = one.hit_rate_adjusted or one.hit_rate
    is_overlapping = one.episodes is not None and one.episodes < one.count
    return OutcomeRow(
        horizon=sessions,
        hits=f"{one.hits} of {one.count}",
        episodes=format_count(one.episodes or 0, "episode") if is_overlapping else "",
        rate=format_percent(rate.value, 0),
        interval=_ends(rate, lambda share: format_percent(share, 0)),
        usual=format_percent(one.usual_rate, 0),
        verdict=_verdict(one),
        scale=_scale(rate, one.usual_rate),
        moves=tuple(_move(each) for each in (one.lead, one.other, one.ratio)),
        why=None if one.count else f"No opening is {sessions} old yet.",
    )


def _verdict(one: OutcomeSummary) -> str:
    # A plain interval is no verdict: among many rows some exclude the usual rate by chance.
    rate, usual = one.hit_rate_adjusted, one.usual_rate
    if rate is None or rate.low is None or rate.high is None or usual is None:
        return ""
    if rate.low > usual:
        return "more often than usual"
    return "less often than usual" if rate.high < usual else ""


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
