"""The report of a backtest: one HTML file that needs neither network nor script.

Everything in it comes from the replay, so the same input gives the same bytes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files as resources
from itertools import pairwise

from convex.backtesting.outcomes import EveryBar
from convex.backtesting.replay import Replayed
from convex.backtesting.report.beside import BesideFile, beside_section
from convex.backtesting.report.calendar_table import calendar_section
from convex.backtesting.report.chance import (
    ChanceFigures,
    chance_section,
    figures_of_events,
    observed_here,
)
from convex.backtesting.report.course import course
from convex.backtesting.report.data_quality import DataQuality, data_quality
from convex.backtesting.report.definitions import definitions
from convex.backtesting.report.distribution import after_openings
from convex.backtesting.report.distribution_section import distribution_section
from convex.backtesting.report.episodes import (
    Episode,
    Session,
    diverged_in,
    episodes_of,
    observed_by,
    sessions_of,
)
from convex.backtesting.report.hedge import hedge_test, simple_returns
from convex.backtesting.report.hedge_section import hedge_section
from convex.backtesting.report.input_files import InputFile
from convex.backtesting.report.kind_tables import overview, sections
from convex.backtesting.report.quality_section import quality_section
from convex.backtesting.report.rolling import rolling
from convex.backtesting.report.suppressed import suppressed_inputs
from convex.backtesting.report.verdict import chance_sentence, followed_sentence, period_sentence
from convex.backtesting.report.what_followed import what_followed
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import LEVEL_KINDS, PUBLISHED_RULES
from shared.calendars import xnys_calendar
from shared.domain.divergences import DivergenceEvent, Kind, Severity, Significance, Transition
from shared.domain.kinds import KIND_TRAITS, statistic_of
from shared.domain.pairs import Pair
from shared.text.divergences import TRANSITION_WORDS, describe_direction, format_statistic
from shared.text.instants import format_new_york, format_session
from shared.text.numbers import DASH, format_count, format_part, format_percent, format_whole

_LEAST_SESSIONS = 2

ByKind = Mapping[Kind, Sequence[Episode]]


def report_bytes(
    replayed: Replayed,
    *,
    pair: Pair,
    rules: tuple[Rule, ...],
    figures: ChanceFigures | None = None,
    files: Sequence[InputFile] = (),
    beside: Sequence[BesideFile] = (),
) -> bytes:
    """Return the report as HTML.

    Parameters
    ----------
    replayed
        What the backtest found.
    pair, rules
        What it was run with.
    figures
        How often chance alone opens each kind; by default what the events state.
    files
        What it read.
    beside
        The files that hold the numbers of the report.
    """
    calendar, bars = xnys_calendar(), replayed.every_bar
    sessions = sessions_of(replayed.rows, replayed.values)
    found = episodes_of(replayed.events, sessions, calendar=calendar)
    episodes = {kind: [each for each in found if each.kind is kind] for kind in Kind}
    shown = figures if figures is not None else figures_of_events(replayed.events)
    on = [rule.kind for rule in rules if rule.kind.is_market]
    observed = observed_by(on, sessions)
    chance = {
        kind: observed_here(kind, episodes[kind], sessions, shown.by_kind.get(kind))
        for kind in Kind
        if kind in on
    }
    quality = (
        data_quality(bars, replayed.suppressed, pair=pair, calendar=calendar) if bars is not None else None
    )
    after = after_openings(replayed.events, bars, calendar=calendar) if bars is not None else ()
    style = resources("convex.backtesting.report").joinpath("report.css").read_text()
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
{_verdict(replayed, sessions, observed, episodes, chance, quality, pair)}
{_summary(replayed, sessions, observed, episodes, pair)}
{overview(episodes, sessions, pair=pair, rules=rules, chance=chance)}
{chance_section(chance, shown)}
{what_followed(replayed.outcomes, pair)}
{_course(sessions, episodes, pair, rules)}
{rolling(sessions, pair)}
{_hedge(sessions, bars, pair)}
{distribution_section(after, pair)}
{calendar_section(found, sessions, observed)}
{quality_section(quality, files)}
{beside_section(beside)}
{sections(episodes, pair=pair)}
<div class="pair">
{_counts(replayed.events)}
{suppressed_inputs(replayed.suppressed)}
</div>
{definitions(pair, rules)}
{_events(replayed.events, pair)}
</body>
</html>
"""
    return page.encode()


def _head(sessions: Sequence[Session], pair: Pair) -> str:
    ends = [format_session(each.label) for each in (*sessions[:1], *sessions[-1:])]
    span = " to ".join(ends) or "no session"
    marks = [name for name, is_so in (("simulated", pair.is_simulated), ("proxy", pair.is_proxy)) if is_so]
    badges = "".join(f' <span class="badge">{mark}</span>' for mark in marks)
    return (
        f"<header><h1>{escape(pair.title)}</h1><p>Backtest, {span}{badges}</p>"
        f'<p class="instruments">{escape(pair.lead)} · {escape(pair.other)}</p></header>'
    )


