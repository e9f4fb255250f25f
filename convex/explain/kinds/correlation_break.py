"""How ``correlation_break`` decides: Fisher's test of 20 sessions' correlation against that of 252."""

import math

from convex.explain.arithmetic import Comovement, fisher_difference
from convex.explain.hold_and_cooldown import check_cooldown
from convex.explain.kinds.correlation_lines import correlation_lines, size_lines
from convex.explain.levels import SignedStatistic, check_levels, sign_of, signed_name
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.statistics import RECENT, USUAL, returns_together
from convex.explain.wording import against, number, term, what_became, when
from convex.explain.working import Conclusion, Line, Working, return_window
from shared.domain.divergences import Transition
from shared.text.numbers import format_signed


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    event, titles = material.event, material.titles
    recent, usual = returns_together(market, RECENT), returns_together(market, USUAL)
    lines: tuple[Line, ...] = ()
    for together in (recent, usual):
        if together is not None:
            lines += (*correlation_lines(together, titles), *size_lines(together))
    z = None
    change = None
    words = f"the correlation of {titles.lead} and {titles.other} had no history to compare with"
    if recent is not None and usual is not None and recent.correlation and usual.correlation:
        z = fisher_difference(recent.correlation, usual.correlation)
        change = recent.correlation.r - usual.correlation.r
        lines += _test(recent, usual, z, change)
        words = (
            f"{titles.lead} and {titles.other} had a correlation of {format_signed(recent.correlation.r)} "
            f"over {RECENT} sessions, {format_signed(usual.correlation.r)} over {USUAL}"
        )
    x = None if z is None else sign_of(event.direction) * z
    conclusions = check_levels(event, SignedStatistic(name=signed_name("z_F", event.direction), x=x))
    least = event.thresholds.get("min_change")
    if change is not None and least is not None and event.type in (Transition.OPEN, Transition.ESCALATED):
        conclusions += (_is_large(change, least),)
    return Working(
        sentence=f"{when(event)} {words}; {what_became(event)}.",
        window=return_window(market, titles, USUAL),
        lines=lines,
        conclusions=(*conclusions, *check_cooldown(material, market)),
    )


def _test(recent: Comovement, usual: Comovement, z: float | None, change: float) -> tuple[Line, ...]:
    one, two = recent.correlation, usual.correlation
    if one is None or two is None:
        raise AssertionError
    lines = (Line(name="change", formula=f"{number(one.r)} − {term(two.r)}", result=number(change)),)
    if z is None:
        return (
            *lines,
            Line(name="z_F", formula="a correlation of ±1 has no place on the scale", result="undefined"),
        )
    high, low = math.atanh(one.r), math.atanh(two.r)
    width = math.sqrt(1 / (one.effective - 3) + 1 / (two.effective - 3))
    return (
        *lines,
        Line(name="atanh r20", formula=f"atanh({number(one.r)})", result=number(high)),
        Line(name="atanh r252", formula=f"atanh({number(two.r)})", result=number(low)),
        Line(
            name="width",
            formula=f"√(1 / ({number(one.effective)} − 3) + 1 / ({number(two.effective)} − 3))",
            result=number(width),
        ),
        Line(name="z_F", formula=f"({number(high)} − {term(low)}) / {number(width)}", result=number(z)),
    )


def _is_large(change: float, least: float) -> Conclusion:
    is_large = abs(change) >= least
    text = f"|change| = {against(abs(change), least)} {'≥' if is_large else '<'} {least:g}"
    return Conclusion(text=f"{text}: {'' if is_large else 'not '}large enough", holds=is_large)
