"""Both legs, their ratio and its z-score over the sessions, with the ratio's divergences shaded."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from convex.backtesting.report.axis import Axis, Mark, linear_axis, log_axis
from convex.backtesting.report.date_marks import DateMark, date_marks, widths_with_room
from convex.backtesting.report.episodes import Episode, Session
from convex.backtesting.report.lanes import episode_spans, lanes
from convex.backtesting.report.lines import WIDTH, polylines, x_of
from convex.backtesting.report.panel import End, dates_below, panel
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.text.instants import format_session
from shared.text.numbers import format_count, format_level, format_number, format_signed

_LEGS_HEIGHT, _RATIO_HEIGHT, _Z_HEIGHT = 220.0, 130.0, 210.0
# A number of a divergence is a circle of 17 pixels, beside the line.
_NUMBER_PIXELS, _NUMBER_GAP = 19.0, 15.0
_MOST_READINGS: Final = 500

# Stripes, so that an early warning does not look like a confirmed divergence in grey print either.
_STRIPES: Final = (
    '<svg class="stripes" aria-hidden="true"><defs><pattern id="early" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="early" width="3" height="6"/>'
    "</pattern></defs></svg>"
)


def course(
    sessions: Sequence[Session],
    episodes: Mapping[Kind, Sequence[Episode]],
    *,
    pair: Pair,
    rules: Mapping[Kind, Rule],
    rule: Rule,
) -> str:
    """Return the chart as HTML; at least two sessions make a line.

    Parameters
    ----------
    sessions
        Ascending. The horizontal axis counts sessions, so that closed days take no room.
    rules
        By kind; each but the ratio's gets a lane, and so does the regime.
    rule
        The rule whose levels are drawn with the z-score.
    """
    stretches = episodes[Kind.RATIO_STRETCH]
    dates = date_marks([each.label for each in sessions])
    # The regime is context: it has a lane whether or not its changes are divergences.
    shown = {*rules, Kind.REGIME_CHANGE} if any(each.regime for each in sessions) else rules.keys()
    others = [kind for kind in Kind if kind in shown and kind is not Kind.RATIO_STRETCH]
    described = (
        f"{pair.lead_title} and {pair.other_title} rebased to 100, their ratio and its z-score from "
        f"{format_session(sessions[0].label)} to {format_session(sessions[-1].label)}, with "
        f"{format_count(len(stretches), 'divergence')} of the ratio shaded; below, when other kinds were open"
    )
    return (
        f'<div class="chart">{_STRIPES}<div class="read">'
        f"{_legs(sessions, stretches, dates, pair, described)}{_ratio(sessions, stretches, dates, pair)}"
        f"{_z(sessions, stretches, dates, rule)}{_readings(sessions, pair)}</div>"
        f"{lanes(others, episodes, sessions, pair=pair)}{dates_below(dates)}</div>"
    )


def _legs(
    sessions: Sequence[Session],
    stretches: Sequence[Episode],
    dates: Sequence[DateMark],
    pair: Pair,
    described: str,
) -> str:
    lead = [100 * each.lead / sessions[0].lead for each in sessions]
    other = [100 * each.other / sessions[0].other for each in sessions]
    axis = linear_axis([*lead, *other], height=_LEGS_HEIGHT)
    return panel(
        axis,
        caption=f"Both legs as they traded, {format_session(sessions[0].label)} = 100",
        drawing=_spans(stretches, len(sessions), axis.height)
        + polylines(other, axis, "other")
        + polylines(lead, axis, "lead"),
        ends=[
            End(kind="lead", text=f"{pair.lead_title} {format_number(lead[-1], 1)}", value=lead[-1]),
            End(kind="other", text=f"{pair.other_title} {format_number(other[-1], 1)}", value=other[-1]),
        ],
        dates=dates,
        described=described,
    )


def _ratio(
    sessions: Sequence[Session], stretches: Sequence[Episode], dates: Sequence[DateMark], pair: Pair
) -> str:
    logs = [each.log_ratio for each in sessions]
    known = [each for each in logs if each is not None]
    if not known:
        return ""
    axis = log_axis(known, height=_RATIO_HEIGHT)
    return panel(
        axis,
        caption=f"Ratio {escape(pair.lead_title)} / {escape(pair.other_title)} of adjusted closes, log scale",
        drawing=_spans(stretches, len(sessions), axis.height) + polylines(logs, axis, "ratio"),
        ends=[End(kind="ratio", text=f"ratio {format_number(math.exp(known[-1]))}", value=known[-1])]
        if logs[-1] is not None
        else (),
        dates=dates,
    )


def _z(
    sessions: Sequence[Session], stretches: Sequence[Episode], dates: Sequence[DateMark], rule: Rule
) -> str:
    zs = [each.z for each in sessions]
    known = [z for z in zs if z is not None]
    if not known:
        return '<p class="none">The z-score needs 91 sessions: it is undefined in all of these.</p>'
    levels = (("critical", rule.critical), ("warning", rule.warning), ("leave", rule.leave))
    marks = [
        Mark(value=sign * level, label=format_level(sign * level), kind=kind)
        for kind, level in levels
        for sign in (1, -1)
    ]
    axis = Axis(
        low=min(*known, -rule.critical) - 0.8,
        high=max(*known, rule.critical) + 0.8,
        height=_Z_HEIGHT,
        marks=(*marks[:4], Mark(value=0.0, label="0"), *marks[4:]),
    )
    return panel(
        axis,
        caption="z-score of the log ratio against the 90 sessions before, with the levels of the rule",
        drawing=_spans(stretches, len(sessions), axis.height) + polylines(zs, axis, "z"),
        ends=[End(kind="z", text=f"z {format_signed(known[-1])}", value=known[-1])]
        if zs[-1] is not None
        else (),
        dates=dates,
        over=_numbers(stretches, axis, len(sessions)),
    )


def _spans(episodes: Sequence[Episode], count: int, height: float) -> str:
    return "".join(episode_spans(episode, count, top=0.0, height=height) for episode in episodes)


def _numbers(episodes: Sequence[Episode], axis: Axis, count: int) -> str:
    """Return the divergences' numbers; of two that cover each other at a width of the page, it shows one."""
    marks = ""
    for sign in (1.0, -1.0):
        here = [
            (episode, z)
            for episode in episodes
            if (z := episode.opened.values.get("z_90")) is not None and math.copysign(1.0, z) == sign
        ]
        places = [x_of(episode.begin, count) for episode, _ in here]
        shown = widths_with_room(places, _NUMBER_PIXELS)
        for (episode, z), x, widths in zip(here, places, shown, strict=True):
            if widths:
                marks += (
                    f'<a class="opened {episode.severity.value} {widths}" href="#{episode.anchor}" '
                    f'style="left:{x / WIDTH:.2%};top:{axis.y(z) - sign * _NUMBER_GAP:.1f}px">'
                    f"{episode.number}</a>"
                )
    return marks


def _readings(sessions: Sequence[Session], pair: Pair) -> str:
    """Show the numbers of a session where the pointer is; without a script."""
    count = len(sessions)
    step = math.ceil(count / _MOST_READINGS)
    readings = ""
    for begin in range(0, count, step):
        end = min(begin + step, count)
        each = sessions[(begin + end - 1) // 2]
        text = (
            f"{format_session(each.label)}: {pair.lead_title} {format_number(each.lead)}, "
            f"{pair.other_title} {format_number(each.other)}, z {format_signed(each.z)}"
        )
        x, until = x_of(begin - 0.5, count), x_of(end - 0.5, count)
        readings += (
            f'<rect class="reading" x="{x:.1f}" y="0" width="{until - x:.1f}" height="1">'
            f"<title>{escape(text)}</title></rect>"
        )
    return (
        f'<svg class="readings" viewBox="0 0 {WIDTH:g} 1" preserveAspectRatio="none" aria-hidden="true">'
        f"{readings}</svg>"
    )
