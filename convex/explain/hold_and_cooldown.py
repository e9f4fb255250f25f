"""The two waits of a rule: the hold of a live price at its level, and the cooldown after a divergence."""

import math
from bisect import bisect_right
from itertools import chain
from pathlib import Path

from convex.explain.arithmetic import MeanAndStd
from convex.explain.levels import sign_of, signed_name
from convex.explain.market import CUT_NS, Market
from convex.explain.material import Material, Ticks
from convex.explain.next_close import Prices, expect
from convex.explain.wording import against, moment
from convex.explain.working import Conclusion
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.rules_file import read_rules_file
from shared.domain.divergences import Confirmation, DivergenceEvent, Kind, Severity, Transition
from shared.domain.instants import NS_PER_SECOND, from_ns, parse_rfc3339

# Two orders of additions may differ by no more than this.
_ROUNDING = 1e-9


def held_since_ns(event: DivergenceEvent) -> int | None:
    """Return the time from which the level must have been held; None where the rule needs no hold."""
    if event.confirmation is not Confirmation.PROVISIONAL or event.type not in (
        Transition.OPEN,
        Transition.ESCALATED,
    ):
        return None
    seconds = event.thresholds.get("hold_seconds", 0.0)
    return parse_rfc3339(event.occurred_at) + CUT_NS - int(seconds * NS_PER_SECOND)


def check_hold(material: Material, market: Market, base: MeanAndStd | None) -> tuple[Conclusion, ...]:
    """Return whether every price held the level; empty where the rule needs no hold."""
    event, prices = material.event, material.prices
    since_ns = held_since_ns(event)
    if since_ns is None or base is None or base.std == 0:
        return ()
    seconds = event.thresholds.get("hold_seconds", 0.0)
    if not prices.lead.ts_ns:
        return (Conclusion(text=f"held for {seconds:g} s of event time: not checked; {prices.missing}"),)
    lead, other = _from_then_on(prices.lead, since_ns), _from_then_on(prices.other, since_ns)
    level = event.thresholds["critical" if event.severity is Severity.CRITICAL else "warning"]
    least = min(_deciding(event, market, base, each) for each in _moments(lead, other, market))
    count = len(lead.ts_ns)
    stretch = f"{from_ns(since_ns):%H:%M:%S} to {event.occurred_at[11:19]} UTC"
    name = signed_name("likely z" if "probability" in event.thresholds else "z", event.direction)
    what = f"{name} of all {count:,} prices" if count > 1 else f"{name} of the one price"
    text = f"{what} from {stretch} at least {against(least, level)}"
    if least >= level - _ROUNDING:
        return (Conclusion(text=f"{text}: {level:g} held for {seconds:g} s"),)
    changed = [
        bar
        for bar in material.bars.bars
        if since_ns < bar.known_at_ns <= parse_rfc3339(event.occurred_at) + CUT_NS
    ]
    if changed:
        return (Conclusion(text=f"{text} against this window, which a bar changed meanwhile"),)
    return (Conclusion(text=f"{text}: {level:g} was not held for {seconds:g} s", holds=False),)


def _from_then_on(ticks: Ticks, since_ns: int) -> Ticks:
    """Drop the prices before the hold began: with the last price at or before that instant."""
    first = max(bisect_right(ticks.ts_ns, since_ns) - 1, 0)
    return Ticks(ts_ns=ticks.ts_ns[first:], price=ticks.price[first:])


def _deciding(event: DivergenceEvent, market: Market, base: MeanAndStd, prices: Prices) -> float:
    """Return what the level was compared with at one instant."""
    sign, probability = sign_of(event.direction), event.thresholds.get("probability")
    if probability is None or market.upcoming is None:
        return sign * (math.log(prices.lead / prices.other) - base.mean) / base.std
    returns = market.lead_returns, market.other_returns
    ahead = expect(market.upcoming, base, returns, market.log_ratios[-1], prices)
    return -math.inf if ahead is None else ahead.likely(probability, sign)


