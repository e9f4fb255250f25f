"""Strips that show where the moves after openings lie among the moves of all sessions."""

from collections.abc import Sequence
from html import escape
from statistics import median
from typing import Final

from convex.backtesting.report.distribution import AfterOpenings, Quantity
from shared.domain.divergences import Direction, Kind
from shared.domain.pairs import Pair
from shared.text.divergences import describe_kind
from shared.text.numbers import format_count, format_log_return

_WIDTH, _HEIGHT = 200.0, 30.0
_RUG_TOP, _RUG_BOTTOM, _BOX_TOP, _BOX_BOTTOM = 1.0, 13.0, 18.0, 28.0
_MARGIN: Final = 0.04
_READING: Final = (
    "Each upper stroke is the move after one opening, the long one their median, which stands below in bold. "
    "Below them: all sessions, from their 5% to their 95% quantile, the middle half as a box, the median as "
    "a stroke. Moves start at the first close after the opening was reported. The windows of all sessions "
    "overlap, and those of openings may: neighbouring strokes are not independent, and a few strokes are no "
    "distribution."
)


def distribution_section(found: Sequence[AfterOpenings], pair: Pair) -> str:
    """Return the section as HTML."""
    head = '<section id="distribution"><h2>How they moved after openings, against all sessions</h2>'
    if not found:
        return f"{head}<p>No opening is five sessions old.</p></section>"
    parts = "".join(_horizon(each, pair) for each in found)
    return f'{head}<p class="reading">{_READING}</p>{parts}</section>'


def _horizon(one: AfterOpenings, pair: Pair) -> str:
    columns = (
        ("lead", escape(pair.lead_title), one.lead),
        ("other", escape(pair.other_title), one.other),
        ("z", "Ratio", one.ratio),
    )
    ranges = [_range(quantity) for _, _, quantity in columns]
    heads = "".join(
        f'<div class="head"><b class="{kind}">{name}</b><span>{format_log_return(low, 0)} to '
        f"{format_log_return(high, 0)}</span></div>"
        for (kind, name, _), (low, high) in zip(columns, ranges, strict=True)
    )
    rows = "".join(
        f'<div class="what">{escape(describe_kind(*key))}<small>'
        f"{format_count(len(one.lead.after[key]), 'opening')}</small></div>"
        + "".join(
            _strip(key, quantity, ends, kind)
            for (kind, _, quantity), ends in zip(columns, ranges, strict=True)
        )
        for key in one.lead.after
    )
    return (
        f'<div class="strips"><div class="what"><b>{one.horizon} sessions after</b>'
        f"<small>all: {format_count(one.sessions, 'session')}</small></div>{heads}{rows}</div>"
    )


def _range(quantity: Quantity) -> tuple[float, float]:
    moves = [0.0, *quantity.usual, *(move for moves in quantity.after.values() for move in moves)]
    low, high = min(moves), max(moves)
    margin = (high - low) * _MARGIN or 0.01
    return low - margin, high + margin


def _strip(key: tuple[Kind, Direction], quantity: Quantity, ends: tuple[float, float], kind: str) -> str:
    low, high = ends

    def x(move: float) -> str:
        return f"{_WIDTH * (move - low) / (high - low):.1f}"

    def stroke(move: float, top: float, bottom: float, of: str) -> str:
        return f'<line class="{of}" x1="{x(move)}" x2="{x(move)}" y1="{top:g}" y2="{bottom:g}"/>'

    moves, (least, lower, middle, upper, most) = quantity.after[key], quantity.usual
    center = median(moves)
    box_middle = (_BOX_TOP + _BOX_BOTTOM) / 2
    drawing = (
        stroke(0.0, 0.0, _HEIGHT, "zero")
        + f'<line class="usual" x1="{x(least)}" x2="{x(most)}" y1="{box_middle:g}" y2="{box_middle:g}"/>'
        + f'<rect class="usual" x="{x(lower)}" y="{_BOX_TOP:g}" '
        f'width="{_WIDTH * (upper - lower) / (high - low):.1f}" height="{_BOX_BOTTOM - _BOX_TOP:g}"/>'
        + stroke(middle, _BOX_TOP - 1, _BOX_BOTTOM + 1, "usual")
        + "".join(stroke(move, _RUG_TOP + 4, _RUG_BOTTOM, f"one {kind}") for move in sorted(moves))
        + stroke(center, _RUG_TOP - 1, _RUG_BOTTOM + 2, f"median {kind}")
    )
    return (
        f'<div class="strip"><svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" '
        f'aria-hidden="true">{drawing}</svg><small><b>{format_log_return(center)}</b> '
        f"all {format_log_return(middle)}</small></div>"
    )
