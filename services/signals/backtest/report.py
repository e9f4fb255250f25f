"""A backtest to look at: one HTML file that needs nothing else, neither network nor script.

Everything in it comes from the replay: the same input gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from statistics import median

from services.signals.backtest.replaying import Replayed
from services.signals.backtest.report_chart import draw_chart
from services.signals.backtest.report_episodes import HORIZONS, Episode, Session, episodes_of, sessions_of
from services.signals.backtest.report_notes import notes
from services.signals.backtest.report_words import (
    NOT_KNOWN,
    REASONS,
    TRANSITIONS,
    day,
    moment,
    number,
    percent,
)
from services.signals.core.rules import PUBLISHED, Rule
from shared.calendars import xnys_calendar
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from shared.domain.pairs import Pair

_LEAST_SESSIONS = 2


def report_bytes(replayed: Replayed, *, pair: Pair, rules: tuple[Rule, ...]) -> bytes:
    """Return the report as HTML.

    Parameters
    ----------
    replayed
        What the backtest found.
    pair, rules
        What it was run with.
    """
    # The chart is the ratio's; a run without its rule has no thresholds to draw but the published ones.
    rule = next(each for each in (*rules, *PUBLISHED) if each.kind is Kind.RATIO_STRETCH)
    stretches = [event for event in replayed.events if event.kind is Kind.RATIO_STRETCH]
    sessions = sessions_of(replayed.rows)
    episodes = episodes_of(stretches, sessions, calendar=xnys_calendar())
    style = files("services.signals.backtest").joinpath("report.css").read_text()
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
{_chart(sessions, episodes, pair, rule)}
{_divergences(episodes, pair)}
<div class="pair">
{_counts(replayed.events)}
{_suppressed(replayed)}
</div>
{notes(pair, rule)}
{_events(replayed.events)}
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


def _summary(replayed: Replayed, sessions: Sequence[Session], episodes: Sequence[Episode], pair: Pair) -> str:
    critical = sum(episode.severity is Severity.CRITICAL for episode in episodes)
    ended = [episode.end - episode.begin for episode in episodes if episode.ended is not None]
    inside = {
        at for episode in episodes for at in range(episode.begin, episode.end + (episode.ended is None))
    }
    share = f"{100 * len(inside) / len(sessions):.0f} %" if sessions else NOT_KNOWN
    figures = [
        (f"{len(episodes)}", "divergences", f"{critical} reached critical"),
        (share, "of sessions diverged", f"{len(inside)} of {len(sessions)}"),
        (
            f"{median(ended):g}" if ended else NOT_KNOWN,
            "sessions long, at the median",
            f"{len(ended)} have ended",
        ),
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


def _chart(sessions: Sequence[Session], episodes: Sequence[Episode], pair: Pair, rule: Rule) -> str:
    if len(sessions) < _LEAST_SESSIONS:
        return "<section><h2>Course</h2><p>Fewer than two sessions with both legs make no line.</p></section>"
    return (
        "<section><h2>Course</h2>"
        f"{draw_chart(sessions, episodes, pair=pair, rule=rule)}"
        '<p class="legend"><span><i class="warning"></i>warning</span>'
        '<span><i class="critical"></i>critical</span>'
        '<span><i class="provisional"></i>provisional: not borne out by a close yet</span>'
        "<span><b>1</b>opening of the divergence with that number below</span></p></section>"
    )


def _divergences(episodes: Sequence[Episode], pair: Pair) -> str:
    if not episodes:
        return "<section><h2>Divergences</h2><p>None opened.</p></section>"
    names = (pair.lead_title, pair.other_title, "ratio")
    groups = "".join(
        f'<th colspan="3" scope="colgroup">{horizon} session{"s" if horizon > 1 else ""} after</th>'
        for horizon in HORIZONS
    )
    columns = "".join(
        f'<th scope="col" class="n{" first" if at == 0 else ""}">{escape(name)}</th>'
        for _ in HORIZONS
        for at, name in enumerate(names)
    )
    return (
        '<section><h2>Divergences</h2><div class="wide"><table>'
        '<thead><tr><th colspan="7"></th>'
        f"{groups}</tr><tr><th class='n'>No.</th><th>Direction</th><th>Opened</th><th>Ended</th>"
        f'<th class="n">Sessions</th><th>Severity</th><th class="n">Peak z</th>{columns}</tr></thead>'
        f"<tbody>{''.join(_divergence(episode) for episode in episodes)}</tbody></table></div></section>"
    )


def _divergence(episode: Episode) -> str:
    opened = episode.opened
    if episode.ended is None:
        ended = "<em>still open</em>"
    else:
        ended = _when(episode.ended, TRANSITIONS[episode.ended.type])
    changes = "".join(
        f'<td class="n{" first" if at == 0 else ""}{_tone(change)}">{percent(change)}</td>'
        for after in episode.after
        for at, change in enumerate((after.lead, after.other, after.ratio))
    )
    return (
        f'<tr id="divergence-{episode.number}"><td class="n">{episode.number}</td>'
        f"<td>{_words(opened.direction)}</td>"
        f"<td>{_when(opened, opened.confirmation.value)}</td><td>{ended}</td>"
        f'<td class="n">{episode.end - episode.begin}</td>'
        f'<td><span class="severity {episode.severity.value}">{episode.severity.value}</span></td>'
        f'<td class="n">{number(episode.peak_z, is_signed=True)}</td>{changes}</tr>'
    )


def _when(event: DivergenceEvent, how: str) -> str:
    date, _, time = moment(event.occurred_at).rpartition(" ")
    return f"{date}<small>{time} {how}</small>"


def _tone(change: float | None) -> str:
    text = percent(change)
    return " up" if text.startswith("+") else " down" if text.startswith("−") else ""


def _counts(events: Iterable[DivergenceEvent]) -> str:
    counted: dict[tuple[Transition, Direction], int] = {}
    for event in events:
        counted[event.type, event.direction] = counted.get((event.type, event.direction), 0) + 1
    seen = [transition for transition in Transition if any(key[0] is transition for key in counted)]
    if not seen:
        return "<section><h2>Events</h2><p>None.</p></section>"
    head = "".join(f'<th class="n">{_words(direction)}</th>' for direction in Direction)
    body = "".join(
        f"<tr><td>{TRANSITIONS[transition]}</td>"
        + "".join(f'<td class="n">{counted.get((transition, direction), 0)}</td>' for direction in Direction)
        + "</tr>"
        for transition in seen
    )
    return (
        f"<section><h2>Events</h2><table><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></section>"
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


def _events(events: Sequence[DivergenceEvent]) -> str:
    if not events:
        return ""
    rows = "".join(
        f'<tr><td class="n">{event.sequence}</td><td>{moment(event.occurred_at)}</td>'
        f"<td>{TRANSITIONS[event.type]}</td><td>{_words(event.direction)}</td><td>{event.severity.value}</td>"
        f"<td>{event.confirmation.value}</td>"
        f'<td class="n">{number(event.values.get("z_90"), is_signed=True)}</td>'
        f"<td><code>{escape(event.event_id)}</code></td></tr>"
        for event in events
    )
    return (
        f"<details><summary>Every event ({len(events)})</summary><div class='wide'><table><thead><tr>"
        "<th class='n'>Seq.</th><th>New York</th><th>What</th><th>Direction</th><th>Severity</th>"
        "<th>Confirmation</th><th class='n'>z</th><th>event_id</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _words(direction: Direction) -> str:
    return direction.value.replace("_", "-")
