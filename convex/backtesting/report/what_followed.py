"""What followed the openings, by kind, direction and horizon."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from shared.domain.divergences import Estimate
from shared.domain.pairs import Pair
from shared.domain.snapshots import OutcomeSummary
from shared.text.divergences import describe_kind
from shared.text.numbers import DASH, format_log_return, format_percent
from shared.text.outcomes import against_usual, describe_hit, outcomes_note


def what_followed(outcomes: Sequence[OutcomeSummary], pair: Pair) -> str:
    """Return the outcomes as HTML."""
    if not outcomes:
        return "<section><h2>What followed</h2><p>Nothing opened that something should follow.</p></section>"
    groups = "".join(
        f'<tr><th colspan="9">{describe_kind(kind, direction)}'
        f"<small>A hit: {escape(_hit(one, pair))}.</small></th></tr>"
        + "".join(_row(each) for each in (one, *rest))
        for (kind, direction), (one, *rest) in groupby(outcomes, lambda one: (one.kind, one.direction))
    )
    names = (pair.lead_title, pair.other_title, "Ratio")
    columns = "".join(f'<th class="n">{escape(name)}</th>' for name in names)
    return (
        f'<section><h2>What followed</h2><p class="reading">{escape(outcomes_note(tuple(outcomes)))}</p>'
        '<div class="wide"><table class="outcomes"><thead><tr><th class="n">Sessions</th>'
        '<th class="n">Hits</th><th class="n">Episodes</th><th class="n">Hit rate</th>'
        '<th class="n">Its interval</th><th class="n">Any session</th>'
        f"{columns}</tr></thead><tbody>{groups}</tbody></table></div></section>"
    )


def _hit(one: OutcomeSummary, pair: Pair) -> str:
    return describe_hit(one.kind, one.direction, lead=pair.lead_title, other=pair.other_title)


def _row(one: OutcomeSummary) -> str:
    rate = one.hit_rate_adjusted or one.hit_rate
    verdict = against_usual(one)
    cells = (
        f"{one.horizon_sessions}",
        f"{one.hits} of {one.count}",
        f"{one.episodes}",
        format_percent(rate.value, 0),
        _ends(rate.low, rate.high) + (f"<small>{verdict}</small>" if verdict else ""),
        format_percent(one.usual_rate, 0),
        *(_move(each) for each in (one.lead, one.other, one.ratio)),
    )
    return "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _ends(low: float | None, high: float | None) -> str:
    return DASH if low is None or high is None else f"{format_percent(low, 0)} to {format_percent(high, 0)}"


def _move(log_return: Estimate) -> str:
    text = format_log_return(log_return.value)
    if log_return.low is None or log_return.high is None:
        return text
    return f"{text}<small>{format_log_return(log_return.low)} to {format_log_return(log_return.high)}</small>"
