"""Whether a live price held its level for as long as the rule asks, tick by tick."""

import math
from bisect import bisect_right

from convex.explaining.arithmetic import Spread
from convex.explaining.levels import sign_of
from convex.explaining.market import CUT_NS, Market
from convex.explaining.material import Material, Ticks
from convex.explaining.numbers import against
from convex.explaining.working import Verdict
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition
from shared.domain.instants import NS_PER_SECOND, from_ns, parse_rfc3339

# Two orders of additions may differ by this much.
_ROUNDING = 1e-9


def held_since_ns(event: DivergenceEvent) -> int | None:
    """Return since when the level must have been held; None where nothing needs holding."""
    if event.confirmation is not Confirmation.PROVISIONAL or event.type not in (
        Transition.OPEN,
        Transition.ESCALATED,
    ):
        return None
    seconds = event.thresholds.get("hold_seconds", 0.0)
    return parse_rfc3339(event.occurred_at) + CUT_NS - int(seconds * NS_PER_SECOND)


def hold(material: Material, market: Market, base: Spread | None) -> tuple[Verdict, ...]:
    """Return whether the level was held by every price; nothing for what needs no holding."""
    event, prices = material.event, material.prices
    since_ns = held_since_ns(event)
    if since_ns is None or base is None or base.std == 0:
        return ()
    seconds = event.thresholds.get("hold_seconds", 0.0)
    if not prices.lead.ts_ns:
        return (Verdict(text=f"held for {seconds:g} s of event time: not checked; {prices.missing}"),)
    lead, other = _from_then_on(prices.lead, since_ns), _from_then_on(prices.other, since_ns)
    level = event.thresholds["critical" if event.severity is Severity.CRITICAL else "warning"]
    sign = sign_of(event.direction)
    least = min(sign * (ratio - base.mean) / base.std for ratio in _ratios(lead, other, market))
    count = len(lead.ts_ns)
    stretch = f"{from_ns(since_ns):%H:%M:%S} to {event.occurred_at[11:19]} UTC"
    name = "z" if sign > 0 else "−z"
    what = f"{name} of all {count:,} prices" if count > 1 else f"{name} of the one price"
    text = f"{what} from {stretch} at least {against(least, level)}"
    if least >= level - _ROUNDING:
        return (Verdict(text=f"{text}: {level:g} held for {seconds:g} s"),)
    changed = [
        bar
        for bar in material.bars.bars
        if since_ns < bar.known_at_ns <= parse_rfc3339(event.occurred_at) + CUT_NS
    ]
    if changed:
        return (Verdict(text=f"{text} against this window, which a bar changed meanwhile"),)
    return (Verdict(text=f"{text}: {level:g} was not held for {seconds:g} s", holds=False),)


def _from_then_on(ticks: Ticks, since_ns: int) -> Ticks:
    """Leave out what was told before the last price at or before an instant, with which the hold began."""
    first = max(bisect_right(ticks.ts_ns, since_ns) - 1, 0)
    return Ticks(ts_ns=ticks.ts_ns[first:], price=ticks.price[first:])


def _ratios(lead: Ticks, other: Ticks, market: Market) -> list[float]:
    """Return the log ratio at each price of either leg."""
    if not other.ts_ns:
        return [math.log(price / market.judged_other) for price in lead.price]
    told = sorted(
        [(ts_ns, 0, price) for ts_ns, price in zip(lead.ts_ns, lead.price, strict=True)]
        + [(ts_ns, 1, price) for ts_ns, price in zip(other.ts_ns, other.price, strict=True)],
        key=lambda each: each[0],
    )
    now: list[float | None] = [None, None]
    ratios = []
    for _, leg, price in told:
        now[leg] = price
        if now[0] is not None and now[1] is not None:
            ratios.append(math.log(now[0] / now[1]))
    return ratios or [market.judged]
