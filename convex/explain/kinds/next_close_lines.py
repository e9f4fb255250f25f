"""How an early warning was decided: what the next close was likely to be, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from convex.explain.arithmetic import MeanAndStd
from convex.explain.levels import sign_of
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.next_close import Expectation, Prices, expect, quantile
from convex.explain.wording import number, term
from convex.explain.working import Line
from shared.domain.divergences import Transition
from shared.domain.instants import parse_rfc3339

NAMES = (
    *("z_90_likely", "z_90_expected", "z_90_spread", "lead_to_come", "other_to_come"),
    *("lead_std_60", "other_std_60", "other_beta_60"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The next close as an event states it.

    Parameters
    ----------
    x
        What is compared with the levels; None is undefined.
    """

    x: float | None = None
    probability: float | None = None
    values: Mapping[str, float | None] = field(default_factory=lambda: dict.fromkeys(NAMES))
    lines: tuple[Line, ...] = (Line(name="next close", formula="a leg did not move", result="undefined"),)


def outlook_at_next_close(material: Material, market: Market, base: MeanAndStd | None) -> Outlook:
    """Return the next close as it was expected at the event, recomputed."""
    event, upcoming = material.event, market.upcoming
    if upcoming is None or base is None or base.std == 0:
        return Outlook()
    other = event.evidence.inputs[1].ts_event_ns
    prices = Prices(
        at_ns=parse_rfc3339(event.occurred_at),
        lead=market.evaluated_lead,
        other=market.evaluated_other,
        other_ts_ns=other,
    )
    returns = market.lead_returns, market.other_returns
    ahead = expect(upcoming, base, returns, market.log_ratios[-1], prices)
    if ahead is None:
        return Outlook()
    sign, wanted = sign_of(event.direction), event.thresholds["probability"]
    x = ahead.likely(wanted, sign)
    level = event.thresholds["critical" if event.type is Transition.ESCALATED else "warning"]
    probability = ahead.probability(level, sign)
    numbers = (
        *(sign * x, ahead.mean, ahead.std, ahead.lead_to_come, ahead.other_to_come),
        *(ahead.lead_std, ahead.other_std, ahead.beta),
    )
    return Outlook(
        x=x,
        probability=probability,
        values=dict(zip(NAMES, numbers, strict=True)),
        lines=_lines(material, market, ahead, base, x=x, level=level),
    )


def _lines(
    material: Material, market: Market, ahead: Expectation, base: MeanAndStd, *, x: float, level: float
) -> tuple[Line, ...]:
    event, titles = material.event, material.titles
    sign, wanted = sign_of(event.direction), event.thresholds["probability"]
    apart = f"{number(ahead.lead_to_come)} × ((1 − {term(ahead.beta)}) × {number(ahead.lead_std)})²"
    alone = f"{number(ahead.other_to_come)} × {number(ahead.other_std)}² × (1 − {term(ahead.correlation)}²)"
    lines = [
        Line(name=f"σ {titles.lead}", formula="a session, half-life of 10", result=number(ahead.lead_std)),
        Line(name=f"σ {titles.other}", formula="a session, half-life of 10", result=number(ahead.other_std)),
        Line(
            name=f"β {titles.other}",
            formula=f"{number(ahead.correlation)} × {number(ahead.other_std)} / {number(ahead.lead_std)}",
            result=number(ahead.beta),
        ),
    ]
    if ahead.ratio != market.evaluated:
        lines.append(
            Line(
                name="ratio expected",
                formula=f"{titles.other} makes β of {titles.lead}'s move since its close",
                result=number(ahead.ratio),
            )
        )
    margin = f"{number(quantile(wanted))} × √(6/8) × {number(ahead.std)}"
    return (
        *lines,
        Line(
            name="z expected",
            formula=f"({number(ahead.ratio)} − {term(base.mean)}) / {number(base.std)}",
            result=number(ahead.mean),
        ),
        Line(name="z spread", formula=f"√({apart} + {alone}) / {number(base.std)}", result=number(ahead.std)),
        Line(
            name="z likely",
            formula=f"{term(sign * ahead.mean)} − {margin}, reached with {wanted:.0%}",
            result=number(x),
        ),
        Line(
            name=f"P(z beyond {level:g})",
            formula=f"Student's t, 8 degrees, at ({term(sign * ahead.mean)} − {level:g}) / spread",
            result=number(ahead.probability(level, sign)),
        ),
    )
