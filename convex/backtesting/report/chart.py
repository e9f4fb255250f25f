"""Draw both legs and the z-score over the sessions as one SVG, with the ratio's divergences shaded."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Final

from convex.backtesting.report.episodes import Episode, Session
from convex.backtesting.report.lanes import LANE_HEIGHT, LEAST_WIDTH, Place, lanes
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Confirmation, Kind
from shared.domain.pairs import Pair
from shared.text.instants import format_session
from shared.text.numbers import format_count, format_level, format_number, format_signed

_WIDTH, _LEFT, _RIGHT = 1080.0, 44.0, 116.0
_PLOT: Final = _WIDTH - _LEFT - _RIGHT
_LEGS_TOP, _LEGS_HEIGHT = 26.0, 230.0
_Z_TOP, _Z_HEIGHT = _LEGS_TOP + _LEGS_HEIGHT + 44.0, 210.0
_Z_BOTTOM: Final = _Z_TOP + _Z_HEIGHT
_LANES_TOP: Final = _Z_BOTTOM + 14.0
_LABEL_GAP: Final = 15.0
_MOST_MARKS: Final = 14

# Stripes, so that an early warning does not look like a confirmed divergence in grey print either.
_EARLY: Final = (
    '<defs><pattern id="early" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect class="early" width="3" height="6"/></pattern></defs>'
)


def draw_chart(
    sessions: Sequence[Session],
    episodes: Mapping[Kind, Sequence[Episode]],
    *,
    pair: Pair,
    rules: Mapping[Kind, Rule],
    rule: Rule,
) -> str:
    """Return the chart; at least two sessions make a line.

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
    # The regime is context: it has a lane whether or not its changes are divergences.
    shown = {*rules, Kind.REGIME_CHANGE} if any(each.regime for each in sessions) else rules.keys()
    others = [kind for kind in Kind if kind in shown and kind is not Kind.RATIO_STRETCH]
    bottom = _LANES_TOP + LANE_HEIGHT * len(others) if others else _Z_BOTTOM
    height = bottom + 30.0
    step = _PLOT / len(sessions)

    def x(position: float) -> float:
        return _LEFT + (position + 0.5) * step

    lead = [100 * each.lead / sessions[0].lead for each in sessions]
    other = [100 * each.other / sessions[0].other for each in sessions]
    low, high, legs_marks = _scale([*lead, *other])
    legs_y = _vertical(low, high, _LEGS_TOP, _LEGS_HEIGHT)
    zs = [each.z for each in sessions]
    known = [z for z in zs if z is not None]
    floor, ceiling = min(0.0, *known, -rule.critical), max(0.0, *known, rule.critical)
    z_y = _vertical(floor - 0.8, ceiling + 0.8, _Z_TOP, _Z_HEIGHT)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="chart-title">',
        f'<title id="chart-title">{escape(_described(sessions, stretches, pair))}</title>',
        _EARLY,
        *_months(sessions, x, bottom),
        *_spans(stretches, x, len(sessions)),
        _title(_LEGS_TOP, f"Both legs, {format_session(sessions[0].label)} = 100"),
        *(_line(legs_y(mark), f"{mark:g}", "grid") for mark in legs_marks),
        _polyline([(x(at), legs_y(value)) for at, value in enumerate(other)], "other"),
        _polyline([(x(at), legs_y(value)) for at, value in enumerate(lead)], "lead"),
        *_ends(legs_y, (("lead", pair.lead_title, lead[-1]), ("other", pair.other_title, other[-1]))),
        _title(_Z_TOP, "z-score of the log ratio against the 90 sessions before"),
        *_thresholds(rule, z_y),
        *(_polyline(run, "z") for run in _runs(zs, x, z_y)),
        *_ends(
            z_y, (("z", "z", known[-1]),) if known and zs[-1] is not None else (), decimals=2, is_signed=True
        ),
        *lanes(others, episodes, sessions, pair=pair, x=x, top=_LANES_TOP),
        *_tooltips(sessions, pair, x, step),
        # Last, so that it lies on top: the pointer does not reach what lies under the tooltips.
        *_numbers(stretches, x, z_y),
        "</svg>",
    ]
    return "\n".join(parts)


def _described(sessions: Sequence[Session], episodes: Sequence[Episode], pair: Pair) -> str:
    return (
        f"{pair.lead_title} and {pair.other_title} rebased to 100 and the z-score of their ratio from "
        f"{format_session(sessions[0].label)} to {format_session(sessions[-1].label)}, "
        f"with {format_count(len(episodes), 'divergence')} shaded; "
        "below, when the other kinds were open"
    )


def _vertical(low: float, high: float, top: float, height: float) -> Place:
    return lambda value: top + height * (high - value) / (high - low)


