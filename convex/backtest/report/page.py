"""A backtest to look at: one HTML file that needs nothing else, neither network nor script.

Everything in it comes from the replay: the same input gives the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from convex.backtest.replay import Replayed
from convex.backtest.report.chart import draw_chart
from convex.backtest.report.episodes import STATISTIC, Episode, Session, episodes_of, sessions_of
from convex.backtest.report.kinds import overview, sections
from convex.backtest.report.notes import notes
from convex.backtest.report.words import (
    KINDS,
    NOT_KNOWN,
    REASONS,
    TRANSITIONS,
    day,
    direction_of,
    moment,
    number,
)
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import DEFAULT_RULES, LEVEL_KINDS
from shared.calendars import xnys_calendar
from shared.domain.divergences import DivergenceEvent, Kind, Severity, Transition
from shared.domain.pairs import Pair

_LEAST_SESSIONS = 2

ByKind = Mapping[Kind, Sequence[Episode]]


def report_bytes(replayed: Replayed, *, pair: Pair, rules: tuple[Rule, ...]) -> bytes:
    """Return the report as HTML.

    Parameters
    ----------
    replayed
        What the backtest found.
    pair, rules
        What it was run with.
    """
    sessions = sessions_of(replayed.rows, replayed.values)
    found = episodes_of(replayed.events, sessions, calendar=xnys_calendar())
    episodes = {kind: [each for each in found if each.kind is kind] for kind in Kind}
    style = files("convex.backtest.report").joinpath("report.css").read_text()
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(pair.title)} · backtest</title>
<style>
{style}</style>
</head>
<body>
{_head(sessions, pair)}
{_summary(replayed, sessions, episodes, pair)}
{_chart(sessions, episodes, pair, rules)}
{overview(episodes, sessions, pair=pair, rules=rules)}
{sections(episodes, pair=pair)}
<div class="pair">
{_counts(replayed.events)}
{_suppressed(replayed)}
</div>
{notes(pair, rules)}
{_events(replayed.events, pair)}
</body>
</html>
"""
    return page.encode()


def _head(sessions: Sequence[Session], pair: Pair) -> str:
    span = f"{day(sessions[0].label)} to {day(sessions[-1].label)}" if sessions else "no session"
    marks = [name for name, is_so in (("simulated", pair.is_simulated), ("proxy", pair.is_proxy)) if is_so]
    badges = "".join(f' <span class="badge">{mark}</span>' for mark in marks)
    return (
        f"<header><h1>{escape(pair.title)}</h1><p>Backtest, {span}{badges}</p>"
        f'<p class="instruments">{escape(pair.lead)} · {escape(pair.other)}</p></header>'
    )


def _summary(replayed: Replayed, sessions: Sequence[Session], episodes: ByKind, pair: Pair) -> str:
    lasting = [each for kind in LEVEL_KINDS for each in episodes[kind]]
    critical = sum(each.severity is Severity.CRITICAL for each in lasting)
    inside = {at for each in lasting for at in range(each.begin, each.end + (each.ended is None))}
    share = f"{100 * len(inside) / len(sessions):.0f} %" if sessions else NOT_KNOWN
    changes, faults = len(episodes[Kind.REGIME_CHANGE]), len(episodes[Kind.DATA_FAULT])
    figures = [
        (f"{len(lasting)}", "divergences", f"{critical} reached critical"),
        (share, "of sessions diverged", f"{len(inside)} of {len(sessions)}, in one way or another"),
        (f"{changes}", "changes of the regime", f"{faults} fault{'s' if faults != 1 else ''} of the data"),
        (f"{len(replayed.events)}", "events", "told to subscribers"),
        (f"{replayed.ticks:,}", f"ticks of {pair.lead_title}", f"{replayed.bars:,} daily bars"),
    ]
    return (
        '<dl class="figures">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{value}</dd><dd class='note'>{escape(note)}</dd></div>"
            for value, name, note in figures
        )
        + "</dl>"
    )


def _chart(sessions: Sequence[Session], episodes: ByKind, pair: Pair, rules: tuple[Rule, ...]) -> str:
    if len(sessions) < _LEAST_SESSIONS:
        return "<section><h2>Course</h2><p>Fewer than two sessions with both legs make no line.</p></section>"
    by_kind = {rule.kind: rule for rule in rules}
    # A run without the ratio's rule has no levels to draw but the published ones.
    rule = next(each for each in (*rules, *DEFAULT_RULES) if each.kind is Kind.RATIO_STRETCH)
    return (
        "<section><h2>Course</h2>"
        f"{draw_chart(sessions, episodes, pair=pair, rules=by_kind, rule=rule)}"
        '<p class="legend"><span><i class="warning"></i>warning</span>'
        '<span><i class="critical"></i>critical</span>'
        '<span><i class="provisional"></i>provisional: not borne out by a close yet</span>'
        "<span><b>1</b>opening of the ratio stretch with that number below</span></p>"
        '<p class="legend"><span>In the lanes, above the line: risk-off, tightening, a fault of '
        f"{escape(pair.lead_title)}; below: risk-on, loosening, a fault of {escape(pair.other_title)}</span>"
        '<span><i class="lead"></i>regime risk-off</span><span><i class="other"></i>regime risk-on</span></p>'
        "</section>"
    )


def _counts(events: Iterable[DivergenceEvent]) -> str:
    counted = Counter((event.type, event.kind) for event in events)
    seen = [transition for transition in Transition if any(key[0] is transition for key in counted)]
    if not seen:
        return "<section><h2>Events</h2><p>None.</p></section>"
    kinds = [kind for kind in Kind if any(key[1] is kind for key in counted)]
    head = "".join(f'<th class="n">{KINDS[kind].replace(" ", "<br>")}</th>' for kind in kinds)
    body = "".join(
        f"<tr><td>{TRANSITIONS[transition]}</td>"
        + "".join(f'<td class="n">{counted[transition, kind] or ""}</td>' for kind in kinds)
        + "</tr>"
        for transition in seen
    )
    return (
        f'<section><h2>Events</h2><div class="wide"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _suppressed(replayed: Replayed) -> str:
    rows = "".join(
        f"<tr><td>{escape(REASONS.get(reason, ''))}<small><code>{escape(reason)}</code></small></td>"
        f'<td class="n">{count:,}</td></tr>'
        for reason, count in sorted(replayed.suppressed.items())
        if count
    )
    if not rows:
        return "<section><h2>Not acted on</h2><p>Nothing: every decision was told.</p></section>"
    return (
        "<section><h2>Not acted on</h2><table><thead><tr><th>Reason</th><th class='n'>Times</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _events(events: Sequence[DivergenceEvent], pair: Pair) -> str:
    if not events:
        return ""
    rows = "".join(
        f'<tr><td class="n">{event.sequence}</td><td>{moment(event.occurred_at)}</td>'
        f"<td>{KINDS[event.kind]}</td><td>{TRANSITIONS[event.type]}</td>"
        f"<td>{escape(direction_of(event.direction, pair))}</td><td>{event.severity.value}</td>"
        f"<td>{event.confirmation.value}</td>"
        f'<td class="n">{number(event.values.get(STATISTIC.get(event.kind, "")), is_signed=True)}</td>'
        f"<td><code>{escape(event.event_id)}</code></td></tr>"
        for event in events
    )
    return (
        f"<details><summary>Every event ({len(events)})</summary><div class='wide'><table><thead><tr>"
        "<th class='n'>Seq.</th><th>New York</th><th>Kind</th><th>What</th><th>Direction</th>"
        "<th>Severity</th><th>Confirmation</th><th class='n'>Statistic</th><th>event_id</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )
