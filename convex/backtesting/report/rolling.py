"""How closely the legs moved together over time: rolling correlations with an interval, and rolling beta."""

from collections.abc import Sequence
from html import escape
from typing import Final

from convex.backtesting.report.axis import Axis, Mark, linear_axis
from convex.backtesting.report.date_marks import DateMark, date_marks
from convex.backtesting.report.episodes import Session
from convex.backtesting.report.lines import band, polylines
from convex.backtesting.report.panel import End, dates_below, panel
from shared.domain.pairs import Pair
from shared.text.numbers import format_signed

_CORRELATION_HEIGHT, _BETA_HEIGHT = 200.0, 130.0
# The line of the middle window, which has the interval, lies on top.
_WINDOWS: Final = (("corr_20", "fast", 20), ("corr_252", "slow", 252), ("corr_60", "z", 60))
_CORRELATION_MARKS: Final = tuple(
    Mark(value=value, label=label)
    for value, label in ((0.0, "0"), (1.0, "1"), (-1.0, "−1"), (0.5, "0.5"), (-0.5, "−0.5"))
)


def rolling(sessions: Sequence[Session], pair: Pair) -> str:
    """Return the section as HTML."""
    dates = date_marks([each.label for each in sessions]) if sessions else []
    parts = [part for part in (_correlations(sessions, dates), _beta(sessions, pair, dates)) if part]
    if not parts:
        return (
            '<section id="rolling"><h2>Correlation and beta</h2>'
            "<p>Fewer than 21 sessions with both legs: no window is full.</p></section>"
        )
    return (
        '<section id="rolling"><h2>Correlation and beta</h2>'
        f'<div class="chart">{"".join(parts)}{dates_below(dates)}</div>'
        '<p class="legend"><span><i class="fast line"></i>20 sessions</span>'
        '<span><i class="z line"></i>60 sessions</span><span><i class="interval"></i>its 95% interval, in '
        'sessions that were evaluated</span><span><i class="slow line"></i>252 sessions</span></p></section>'
    )


def _correlations(sessions: Sequence[Session], dates: Sequence[DateMark]) -> str:
    lines = {name: [each.columns[name] for each in sessions] for name, _, _ in _WINDOWS}
    if not any(value is not None for line in lines.values() for value in line):
        return ""
    axis = Axis(low=-1.05, high=1.05, height=_CORRELATION_HEIGHT, marks=_CORRELATION_MARKS)
    lows = [each.evaluated.get("corr_ci_60_low") for each in sessions]
    highs = [each.evaluated.get("corr_ci_60_high") for each in sessions]
    ends = [
        End(kind=kind, text=f"{window}: {format_signed(last)}", value=last)
        for name, kind, window in _WINDOWS
        if (last := lines[name][-1]) is not None
    ]
    return panel(
        axis,
        caption="Correlation of daily log returns over the last 20, 60 and 252 sessions",
        drawing=band(lows, highs, axis, "interval")
        + "".join(polylines(lines[name], axis, kind) for name, kind, _ in _WINDOWS),
        ends=ends,
        dates=dates,
        described="Rolling correlation over 20, 60 and 252 sessions, with the 95% interval of that over 60",
    )


def _beta(sessions: Sequence[Session], pair: Pair, dates: Sequence[DateMark]) -> str:
    betas = [each.columns["beta_60"] for each in sessions]
    known = [beta for beta in betas if beta is not None]
    if not known:
        return ""
    axis = linear_axis([*known, 0.0], height=_BETA_HEIGHT)
    return panel(
        axis,
        caption=f"Beta of {escape(pair.lead_title)} on {escape(pair.other_title)} over the last 60 sessions",
        drawing=polylines(betas, axis, "z"),
        ends=[End(kind="z", text=f"beta {format_signed(known[-1])}", value=known[-1])]
        if betas[-1] is not None
        else (),
        dates=dates,
        described="Rolling beta over 60 sessions",
    )