def _scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Return a range that holds the values with a margin, and round marks inside it."""
    low, high = min(values), max(values)
    margin = (high - low) * 0.06 or 1.0
    low, high = low - margin, high + margin
    rough = (high - low) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= rough)
    first = math.ceil(low / step)
    return low, high, [step * each for each in range(first, math.floor(high / step) + 1)]


def _title(top: float, text: str) -> str:
    return f'<text class="caption" x="0" y="{top - 12:g}">{escape(text)}</text>'


def _line(y: float, label: str, kind: str) -> str:
    return (
        f'<line class="{kind}" x1="{_LEFT:g}" x2="{_LEFT + _PLOT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="mark" x="{_LEFT - 7:g}" y="{y + 3.5:.1f}" text-anchor="end">{label}</text>'
    )


def _thresholds(rule: Rule, y: Place) -> list[str]:
    lines = [_line(y(0), "0", "grid")]
    for level, kind in ((rule.leave, "leave"), (rule.warning, "warning"), (rule.critical, "critical")):
        lines += [_line(y(sign * level), format_level(sign * level), kind) for sign in (1, -1)]
    return lines


def _polyline(points: Sequence[tuple[float, float]], kind: str) -> str:
    return f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _runs(values: Sequence[float | None], x: Place, y: Place) -> list[list[tuple[float, float]]]:
    """Return the unbroken parts of a line: undefined values leave a gap, not a straight line across it."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is not None:
            runs[-1].append((x(at), y(value)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _spans(episodes: Sequence[Episode], x: Place, count: int) -> list[str]:
    spans = []
    for episode in episodes:
        for stretch in episode.stretches:
            begin = x(stretch.begin)
            # A divergence that is still open reaches to the edge.
            is_last = episode.ended is None and stretch is episode.stretches[-1]
            width = max((x(count - 0.5) if is_last else x(stretch.end)) - begin, LEAST_WIDTH)
            kind = f"span {stretch.severity.value}"
            if stretch.confirmation is Confirmation.PROVISIONAL:
                kind += " provisional"
            spans += [
                f'<rect class="{kind}" x="{begin:.1f}" y="{top:g}" width="{width:.1f}" height="{height:g}"/>'
                for top, height in ((_LEGS_TOP, _LEGS_HEIGHT), (_Z_TOP, _Z_HEIGHT))
            ]
    return spans


def _numbers(episodes: Sequence[Episode], x: Place, y: Place) -> list[str]:
    marks = []
    for episode in episodes:
        z = episode.opened.values.get("z_90")
        if z is not None:
            # Beside the line, so that the line does not run under the number.
            left = max(x(episode.begin), _LEFT + 10)
            at = f"translate({left:.1f} {y(z) - math.copysign(_LABEL_GAP, z):.1f})"
            marks.append(
                f'<a href="#{episode.anchor}">'
                f'<g class="opened {episode.severity.value}" transform="{at}"><circle r="8.5"/>'
                f'<text y="3.6" text-anchor="middle">{episode.number}</text></g></a>'
            )
    return marks


def _ends(
    y: Place, ends: Sequence[tuple[str, str, float]], *, decimals: int = 1, is_signed: bool = False
) -> list[str]:
    labels: list[str] = []
    below = -math.inf
    for kind, name, value in sorted(ends, key=lambda end: -end[2]):
        at = max(y(value), below + _LABEL_GAP)
        below = at
        text = f"{escape(name)} {(format_signed if is_signed else format_number)(value, decimals)}"
        labels.append(f'<text class="end {kind}" x="{_LEFT + _PLOT + 8:g}" y="{at + 4:.1f}">{text}</text>')
    return labels


def _months(sessions: Sequence[Session], x: Place, bottom: float) -> list[str]:
    """Mark the first session of each month, or of each year where months would not fit."""
    firsts = [
        (at, date.fromisoformat(each.label))
        for at, each in enumerate(sessions)
        if at > 0 and each.label[:7] != sessions[at - 1].label[:7]
    ]
    if len(firsts) > _MOST_MARKS:
        firsts = [(at, first) for at, first in firsts if first.month == 1] or firsts[:: len(firsts) // 8]
    marks = []
    for at, first in firsts:
        label = f"{first:%Y}" if first.month == 1 else f"{first:%b}"
        left = x(at - 0.5)
        marks.append(
            f'<line class="month" x1="{left:.1f}" x2="{left:.1f}" y1="{_LEGS_TOP:g}" y2="{bottom:g}"/>'
            f'<text class="mark" x="{left + 4:.1f}" y="{bottom + 18:g}">{label}</text>'
        )
    return marks


def _tooltips(sessions: Sequence[Session], pair: Pair, x: Place, step: float) -> list[str]:
    """Show the numbers of a session where the pointer is; without a script."""
    tooltips = []
    for at, each in enumerate(sessions):
        text = (
            f"{format_session(each.label)}: {pair.lead_title} {format_number(each.lead)}, "
            f"{pair.other_title} {format_number(each.other)}, z {format_signed(each.z)}"
        )
        tooltips.append(
            f'<rect class="reading" x="{x(at - 0.5):.2f}" y="{_LEGS_TOP:g}" width="{step:.2f}" '
            f'height="{_Z_BOTTOM - _LEGS_TOP:g}"><title>{escape(text)}</title></rect>'
        )
    return tooltips
