"""The profit and the drawdown of a position with and without the hedge, as charts and a table."""

from html import escape

from convex.backtesting.report.axis import linear_axis
from convex.backtesting.report.date_marks import DateMark, date_marks
from convex.backtesting.report.hedge import HedgeTest, Performance
from convex.backtesting.report.lines import polylines
from convex.backtesting.report.panel import End, dates_below, panel
from shared.domain.divergences import Estimate
from shared.domain.pairs import Pair
from shared.text.instants import format_session
from shared.text.numbers import (
    DASH,
    format_count,
    format_number,
    format_percent,
    format_signed,
    format_signed_percent,
)

_WEALTH_HEIGHT, _DRAWDOWN_HEIGHT, _RATIO_HEIGHT = 190.0, 120.0, 90.0


def hedge_section(test: HedgeTest | None, pair: Pair) -> str:
    """Return the section as HTML."""
    lead, other = escape(pair.lead_title), escape(pair.other_title)
    head = f'<section id="hedge"><h2>Hedge: {other} with and without {lead}</h2>'
    if test is None:
        return (
            f"{head}<p>The hedge ratio needs 60 returns, and the comparison 20 sessions after them: "
            "there are fewer.</p></section>"
        )
    left_out = (
        f" {format_count(test.left_out, 'session')} without a known ratio are in neither position."
        if test.left_out
        else ""
    )
    return (
        f'{head}<p class="reading">{hedge_sentence(test.effectiveness, pair)}</p>'
        f'<div class="chart">{_charts(test, pair)}</div>{_table(test, pair)}'
        f'<p class="source">One unit of {other}, and the same with h units of {lead}, where h is the '
        "<code>hedge_ratio_60</code> of the session before: out of sample. Returns of adjusted closes, "
        f"brought back to size at each close, without costs or financing.{left_out} "
        "This shows what the estimate did. It is no advice.</p></section>"
    )


def hedge_sentence(effectiveness: Estimate, pair: Pair) -> str:
    """Return what the comparison allows to say about the variance, as HTML."""
    value, low, high = effectiveness.value, effectiveness.low, effectiveness.high
    if value is None or low is None or high is None:
        return "The position had no variance that a hedge could remove."
    lead, other = escape(pair.lead_title), escape(pair.other_title)
    size = (
        f"{format_percent(abs(value))} (95%: {format_signed_percent(low)} to {format_signed_percent(high)} "
        "removed)"
    )
    if low > 0.0:
        return f"{lead} as a hedge removed {size} of the variance of {other}."
    if high < 0.0:
        return f"{lead} as a hedge added {size} to the variance of {other}."
    done = "removed" if value >= 0.0 else "added"
    return (
        f"{lead} as a hedge {done} {size} of the variance of {other}. The interval contains zero: "
        "it is not shown that the hedge changed the variance at all."
    )


def _charts(test: HedgeTest, pair: Pair) -> str:
    dates = date_marks(test.sessions)
    alone, hedged = (100.0 * each.wealth for each in (test.alone, test.hedged))
    axis = linear_axis([*alone.tolist(), *hedged.tolist()], height=_WEALTH_HEIGHT)
    wealth = panel(
        axis,
        caption=f"Value of the position, {format_session(test.sessions[0])} = 100",
        drawing=polylines(alone.tolist(), axis, "other") + polylines(hedged.tolist(), axis, "hedged"),
        ends=[
            End(kind="other", text=f"alone {format_number(alone[-1], 0)}", value=float(alone[-1])),
            End(kind="hedged", text=f"hedged {format_number(hedged[-1], 0)}", value=float(hedged[-1])),
        ],
        dates=dates,
        described=f"Value of {pair.other_title} alone and with its hedge in {pair.lead_title}",
    )
    return wealth + _drawdowns(test, dates) + _ratios(test, pair, dates) + dates_below(dates)


def _drawdowns(test: HedgeTest, dates: list[DateMark]) -> str:
    alone, hedged = test.alone.drawdowns.tolist(), test.hedged.drawdowns.tolist()
    axis = linear_axis([*alone, *hedged, 0.0], height=_DRAWDOWN_HEIGHT, unit="%")
    return panel(
        axis,
        caption="Drawdown: below the highest value so far",
        drawing=polylines(alone, axis, "other") + polylines(hedged, axis, "hedged"),
        ends=[
            End(kind="other", text=f"alone {format_signed_percent(alone[-1])}", value=alone[-1]),
            End(kind="hedged", text=f"hedged {format_signed_percent(hedged[-1])}", value=hedged[-1]),
        ],
        dates=dates,
    )


def _ratios(test: HedgeTest, pair: Pair, dates: list[DateMark]) -> str:
    # The hedge was held from one session to the next, so there is one fewer than there are closes.
    ratios = [None, *test.ratios.tolist()]
    axis = linear_axis([*test.ratios.tolist(), 0.0], height=_RATIO_HEIGHT)
    return panel(
        axis,
        caption=f"h: units of {escape(pair.lead_title)} held for one of {escape(pair.other_title)}",
        drawing=polylines(ratios, axis, "lead"),
        ends=[End(kind="lead", text=f"h {format_signed(test.ratios[-1])}", value=float(test.ratios[-1]))],
        dates=dates,
    )


def _table(test: HedgeTest, pair: Pair) -> str:
    other, lead = escape(pair.other_title), escape(pair.lead_title)
    rows = _row(f"{other} alone", test.alone) + _row(f"{other} with {lead}", test.hedged)
    return (
        '<div class="scrolls"><table class="hedge"><thead><tr><th>Position</th><th class="n">Return</th>'
        '<th class="n">Volatility<br>a year</th><th class="n">Largest<br>drawdown</th><th>From</th>'
        f"<th>To</th><th>Recovered</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(name: str, one: Performance) -> str:
    worst = one.worst
    dates = [_date(worst.begin), _date(worst.lowest)]
    dates.append(_date(worst.recovered) if worst.recovered or worst.begin is None else "not yet")
    return (
        f'<tr><td>{name}</td><td class="n">{format_signed_percent(one.total)}</td>'
        f'<td class="n">{format_percent(one.volatility)}</td>'
        f'<td class="n">{format_signed_percent(worst.depth)}</td>'
        + "".join(f"<td>{each}</td>" for each in dates)
        + "</tr>"
    )


def _date(label: str | None) -> str:
    return DASH if label is None else format_session(label)
