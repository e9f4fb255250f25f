"""How ``ratio_stretch`` decides: the log ratio in standard deviations from its mean of 90 sessions."""

import math

from convex.explain.arithmetic import MeanAndStd
from convex.explain.hold_and_cooldown import check_cooldown, check_hold
from convex.explain.kinds.next_close_lines import outlook_at_next_close
from convex.explain.levels import SignedStatistic, check_levels, sign_of, signed_name
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.statistics import RATIO_WINDOW, ratio_mean_and_std
from convex.explain.wording import number, price, ratio_name, term, what_became, when
from convex.explain.working import Line, Working, ratio_window


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    event, titles = material.event, material.titles
    base = ratio_mean_and_std(market)
    z = (market.evaluated - base.mean) / base.std if base is not None and base.std > 0 else None
    sign = sign_of(event.direction)
    measured = SignedStatistic(name=signed_name("z", event.direction), x=None if z is None else sign * z)
    lines = ratio_lines(material, market, base, z)
    outlook = None
    if "probability" in event.thresholds and market.upcoming is not None:
        outlook = outlook_at_next_close(material, market, base)
        measured = SignedStatistic(name=signed_name("likely z", event.direction), x=outlook.x)
        lines += outlook.lines
    elif base is not None and z is not None:
        lines += _in_prices(material, market, base)
    return Working(
        sentence=f"{when(event)} {ratio_words(material, z)}; {what_became(event)}.",
        window=ratio_window(market, titles, RATIO_WINDOW),
        lines=lines,
        conclusions=(
            *check_levels(event, measured),
            *check_hold(material, market, base),
            *check_cooldown(material, market),
        ),
        values={} if outlook is None else outlook.values,
        probability=None if outlook is None else outlook.probability,
    )


def ratio_words(material: Material, z: float | None) -> str:
    """Return how the lead compares with the other leg, as the middle of a sentence."""
    lead, other = material.titles.lead, material.titles.other
    if z is None:
        return f"{lead} against {other} had no usual range to compare with"
    side = "above" if z > 0 else "below"
    return f"{lead} stood {abs(z):.2f} standard deviations {side} its {RATIO_WINDOW}-session mean in {other}"


def ratio_lines(
    material: Material, market: Market, base: MeanAndStd | None, z: float | None
) -> tuple[Line, ...]:
    """Return the lines from the window's sum to z."""
    name = ratio_name(material)
    evaluated = Line(
        name=name,
        formula=f"ln({price(market.evaluated_lead)} / {price(market.evaluated_other)})",
        result=number(market.evaluated),
    )
    if base is None:
        return (
            evaluated,
            Line(name="mean, std", formula=f"need {RATIO_WINDOW} sessions", result="undefined"),
        )
    lines = (
        Line(name="sum", formula=f"Σ {name}, {base.count} sessions", result=number(base.total)),
        Line(name="mean", formula=f"{number(base.total)} / {base.count}", result=number(base.mean)),
        Line(name="squares", formula=f"Σ ({name} − mean)²", result=number(base.squares)),
        Line(name="std", formula=f"√({number(base.squares)} / {base.count - 1})", result=number(base.std)),
        evaluated,
    )
    if z is None:
        return (*lines, Line(name="z", formula="a window that does not move", result="undefined"))
    formula = f"({number(market.evaluated)} − {term(base.mean)}) / {number(base.std)}"
    return (*lines, Line(name="z", formula=formula, result=number(z)))


def _in_prices(material: Material, market: Market, base: MeanAndStd) -> tuple[Line, ...]:
    """Return the levels as prices of the lead: what a trader would have seen on the screen."""
    sign = sign_of(material.event.direction)
    lines = []
    for name in ("warning", "critical", "leave"):
        level = material.event.thresholds.get(name)
        if level is None:
            continue
        at = market.evaluated_other * math.exp(base.mean + sign * level * base.std)
        step = f"{'+' if sign > 0 else '−'} {level:g} × {number(base.std)}"
        lines.append(
            Line(
                name=f"{name} at",
                formula=f"{price(market.evaluated_other)} × e^({number(base.mean)} {step})",
                result=f"{material.titles.lead} {at:.2f}",
            )
        )
    return tuple(lines)
