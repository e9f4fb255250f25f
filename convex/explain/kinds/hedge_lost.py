"""How ``hedge_lost`` decides: the lower end of the 60-session correlation's interval."""

from convex.explain.hold_and_cooldown import check_cooldown
from convex.explain.kinds.correlation_lines import correlation_lines, interval_lines, size_lines
from convex.explain.levels import SignedStatistic, check_levels
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.statistics import HEDGE, returns_together
from convex.explain.wording import what_became, when
from convex.explain.working import Line, Working, return_window
from shared.text.numbers import format_signed


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    event, titles = material.event, material.titles
    together = returns_together(market, HEDGE)
    found = together.correlation if together is not None else None
    lines: tuple[Line, ...] = ()
    if together is not None:
        lines = (*correlation_lines(together, titles), *size_lines(together), *interval_lines(together))
    words = f"the correlation of {titles.lead} and {titles.other} was undefined"
    if found is not None:
        words = (
            f"{titles.lead} and {titles.other} had a correlation of {format_signed(found.r)} over {HEDGE} "
            f"sessions (95%: {format_signed(found.low)} to {format_signed(found.high)})"
        )
    measured = SignedStatistic(
        name="lower end",
        x=found.low if found is not None else None,
        leave_name=f"r{HEDGE}",
        leave_value=found.r if found is not None else None,
        is_strict=True,
    )
    return Working(
        sentence=f"{when(event)} {words}; {what_became(event)}.",
        window=return_window(market, titles, HEDGE),
        lines=lines,
        conclusions=(*check_levels(event, measured), *check_cooldown(material, market)),
    )