def _moments(lead: Ticks, other: Ticks, market: Market) -> list[Prices]:
    """Return the prices of both legs at each price of either."""
    if not other.ts_ns:
        return [
            Prices(at_ns=ts_ns, lead=price, other=market.evaluated_other, other_ts_ns=None)
            for ts_ns, price in zip(lead.ts_ns, lead.price, strict=True)
        ]
    prices = sorted(
        [(ts_ns, 0, price) for ts_ns, price in zip(lead.ts_ns, lead.price, strict=True)]
        + [(ts_ns, 1, price) for ts_ns, price in zip(other.ts_ns, other.price, strict=True)],
        key=lambda each: each[0],
    )
    now: list[tuple[int, float] | None] = [None, None]
    moments = []
    for ts_ns, leg, price in prices:
        now[leg] = ts_ns, price
        if now[0] is not None and now[1] is not None:
            moments.append(Prices(at_ns=ts_ns, lead=now[0][1], other=now[1][1], other_ts_ns=now[1][0]))
    last = Prices(
        at_ns=prices[-1][0], lead=market.evaluated_lead, other=market.evaluated_other, other_ts_ns=None
    )
    return moments or [last]


def stretches_of(event: DivergenceEvent) -> dict[str, tuple[int, int]]:
    """Return the period for which each leg's prices are needed; a leg evaluated by its close has none."""
    since_ns = held_since_ns(event)
    return {
        each.instrument: (min(each.ts_event_ns, since_ns or each.ts_event_ns), each.ts_event_ns)
        for each in event.evidence.inputs
        if each.ts_event_ns is not None
    }


def check_cooldown(material: Material, market: Market) -> tuple[Conclusion, ...]:
    """Return whether an opening waited for the cooldown; empty for any other transition."""
    event = material.event
    if event.type is not Transition.OPEN:
        return ()
    ends = [each for each in material.before if each.fingerprint == event.fingerprint and each.type.is_final]
    if not ends:
        return (
            Conclusion(
                text=f"nothing of this kind and direction ended before it in {material.events}: no cooldown"
            ),
        )
    last = ends[-1]
    passed = _sessions_since(last, event, market)
    sessions = f"{passed} session{'' if passed == 1 else 's'}"
    ended = f"the one before ended {moment(last.occurred_at)}, {sessions} earlier"
    wait = material.cooldown_sessions
    if wait is None:
        return (Conclusion(text=f"{ended}; its cooldown is in the rule {event.evidence.rule_version}"),)
    if passed >= wait:
        return (Conclusion(text=f"{ended}: the cooldown of {wait} was over"),)
    if event.severity is Severity.CRITICAL:
        return (Conclusion(text=f"{ended}: within the cooldown of {wait}, which does not apply at critical"),)
    was_unconfirmed = last.confirmation is Confirmation.PROVISIONAL or last.type is Transition.NOT_CONFIRMED
    if event.confirmation is Confirmation.CONFIRMED and was_unconfirmed:
        why = "which after an unconfirmed divergence applies to early warnings only"
        return (Conclusion(text=f"{ended}: within the cooldown of {wait}, {why}"),)
    # After an end by a live price, whether that day counts depends on the minute. Only an end by a close is
    # counted exactly.
    is_exact = last.evidence.inputs[0].session is not None
    return (Conclusion(text=f"{ended}: within the cooldown of {wait}", holds=not is_exact),)


def _sessions_since(last: DivergenceEvent, event: DivergenceEvent, market: Market) -> int:
    """Count the sessions evaluated after the end of the one before, up to this event."""
    ended_with = last.evidence.inputs[0].session
    if ended_with is None:
        # By price: that day's own close was still to come, or has just been evaluated.
        return sum(session >= last.occurred_at[:10] for session in market.sessions)
    return sum(session > ended_with for session in market.sessions)


def cooldowns_of(path: Path | None) -> dict[str, int]:
    """Return the cooldown in sessions by rule version, of the published rules and of all in a rules file.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    file = read_rules_file(path)
    known = [file.rules_of(pair, without_levels=Kind) for pair in (None, *file.of_pair)]
    return {rule.version: rule.cooldown_sessions for rule in chain(PUBLISHED_RULES, *known)}
