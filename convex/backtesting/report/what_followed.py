"""What followed the openings, by kind, direction and horizon."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from shared.domain.divergences import Estimate
from shared.domain.pairs import Pair
from shared.domain.snapshots import OutcomeSummary
from shared.text.divergences import describe_kind
from shared.text.numbers import (
    DASH,
    format_log_return,
    format_part,
    format_percent,
    format_signed,
    format_whole,
)
from shared.text.outcomes import against_usual, describe_hit, outcomes_note


def what_followed(outcomes: Sequence[OutcomeSummary], pair: Pair) -> str:
    """Return the outcomes as HTML."""
    head = '<section id="outcomes"><h2>What followed</h2>'
    if not outcomes:
        return f"{head}<p>Nothing opened that something should follow.</p></section>"
    groups = "".join(
        f'<tr class="group"><th colspan="9">{describe_kind(kind, direction)}'
        f"<small>A hit: {escape(_hit(one, pair))}.</small></th></tr>"
        + "".join(_row(each) for each in (one, *rest))
        for (kind, direction), (one, *rest) in groupby(outcomes, lambda one: (one.kind, one.direction))
    )
    names = (pair.lead_title, pair.other_title, "Ratio")
    columns = "".join(f'<th class="n">{escape(name)},<br>median</th>' for name in names)
    note = f"{outcomes_note(tuple(outcomes))} “Difference” takes the rate of any session as known."
    return (
        f'{head}<p class="reading">{escape(note)}</p><div class="scrolls"><table class="outcomes"><thead><tr>'
        '<th class="n">Sessions<br>after</th><th class="n">Hits of<br>openings</th>'
        '<th class="n">Episodes</th><th class="n">Hit rate</th>'
        '<th class="n">Any<br>session</th><th class="n">Difference,<br>points</th>'
        f"{columns}</tr></thead><tbody>{groups}</tbody></table></div></section>"
    )


def _hit(one: OutcomeSummary, pair: Pair) -> str:
    return describe_hit(one.kind, one.direction, lead=pair.lead_title, other=pair.other_title)


def _row(one: OutcomeSummary) -> str:
    rate = one.hit_rate_adjusted or one.hit_rate
    verdict = against_usual(one)
    cells = (
        f"{one.horizon_sessions}",
        format_part(one.hits, one.count),
        DASH if one.episodes is None else format_whole(one.episodes),
        format_percent(rate.value, 0) + _ends(rate) + (f"<small>{verdict}</small>" if verdict else ""),
        format_percent(one.usual_rate, 0),
        _difference(rate, one.usual_rate),
        *(_move(each) for each in (one.lead, one.other, one.ratio)),
    )
    return "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _ends(rate: Estimate) -> str:
    if rate.low is None or rate.high is None:
        return ""
    return f"<small>{format_percent(rate.low, 0)} to {format_percent(rate.high, 0)}</small>"


def _difference(rate: Estimate, usual: float | None) -> str:
    if rate.value is None or usual is None:
        return DASH
    text = format_signed(100 * (rate.value - usual), 0)
    if rate.low is None or rate.high is None:
        return text
    low, high = (format_signed(100 * (end - usual), 0) for end in (rate.low, rate.high))
    return f"{text}<small>{low} to {high}</small>"


def _move(log_return: Estimate) -> str:
    text = format_log_return(log_return.value)
    if log_return.low is None or log_return.high is None:
        return text
    return f"{text}<small>{format_log_return(log_return.low)} to {format_log_return(log_return.high)}</small>"
