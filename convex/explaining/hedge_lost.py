"""How ``hedge_lost`` decides: the lower end of the 60-session correlation's interval."""

from convex.explaining.cooling import cooldown
from convex.explaining.correlation_lines import correlation_lines, interval_lines, size_lines
from convex.explaining.hedging import HEDGE
from convex.explaining.levels import Measured, judge
from convex.explaining.market import Market
from convex.explaining.material import Material
from convex.explaining.recomputed import returns_together
from convex.explaining.story import what_became, when
from convex.explaining.windows import return_window
from convex.explaining.working import Line, Working


def work(material: Material, market: Market) -> Working:
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
            f"{titles.lead} and {titles.other} had a correlation of {found.r:+.2f} over {HEDGE} sessions "
            f"(95 %: {found.low:+.2f} to {found.high:+.2f})"
        )
    measured = Measured(
        name="lower end",
        x=found.low if found is not None else None,
        end_name=f"r{HEDGE}",
        end_x=found.r if found is not None else None,
        is_strict=True,
    )
    return Working(
        sentence=f"{when(event)} {words}; {what_became(event)}.",
        window=return_window(market, titles, HEDGE),
        lines=lines,
        verdicts=(*judge(event, measured), *cooldown(material, market)),
    )
