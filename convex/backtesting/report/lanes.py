"""The lanes below the chart: when each kind without a line of its own was open, and in which direction."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from convex.backtesting.report.episodes import Episode, Session
from convex.backtesting.report.lines import WIDTH, x_of
from shared.domain.divergences import Confirmation, Kind
from shared.domain.kinds import DIRECTIONS, KIND_TRAITS
from shared.domain.pairs import Pair
from shared.text.divergences import describe_direction
from shared.text.instants import format_session

_HALF: Final = 9.0
_MIDDLE: Final = 11.0
_HEIGHT: Final = 2 * _MIDDLE
# A divergence of one session must be visible.
_LEAST_WIDTH: Final = 3.0
_SIDES: Final = {"RISK_OFF": "lead", "RISK_ON": "other"}


def lanes(
    kinds: Sequence[Kind],
    episodes: Mapping[Kind, Sequence[Episode]],
    sessions: Sequence[Session],
    *,
    pair: Pair,
) -> str:
    """Return a lane for each of the kinds; the first direction of a kind is above the middle line."""
    parts = ""
    for kind in kinds:
        if kind is Kind.REGIME_CHANGE:
            marks = _regimes(sessions)
        else:
            marks = "".join(_mark(episode, pair, len(sessions)) for episode in episodes[kind])
        parts += (
            f'<div class="panel row"><div class="plot"><svg viewBox="0 0 {WIDTH:g} {_HEIGHT:g}" '
            f'preserveAspectRatio="none"><line class="grid" x1="0" x2="{WIDTH:g}" y1="{_MIDDLE:g}" '
            f'y2="{_MIDDLE:g}"/>{marks}</svg></div><div class="lane">{KIND_TRAITS[kind].title}</div></div>'
        )
    return parts


def episode_spans(episode: Episode, count: int, *, top: float, height: float) -> str:
    """Return one rectangle for each stretch of a divergence, by severity and confirmation.

    Parameters
    ----------
    count
        Sessions of the chart.
    top, height
        Of each rectangle.
    """
    spans = ""
    for stretch in episode.stretches:
        begin = x_of(stretch.begin, count)
        # A divergence that is still open reaches to the edge.
        is_last = episode.ended is None and stretch is episode.stretches[-1]
        end = WIDTH if is_last else x_of(stretch.end, count)
        kind = f"span {stretch.severity.value}"
        if stretch.confirmation is Confirmation.PROVISIONAL:
            kind += " provisional"
        spans += (
            f'<rect class="{kind}" x="{begin:.1f}" y="{top:g}" width="{max(end - begin, _LEAST_WIDTH):.1f}" '
            f'height="{height:g}"/>'
        )
    return spans


def _mark(episode: Episode, pair: Pair, count: int) -> str:
    opened = episode.opened
    top = _MIDDLE - _HALF if opened.direction is DIRECTIONS[episode.kind][0] else _MIDDLE
    rects = episode_spans(episode, count, top=top, height=_HALF)
    direction = describe_direction(opened.direction, lead=pair.lead_title, other=pair.other_title)
    text = (
        f"{KIND_TRAITS[episode.kind].title} {episode.number}, {direction}: "
        f"{episode.severity.value}, from {format_session(opened.occurred_at[:10])}"
    )
    return f'<a class="mark" href="#{episode.anchor}">{rects}<title>{escape(text)}</title></a>'


def _regimes(sessions: Sequence[Session]) -> str:
    """Fill the lane as long as a regime lasts: risk-off above, risk-on below, neutral not at all."""
    parts, begin, count = "", 0, len(sessions)
    for at in range(1, count + 1):
        regime = sessions[begin].regime
        if at < count and sessions[at].regime == regime:
            continue
        side = _SIDES.get(regime)
        if side is not None:
            top = _MIDDLE - _HALF if side == "lead" else _MIDDLE
            left, right = x_of(begin, count), x_of(at, count) if at < count else WIDTH
            parts += (
                f'<rect class="regime {side}" x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" '
                f'height="{_HALF:g}"><title>{regime.replace("_", "-").lower()} from '
                f"{format_session(sessions[begin].label)}</title></rect>"
            )
        begin = at
    return parts