def _summary(
    replayed: Replayed,
    sessions: Sequence[Session],
    observed: Collection[int],
    episodes: ByKind,
    pair: Pair,
) -> str:
    lasting = [each for kind in LEVEL_KINDS for each in episodes[kind]]
    critical = sum(each.severity is Severity.CRITICAL for each in lasting)
    diverged = diverged_in(lasting, observed)
    share = format_percent(diverged / len(observed), 0) if observed else DASH
    # The regime is shown whether or not its changes are divergences.
    regimes = [each.regime for each in sessions if each.evaluated and each.regime]
    changes, faults = sum(a != b for a, b in pairwise(regimes)), len(episodes[Kind.DATA_FAULT])
    figures = [
        (format_whole(len(lasting)), "divergences", f"{format_whole(critical)} reached critical"),
        (share, "of sessions diverged", _out_of(diverged, len(observed))),
        (format_whole(changes), "regime changes", format_count(faults, "data fault")),
        (format_whole(len(replayed.events)), "events", "sent to subscribers"),
        (
            format_whole(replayed.ticks),
            f"ticks of {pair.lead_title}",
            format_count(replayed.bars, "daily bar"),
        ),
    ]
    return (
        '<dl class="figures">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{value}</dd><dd class='note'>{escape(note)}</dd></div>"
            for value, name, note in figures
        )
        + "</dl>"
    )


def _out_of(diverged: int, observed: int) -> str:
    if not observed:
        return "no session in which a divergence could open"
    return f"{format_part(diverged, observed)} in which one could open, by any kind"


def _course(sessions: Sequence[Session], episodes: ByKind, pair: Pair, rules: tuple[Rule, ...]) -> str:
    if len(sessions) < _LEAST_SESSIONS:
        return (
            '<section id="course"><h2>Course</h2>'
            "<p>Fewer than two sessions with both legs make no line.</p></section>"
        )
    by_kind = {rule.kind: rule for rule in rules}
    # A run without the ratio's rule has no levels of its own: draw the published ones.
    rule = next(each for each in (*rules, *PUBLISHED_RULES) if each.kind is Kind.RATIO_STRETCH)
    return (
        '<section id="course"><h2>Course</h2>'
        f"{course(sessions, episodes, pair=pair, rules=by_kind, rule=rule)}"
        '<p class="legend"><span><i class="warning"></i>warning</span>'
        '<span><i class="critical"></i>critical</span>'
        '<span><i class="provisional"></i>provisional: not confirmed by a close yet</span>'
        "<span><b>1</b>opening of the ratio stretch with that number below</span></p>"
        '<p class="legend"><span>In the lanes, above the line: risk-off, tightening, a fault of '
        f"{escape(pair.lead_title)}; below: risk-on, loosening, a fault of {escape(pair.other_title)}</span>"
        '<span><i class="lead"></i>regime risk-off</span><span><i class="other"></i>regime risk-on</span></p>'
        "</section>"
    )


def _hedge(sessions: Sequence[Session], bars: EveryBar | None, pair: Pair) -> str:
    if bars is None:
        return ""
    return hedge_section(hedge_test(sessions, *simple_returns(sessions, bars)), pair)


def _verdict(
    replayed: Replayed,
    sessions: Sequence[Session],
    observed: Collection[int],
    episodes: ByKind,
    chance: Mapping[Kind, Significance],
    quality: DataQuality | None,
    pair: Pair,
) -> str:
    sentences = (
        period_sentence(
            [each.label for each in sessions],
            observed=len(observed),
            alerts=len(replayed.events),
            openings=sum(len(found) for kind, found in episodes.items() if kind.is_market),
            faults=len(episodes[Kind.DATA_FAULT]),
            quality=quality,
        ),
        chance_sentence(chance),
        followed_sentence(replayed.outcomes, pair),
    )
    return f'<section id="verdict"><p>{" ".join(map(escape, sentences))}</p></section>'


def _counts(events: Iterable[DivergenceEvent]) -> str:
    counted = Counter((event.type, event.kind) for event in events)
    seen = [transition for transition in Transition if any(key[0] is transition for key in counted)]
    if not seen:
        return "<section><h2>Events</h2><p>None.</p></section>"
    kinds = [kind for kind in Kind if any(key[1] is kind for key in counted)]
    head = "".join(f'<th class="n">{KIND_TRAITS[kind].title.replace(" ", "<br>")}</th>' for kind in kinds)
    body = "".join(
        f"<tr><td>{TRANSITION_WORDS[transition]}</td>"
        + "".join(f'<td class="n">{_count_or_blank(counted[transition, kind])}</td>' for kind in kinds)
        + "</tr>"
        for transition in seen
    )
    return (
        f'<section><h2>Events</h2><div class="scrolls"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _count_or_blank(count: int) -> str:
    return format_whole(count) if count else ""


def _events(events: Sequence[DivergenceEvent], pair: Pair) -> str:
    if not events:
        return ""
    rows = "".join(_event(event, pair) for event in events)
    return (
        f"<details><summary>Every event ({format_whole(len(events))})</summary>"
        "<div class='scrolls'><table><thead><tr>"
        "<th class='n'>Seq.</th><th>New York</th><th>Kind</th><th>What</th><th>Direction</th>"
        "<th>Severity</th><th>Confirmation</th><th class='n'>Statistic</th><th>event_id</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _event(event: DivergenceEvent, pair: Pair) -> str:
    direction = describe_direction(event.direction, lead=pair.lead_title, other=pair.other_title)
    statistic = event.values.get(statistic_of(event.kind, event.direction) or "")
    return (
        f'<tr><td class="n">{event.sequence}</td><td>{format_new_york(event.occurred_at)}</td>'
        f"<td>{KIND_TRAITS[event.kind].title}</td><td>{TRANSITION_WORDS[event.type]}</td>"
        f"<td>{escape(direction)}</td><td>{event.severity.value}</td><td>{event.confirmation.value}</td>"
        f'<td class="n">{format_statistic(event.kind, statistic)}</td>'
        f"<td><code>{escape(event.event_id)}</code></td></tr>"
    )
