"""What the live price decided about an early warning, and the price or the time that was missing.

====================================== ===========================
live price and state                   gate
====================================== ===========================
the kind has no rule                   ``rule_off``
the divergence is open                 ``already_open``, ``opened``
no live price of the lead              ``no_live_price``
nothing can be said of the next close  ``undefined``
held, and muted by its cooldown        ``cooldown``
held, but not for long enough          ``not_held_long_enough``
z beyond the level, but not likely     ``not_likely_enough``
below the level                        ``below_level``
beyond it, and a hold was ended        ``stale_price``, ``inhibited``
====================================== ===========================
"""

from convex.why_not.close_answers import facts_of_state, faults_of
from convex.why_not.decisions import Decisions, Hold
from convex.why_not.gate import Answer, By, Gate
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.on_price import hold_ends_at_ns
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState, Phase
from services.signals.core.kinds.registry import KINDS
from services.signals.core.pairs.decision_context import context_of_price
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.statistics.next_close import RETURNS, margin_of
from services.signals.core.undefined import why_undefined
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.instants import NS_PER_SECOND, parse_rfc3339
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import Trigger, TriggerAt

_KIND = Kind.RATIO_STRETCH


def price_answers(monitor: PairMonitor, decisions: Decisions, at_ns: int) -> list[Answer]:
    """Return what the newest price decided at an instant, in both directions."""
    triggers = tuple(
        each
        for each in monitor.triggers.at(at_ns)
        if each.at is TriggerAt.LIVE and each.transition is Transition.OPEN
    )
    return [_answer(monitor, decisions, direction, triggers, at_ns) for direction in DIRECTIONS[_KIND]]


def _answer(
    monitor: PairMonitor,
    decisions: Decisions,
    direction: Direction,
    triggers: tuple[Trigger, ...],
    at_ns: int,
) -> Answer:
    statistics, last_price = monitor.statistics, monitor.legs.lead.last_price
    rule = monitor.config.rule_of.get(_KIND, KINDS[_KIND].default_rule)
    state = monitor.transitions.divergence(_KIND, direction)
    ahead, ratio, sign = statistics.next_close(), monitor.legs.live_ratio(), sign_of(direction)
    likely = (
        None
        if ahead is None or ratio is None
        else ahead.likely(ratio, sign=sign, margin=margin_of(rule.probability))
    )
    live, ends_at_ns = statistics.live_values(), hold_ends_at_ns(state, rule)
    is_at_level = live["z_90"] is not None and sign * live["z_90"] >= rule.warning
    holds = [hold for hold in decisions.holds if hold.direction is direction and hold.until_ns <= at_ns]
    gate = _gate_of(monitor, rule, state, likely, holds, is_at_level=is_at_level)
    if gate is Gate.ALREADY_OPEN and _has_just_opened(decisions, direction, at_ns):
        gate = Gate.OPENED
    facts: dict[str, float | int | str | bool | None] = {
        **facts_of_state(state, decisions, (_KIND, direction)),
        "price_age_seconds": None if last_price.price is None else (at_ns - last_price.ts_ns) / NS_PER_SECOND,
        "held_since_ns": state.warning_since_ns if state.phase is Phase.PENDING else None,
        "hold_ends_at_ns": ends_at_ns if state.phase is Phase.PENDING else None,
        "probability_now": statistics.probability(rule.warning, sign=sign),
        "last_hold_since_ns": holds[-1].since_ns if holds else None,
        "last_hold_until_ns": holds[-1].until_ns if holds else None,
        "last_hold_ended_by": holds[-1].ended_by if holds else None,
        "is_on": _KIND in monitor.config.rule_of,
    }
    if gate is Gate.UNDEFINED:
        facts["why"] = _why_undefined(monitor)
    if gate is Gate.INHIBITED:
        facts["why"] = ",".join(faults_of(monitor))
    return Answer(
        kind=_KIND,
        direction=direction,
        by=By.PRICE,
        gate=gate,
        rule=rule,
        values=dict(context_of_price(statistics, rule, direction, level=rule.warning, at_ns=at_ns).values),
        x=likely,
        phase=state.phase,
        facts=facts,
        opens_at=tuple(each for each in triggers if each.direction is direction)
        if state.phase is not Phase.OPEN
        else (),
    )


def _gate_of(
    monitor: PairMonitor,
    rule: Rule,
    state: DivergenceState,
    likely: float | None,
    holds: list[Hold],
    *,
    is_at_level: bool,
) -> Gate:
    if state.phase is Phase.OPEN:
        return Gate.ALREADY_OPEN
    if _KIND not in monitor.config.rule_of:
        return Gate.RULE_OFF
    if monitor.legs.lead.last_price.price is None:
        return Gate.NO_LIVE_PRICE
    if likely is None:
        return Gate.UNDEFINED
    if state.phase is Phase.PENDING:
        return Gate.COOLDOWN if state.is_muted else Gate.NOT_HELD_LONG_ENOUGH
    if likely < rule.warning:
        return Gate.NOT_LIKELY_ENOUGH if is_at_level else Gate.BELOW_LEVEL
    if monitor.transitions.is_inhibited or (holds and holds[-1].ended_by == "inhibited"):
        return Gate.INHIBITED
    # Idle beyond the level: a stale feed ended the hold, and no price has come since.
    return Gate.STALE_PRICE


def _has_just_opened(decisions: Decisions, direction: Direction, at_ns: int) -> bool:
    opened = decisions.opened.get((_KIND, direction))
    return opened is not None and parse_rfc3339(opened.occurred_at) == at_ns


def _why_undefined(monitor: PairMonitor) -> str:
    statistics = monitor.statistics
    if statistics.base is None:
        return why_undefined("z_90", statistics.count)
    if statistics.returns is None:
        if statistics.count <= RETURNS:
            return f"warming up: {statistics.count} of {RETURNS + 1} sessions"
        return "a leg did not move in the last 60 sessions, so nothing is known of its next move"
    return "there is no price of the other leg yet"
