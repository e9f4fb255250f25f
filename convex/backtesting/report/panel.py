"""One panel of a chart: a caption, the labels of the axis, the lines, and the names at their ends.

Lines are stretched with the page. Text is not: labels are HTML beside the drawing, so that they have the same
size on a phone and on a wide screen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from convex.backtesting.report.axis import Axis, spread
from convex.backtesting.report.date_marks import DateMark
from convex.backtesting.report.lines import WIDTH

_END_GAP: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What stands at the right end of a line.

    Parameters
    ----------
    kind
        Class of the line, for its colour.
    value
        Where the line ends.
    """

    kind: str
    text: str
    value: float


def panel(
    axis: Axis,
    *,
    caption: str,
    drawing: str,
    ends: Iterable[End] = (),
    dates: Sequence[DateMark] = (),
    over: str = "",
    described: str = "",
) -> str:
    """Return a panel as HTML.

    Parameters
    ----------
    caption
        HTML.
    drawing
        SVG elements, `WIDTH` units wide and as high as the axis.
    ends
        Names of the lines.
    dates
        Marked by vertical lines.
    over
        HTML on top of the drawing.
    described
        What the drawing shows, for people who cannot see it; empty hides it from them.
    """
    role = f'role="img" aria-label="{escape(described)}"' if described else 'aria-hidden="true"'
    return (
        f'<div class="panel" style="--height:{axis.height:g}px"><p class="caption">{caption}</p>'
        f'<div class="ticks">{_ticks(axis)}</div>'
        f'<div class="plot"><svg viewBox="0 0 {WIDTH:g} {axis.height:g}" preserveAspectRatio="none" {role}>'
        f"{_grid(axis)}{_vertical(dates, axis.height)}{drawing}</svg>{over}</div>"
        f'<div class="ends">{_ends(axis, ends)}</div></div>'
    )


def dates_below(dates: Iterable[DateMark]) -> str:
    """Return the labels of the horizontal axis as HTML."""
    labels = "".join(
        f'<span class="{mark.widths}" style="left:{mark.x / WIDTH:.2%}">{mark.label}</span>' for mark in dates
    )
    return f'<div class="panel dates"><div class="plot">{labels}</div></div>'


def _ticks(axis: Axis) -> str:
    return "".join(
        f'<span style="top:{axis.y(mark.value):.1f}px">{mark.label}</span>' for mark in axis.labelled()
    )


def _grid(axis: Axis) -> str:
    return "".join(
        f'<line class="{mark.kind}" x1="0" x2="{WIDTH:g}" y1="{axis.y(mark.value):.1f}" '
        f'y2="{axis.y(mark.value):.1f}"/>'
        for mark in axis.marks
        if mark.kind != "grid" or mark in axis.labelled()
    )


def _vertical(dates: Iterable[DateMark], height: float) -> str:
    return "".join(
        f'<line class="month {mark.widths}" x1="{mark.x:.1f}" x2="{mark.x:.1f}" y1="0" y2="{height:g}"/>'
        for mark in dates
    )


def _ends(axis: Axis, ends: Iterable[End]) -> str:
    ordered = sorted(ends, key=lambda end: -end.value)
    places = spread([axis.y(end.value) for end in ordered], gap=_END_GAP, height=axis.height)
    return "".join(
        f'<span class="{end.kind}" style="top:{place:.1f}px">{escape(end.text)}</span>'
        for end, place in zip(ordered, places, strict=True)
    )
