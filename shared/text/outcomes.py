"""What followed past openings, in words: what a hit is, and what its rate allows to say."""

from typing import Final

from shared.domain.divergences import Direction, Kind
from shared.domain.snapshots import OutcomeStart, OutcomeSummary
from shared.text.numbers import format_count

# The ratio is the lead's price over the other's.
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


def describe_hit(kind: Kind, direction: Direction, *, lead: str, other: str) -> str:
    """Return what counts as a hit after an opening.

    Examples
    --------
    >>> describe_hit(Kind.HEDGE_LOST, Direction.RISK_OFF, lead="Gold", other="IWM")
    'both moved the same way'
    """
    # A record of a later version may count a kind that has no words here; it is shown all the same.
    return _HITS.get((kind, direction), "it moved as this kind expects").format(lead=lead, other=other)


def against_usual(one: OutcomeSummary) -> str:
    """Return whether a hit rate is shown to differ from the usual rate; empty where it is not.

    Returns
    -------
    str
        ``more often than usual``, ``less often than usual``, or empty.
    """
    # A plain interval is no verdict: among many rows some exclude the usual rate by chance.
    rate, usual = one.hit_rate_adjusted, one.usual_rate
    if rate is None or rate.low is None or rate.high is None or usual is None:
        return ""
    if rate.low > usual:
        return "more often than usual"
    return "less often than usual" if rate.high < usual else ""


def outcomes_note(outcomes: tuple[OutcomeSummary, ...]) -> str:
    """Return how to read the outcomes: what they are measured from, and what their intervals allow to say."""
    sentences = [
        _STARTS[outcomes[0].start],
        "“Any session” is how often the same followed all sessions on record, with or without an opening.",
    ]
    comparisons = outcomes[0].comparisons
    if comparisons is None:
        return " ".join([*sentences, _NOT_ADJUSTED])
    unusual = sum(bool(against_usual(one)) for one in outcomes)
    sentences.append("Openings whose sessions overlap are one episode, and the intervals allow for it.")
    if comparisons > 1:
        sentences.append(
            f"Among {comparisons} intervals of 95% some would miss the true rate by chance. So each is "
            f"wider, and all {comparisons} contain theirs together with 95%."
        )
    if unusual:
        excludes = "excludes" if unusual == 1 else "exclude"
        sentences.append(f"{format_count(unusual, 'interval')} {excludes} the rate of any session.")
    elif comparisons:
        sentences.append("No interval excludes the rate of any session: nothing here is shown to be unusual.")
    sentences.append("The interval of a move is 95% for itself and needs six episodes.")
    return " ".join(sentences)
