"""How ``evidence_break`` decides: what 120 bettors against the stated baseline own together."""

from convex.explain.evidence import (
    LEAST,
    MEANS,
    SCALE,
    STAKES,
    STARTS,
    Bets,
    for_loosening,
    for_tightening,
    share,
    sides,
)
from convex.explain.hold_and_cooldown import check_cooldown
from convex.explain.levels import SignedStatistic, check_levels
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.wording import number, what_became, when
from convex.explain.working import Conclusion, Line, Working, return_window
from shared.domain.divergences import Direction
from shared.text.numbers import format_percent

_RECENT = 60


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    event, titles = material.event, material.titles
    is_tighter = event.direction is Direction.TIGHTENING
    found = for_tightening(market) if is_tighter else for_loosening(market)
    recent = share(market, _RECENT)
    words = f"the agreement of {titles.lead} and {titles.other} was undefined"
    if recent is not None:
        words = (
            f"{titles.lead} and {titles.other} had moved to the same side of their means in "
            f"{format_percent(recent, 0)} of the last {_RECENT} sessions"
        )
    x = found.evidence if found is not None else None
    conclusions = check_levels(event, SignedStatistic(name="e", x=x))
    if market.band is None:
        conclusions += (Conclusion(text="the event states no baseline", holds=False),)
    return Working(
        sentence=f"{when(event)} {words}; {what_became(event)}.",
        window=return_window(market, titles, MEANS + STARTS),
        lines=() if found is None else _lines(market, found, is_tighter=is_tighter),
        conclusions=(*conclusions, *check_cooldown(material, market)),
    )


def _lines(market: Market, found: Bets, *, is_tighter: bool) -> tuple[Line, ...]:
    agreed = sides(market)
    if market.band is None:
        raise AssertionError
    probability = market.band[1] if is_tighter else 1 - market.band[0]
    stated = (
        f"upper end {number(market.band[1])}" if is_tighter else f"1 − the lower end {number(market.band[0])}"
    )
    owned = " + ".join(map(number, found.owned))
    return (
        Line(
            name="agreed",
            formula=f"of {len(agreed)} sessions, each return less the mean of the {LEAST} to {MEANS} before",
            result=f"{agreed.count(1)}, opposite {agreed.count(-1)}",
        ),
        Line(name="p", formula=f"the baseline's {stated}", result=number(probability)),
        Line(
            name="odds",
            formula=f"(1 − {number(probability)}) / {number(probability)}",
            result=number(found.odds),
        ),
        *(
            Line(
                name=f"owned at {stake:g}",
                formula=f"{len(agreed)} starts: × {number(1 + stake * found.odds)} if right, "
                f"× {number(1 - stake)} if wrong",
                result=number(owns),
            )
            for stake, owns in zip(STAKES, found.owned, strict=True)
        ),
        Line(name="e", formula=f"{SCALE} × ({owned}) / {len(STAKES)}", result=number(found.evidence)),
    )
