"""The lanes below the chart: when each kind without a line of its own was open, and in which direction."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from convex.backtesting.report.episodes import Episode, Session
from shared.domain.divergences import Confirmation, Kind
from shared.domain.kinds import DIRECTIONS, KIND_TRAITS
from shared.domain.pairs import Pair
from shared.text.divergences import describe_direction
from shared.text.instants import format_session

LANE_HEIGHT: Final = 26.0
_HALF: Final = 9.0
# A divergence of one session must be visible.
LEAST_WIDTH: Final = 3.0
_SIDES: Final = {"RISK_OFF": "lead", "RISK_ON": "other"}

Place = Callable[[float], float]


def lanes(
    kinds: Sequence[Kind],
    episodes: Mapping[Kind, Sequence[Episode]],
    sessions: Sequence[Session],
    *,
    pair: Pair,
    x: Place,
    top: float,
) -> list[str]:
    """Return a lane for each of the kinds; the first direction of a kind is above the middle line.

    Parameters
    ----------
    x
        Returns the horizontal coordinate of a session's position.
    top
        Vertical coordinate of the first lane.
    """
    left, right = x(-0.5), x(len(sessions) - 0.5)
    parts = []
    for place, kind in enumerate(kinds):
        middle = top + (place + 0.5) * LANE_HEIGHT
        parts += [
            f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{middle:g}" y2="{middle:g}"/>',
            f'<text class="lane" x="{right + 8:g}" y="{middle + 4:g}">{KIND_TRAITS[kind].title}</text>',
        ]
        if kind is Kind.REGIME_CHANGE:
            parts += _regimes(sessions, x, middle)
        else:
            for episode in episodes[kind]:
                parts.append(_mark(episode, pair, x, middle, is_last=episode.ended is None, right=right))
    return parts


def _mark(episode: Episode, pair: Pair, x: Place, middle: float, *, is_last: bool, right: float) -> str:
    opened = episode.opened
    top = middle - _HALF if opened.direction is DIRECTIONS[episode.kind][0] else middle
    rects = ""
    for stretch in episode.stretches:
        begin = x(stretch.begin)
        until = right if is_last and stretch is episode.stretches[-1] else x(stretch.end)
        kind = f"span {stretch.severity.value}"
        if stretch.confirmation is Confirmation.PROVISIONAL:
            kind += " provisional"
        rects += (
            f'<rect class="{kind}" x="{begin:.1f}" y="{top:g}" width="{max(until - begin, LEAST_WIDTH):.1f}" '
            f'height="{_HALF:g}"/>'
        )
    direction = describe_direction(opened.direction, lead=pair.lead_title, other=pair.other_title)
    text = (
        f"{KIND_TRAITS[episode.kind].title} {episode.number}, {direction}: "
        f"{episode.severity.value}, from {format_session(opened.occurred_at[:10])}"
    )
    return f'<a class="mark" href="#{episode.anchor}">{rects}<title>{escape(text)}</title></a>'


def _regimes(sessions: Sequence[Session], x: Place, middle: float) -> list[str]:
    """Fill the lane as long as a regime lasts: risk-off above, risk-on below, neutral not at all."""
    parts, begin = [], 0
    for at in range(1, len(sessions) + 1):
        regime = sessions[begin].regime
        if at < len(sessions) and sessions[at].regime == regime:
            continue
        side = _SIDES.get(regime)
        if side is not None:
            top = middle - _HALF if side == "lead" else middle
            left, right = x(begin), x(at) if at < len(sessions) else x(at - 0.5)
            parts.append(
                f'<rect class="regime {side}" x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" '
                f'height="{_HALF:g}"><title>{regime.replace("_", "-").lower()} from '
                f"{format_session(sessions[begin].label)}</title></rect>"
            )
        begin = at
    return parts
