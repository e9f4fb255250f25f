"""The tables of the report: an overview with a row for each kind, then a row for each divergence."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Final

from convex.backtesting.report.chance import rate_cells
from convex.backtesting.report.episodes import HORIZONS, Episode, Session, diverged_in, observed_by
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import CONTEXT_KINDS
from shared.domain.divergences import DivergenceEvent, Kind, Severity, Significance
from shared.domain.instants import NS_PER_SECOND, parse_rfc3339
from shared.domain.kinds import KIND_TRAITS
from shared.domain.pairs import Pair
from shared.text.data_faults import causes_among, describe_cause
from shared.text.divergences import TRANSITION_WORDS, describe_direction, describe_regime, format_statistic
from shared.text.durations import format_duration
from shared.text.instants import format_new_york, format_session
from shared.text.numbers import DASH, format_number, format_signed, format_signed_percent, format_whole

_STATISTIC_NAMES: Final = {
    Kind.RATIO_STRETCH: "z",
    Kind.OPPOSITE_MOVES: "D",
    Kind.CORRELATION_BREAK: "Fisher’s z",
    Kind.HEDGE_LOST: "low end",
    Kind.EVIDENCE_BREAK: "e-value",
    Kind.REGIME_CHANGE: "z",
}
# The comparison with chance comes first. Each name has two lines where it is a heading.
_COLUMNS: Final = (
    ("Opened",),
    ("Opened", "a year"),
    ("By chance", "a year"),
    ("Critical",),
    ("Sessions long,", "at the median"),
    ("Sessions", "diverged"),
)
# A longer table is folded up: its heading opens it.
_MOST_SHOWN: Final = 30


def overview(
    episodes: Mapping[Kind, Sequence[Episode]],
    sessions: Sequence[Session],
    *,
    pair: Pair,
    rules: Sequence[Rule],
    chance: Mapping[Kind, Significance],
) -> str:
    """Return how often each kind opened; a kind without a rule is off, or context by default.

    Parameters
    ----------
    chance
        How often each kind that is on opened here, and would by chance.
    """
    known = {rule.kind for rule in rules}
    heads = "".join(f'<th class="n">{"<br>".join(name)}</th>' for name in _COLUMNS)
    rows = "".join(
        _kind(kind, episodes[kind], sessions, pair, chance.get(kind))
        if kind in known
        else _off(kind, episodes[kind], pair)
        for kind in Kind
    )
    return (
        '<section><h2>Kinds</h2><div class="scrolls"><table class="kinds"><thead><tr><th>Kind</th>'
        f"<th>Question</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _kind(
    kind: Kind,
    episodes: Sequence[Episode],
    sessions: Sequence[Session],
    pair: Pair,
    chance: Significance | None,
) -> str:
    lasts = kind.is_market and not kind.is_instant
    ended = [each.end - each.begin for each in episodes if each.ended is not None]
    critical = sum(each.severity is Severity.CRITICAL for each in episodes)
    cells = (
        format_whole(len(episodes)),
        *(rate_cells(chance) if chance is not None else ("", "")),
        format_whole(critical) if lasts else "",
        f"{median(ended):g}" if lasts and ended else "",
        format_whole(diverged_in(episodes, observed_by([kind], sessions))) if lasts else "",
    )
    # Where a row is a card, each number has its name in front.
    named = zip(_COLUMNS, cells, strict=True)
    return (
        _begin(kind, episodes, pair)
        + "".join(f'<td class="n" data-name="{" ".join(name)}">{each}</td>' for name, each in named)
        + "</tr>"
    )


def _off(kind: Kind, episodes: Sequence[Episode], pair: Pair) -> str:
    off = "context: opens only if a rule enables it" if kind in CONTEXT_KINDS else "switched off"
    return f'{_begin(kind, episodes, pair)}<td colspan="{len(_COLUMNS)}"><em>{off}</em></td></tr>'


def _begin(kind: Kind, episodes: Sequence[Episode], pair: Pair) -> str:
    question = KIND_TRAITS[kind].question.format(lead=escape(pair.lead_title), other=escape(pair.other_title))
    name = f'<a href="#{kind.value}">{KIND_TRAITS[kind].title}</a>' if episodes else KIND_TRAITS[kind].title
    return f"<tr><td>{name}</td><td>{question}</td>"


def sections(episodes: Mapping[Kind, Sequence[Episode]], *, pair: Pair) -> str:
    """Return a table of divergences for each kind that has any."""
    if not any(episodes.values()):
        return "<section><h2>Divergences</h2><p>None opened.</p></section>"
    parts = []
    for kind, found in episodes.items():
        if found:
            table = _faults(found, pair) if kind is Kind.DATA_FAULT else _table(kind, found, pair)
            is_open = " open" if len(found) <= _MOST_SHOWN else ""
            parts.append(
                f'<details class="kind" id="{kind.value}"{is_open}><summary>{KIND_TRAITS[kind].title}'
                f'<span class="count">{format_whole(len(found))}</span></summary>'
                f'<div class="scrolls">{table}</div></details>'
            )
    return f"<section>{''.join(parts)}</section>"


def _table(kind: Kind, episodes: Sequence[Episode], pair: Pair) -> str:
    names = (pair.lead_title, pair.other_title, "ratio")
    if kind.is_instant:
        own = ("<th>Change</th><th>Session</th>", f'<th class="n">{_STATISTIC_NAMES[kind]}</th>')
    else:
        has_estimate = any(_estimate(each.opened) for each in episodes)
        own = (
            "<th>Direction</th><th>Opened</th><th>Ended</th><th class='n'>Sessions</th><th>Severity</th>",
            ('<th class="n">r at the<br>opening</th>' if has_estimate else "")
            + f'<th class="n">Peak<br>{_STATISTIC_NAMES[kind]}</th>',
        )
    count = 1 + sum(each.count("<th") for each in own)
    groups = "".join(
        f'<th colspan="3" scope="colgroup">{horizon} session{"s" if horizon > 1 else ""} after</th>'
        for horizon in HORIZONS
    )
    columns = "".join(
        f'<th scope="col" class="n{" first" if at == 0 else ""}">{escape(name)}</th>'
        for _ in HORIZONS
        for at, name in enumerate(names)
    )
    rows = "".join(_row(each, pair) for each in episodes)
    return (
        f'<table><thead><tr><th colspan="{count}"></th>{groups}</tr>'
        f'<tr><th class="n">No.</th>{own[0]}{own[1]}{columns}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _row(episode: Episode, pair: Pair) -> str:
    opened = episode.opened
    if episode.kind.is_instant:
        before, now = opened.values.get("regime_before"), opened.values.get("regime")
        own = (
            f"<td>{describe_regime(before)} → {describe_regime(now)}</td>"
            f"<td>{format_session(opened.evidence.inputs[0].session or opened.occurred_at[:10])}</td>"
        )
    else:
        own = (
            f"<td>{describe_direction(opened.direction, lead=pair.lead_title, other=pair.other_title)}</td>"
            f"<td>{_when(opened, opened.confirmation.value)}</td><td>{_ended(episode)}</td>"
            f'<td class="n">{episode.end - episode.begin}</td>'
            f'<td><span class="severity {episode.severity.value}">{episode.severity.value}</span></td>'
            f"{_estimate(opened)}"
        )
    changes = "".join(
        f'<td class="n{" first" if at == 0 else ""}{_tone(change)}">{format_signed_percent(change)}</td>'
        for after in episode.after
        for at, change in enumerate((after.lead, after.other, after.ratio))
    )
    return (
        f'<tr id="{episode.anchor}"><td class="n">{episode.number}</td>{own}'
        f'<td class="n">{format_statistic(episode.kind, episode.peak)}</td>{changes}</tr>'
    )


def _estimate(opened: DivergenceEvent) -> str:
    if opened.significance is None or opened.significance.correlation is None:
        return ""
    r, size = opened.significance.correlation, opened.significance.effective_size
    return (
        f'<td class="n estimate">{format_signed(r.value)}, n {format_number(size, 0)}'
        f"<small>{format_signed(r.low)} … {format_signed(r.high)}</small></td>"
    )


def _faults(episodes: Sequence[Episode], pair: Pair) -> str:
    rows = ""
    for each in episodes:
        opened, seconds = each.opened, DASH
        if each.ended is not None:
            ns = parse_rfc3339(each.ended.occurred_at) - parse_rfc3339(opened.occurred_at)
            seconds = format_duration(ns / NS_PER_SECOND) if ns else "at once"
        causes = list(causes_among(opened.values))
        causes += ["revised_bar"] if "revised_to" in opened.values else []
        names = ", ".join(escape(describe_cause(cause).name) for cause in causes)
        leg = describe_direction(opened.direction, lead=pair.lead_title, other=pair.other_title)
        rows += (
            f'<tr id="{each.anchor}"><td class="n">{each.number}</td>'
            f"<td>{escape(leg)}</td><td>{names}</td>"
            f"<td>{_when(opened, '')}</td><td>{_ended(each)}</td><td class='n'>{seconds}</td></tr>"
        )
    return (
        "<table><thead><tr><th class='n'>No.</th><th>Leg</th><th>Cause</th><th>Began</th><th>Ended</th>"
        f"<th class='n'>Lasted</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _ended(episode: Episode) -> str:
    if episode.ended is None:
        return "<em>still open</em>"
    return _when(episode.ended, TRANSITION_WORDS[episode.ended.type] if episode.kind.is_market else "")


def _when(event: DivergenceEvent, how: str) -> str:
    date, _, time = format_new_york(event.occurred_at).rpartition(" ")
    return f"{date}<small>{time} {how}</small>"


def _tone(change: float | None) -> str:
    text = format_signed_percent(change)
    return " up" if text.startswith("+") else " down" if text.startswith("−") else ""
