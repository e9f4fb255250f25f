"""The gate of an answer in words: what held an alert back, and what it would have needed."""

from collections.abc import Mapping
from typing import Final

from convex.why_not.gate import Answer, By, Gate
from convex.why_not.statistic_words import (
    compared,
    level_of,
    name_of_statistic,
    number_of,
    signed,
    warning_of,
)
from shared.domain.divergences import Kind
from shared.domain.instants import format_rfc3339
from shared.domain.pairs import Pair
from shared.domain.snapshots import Trigger
from shared.text.data_faults import describe_cause
from shared.text.divergences import describe_regime
from shared.text.durations import format_duration
from shared.text.early_warnings import format_probability
from shared.text.instants import format_instant
from shared.text.numbers import format_count, format_level, format_percent
from shared.text.trigger_prices import brief_trigger

GATE_WORDS: Final[Mapping[Gate, str]] = {
    Gate.OPENED: "opened",
    Gate.ALREADY_OPEN: "already open",
    Gate.BELOW_LEVEL: "below its level",
    Gate.NOT_LIKELY_ENOUGH: "not likely enough",
    Gate.NOT_HELD_LONG_ENOUGH: "not held long enough",
    Gate.CONDITION_NOT_MET: "condition not met",
    Gate.UNDEFINED: "no value",
    Gate.NO_BASELINE: "no baseline",
    Gate.COOLDOWN: "in its cooldown",
    Gate.INHIBITED: "held back by a data fault",
    Gate.STALE_PRICE: "price too old",
    Gate.RULE_OFF: "switched off",
    Gate.NO_CHANGE: "no change",
    Gate.NO_FAULT: "no fault",
    Gate.NO_LIVE_PRICE: "no live price",
    Gate.NOT_DECIDED: "not decided",
}


_BY_PRICE: Final = (Gate.BELOW_LEVEL, Gate.NOT_LIKELY_ENOUGH, Gate.CONDITION_NOT_MET, Gate.COOLDOWN)


def instant(ns: object) -> str:
    """Return an instant in nanoseconds for people; a dash for none."""
    return format_instant(format_rfc3339(ns) if isinstance(ns, int) and ns else None)


def why(answer: Answer, pair: Pair) -> str:  # noqa: C901 - one sentence for each gate, and nothing else
    """Return what held it back."""
    facts = answer.facts
    match answer.gate:
        case Gate.OPENED:
            return (
                f"It opened at {instant(facts.get('opened_at_ns') or facts.get('ended_at_ns'))}: event "
                f"{facts.get('opened_by') or facts.get('ended_by') or 'unknown'}. Nothing held it back here."
            )
        case Gate.ALREADY_OPEN:
            return _already_open(answer)
        case Gate.BELOW_LEVEL if answer.by is By.PRICE:
            return (
                f"With a probability of {format_percent(answer.rule.probability, 0)} the next close reaches "
                f"z_90 {compared(answer)}; that is not the level {warning_of(answer)}."
            )
        case Gate.BELOW_LEVEL:
            statistic = f"{name_of_statistic(answer)} {compared(answer)}"
            return f"{statistic}: it does not reach the level {warning_of(answer)}."
        case Gate.NOT_LIKELY_ENOUGH:
            return (
                "The live z_90 is at the level, but the next close is there with a probability of "
                f"{format_probability(number_of(facts.get('probability_now')))} only; the rule asks for "
                f"{format_percent(answer.rule.probability, 0)}."
            )
        case Gate.NOT_HELD_LONG_ENOUGH:
            since = instant(facts.get("held_since_ns"))
            return f"The level has been held since {since}, not for the {_hold(answer)} yet."
        case Gate.CONDITION_NOT_MET:
            return (
                f"{name_of_statistic(answer)} {compared(answer)} reaches the level, but {_condition(answer)}."
            )
        case Gate.UNDEFINED | Gate.NO_BASELINE:
            return f"The statistic has no value: {facts.get('why')}."
        case Gate.COOLDOWN:
            return (
                f"The level was reached in the cooldown: it ended at {instant(facts.get('ended_at_ns'))} "
                f"(event {facts.get('ended_by') or 'before the log begins'}), and "
                f"{format_count(int(number_of(facts.get('cooldown_sessions_left')) or 0), 'session')} of "
                f"{answer.rule.cooldown_sessions} are left."
            )
        case Gate.INHIBITED:
            return (
                f"The level was reached, but a data fault holds back every alert: {faults(facts.get('why'))}."
            )
        case Gate.STALE_PRICE:
            age = format_duration(number_of(facts.get("price_age_seconds")))
            return (
                f"The price is at the level, but it is {age} old. The feed went stale, or no price came for "
                f"more than {format_duration(answer.rule.stale_after_seconds)}, so the time does not count."
            )
        case Gate.RULE_OFF:
            return _switched_off(answer)
        case Gate.NO_CHANGE:
            regime = describe_regime(str(facts.get("regime")))
            return f"The regime did not change: it was {regime} before and after."
        case Gate.NO_FAULT:
            return "The data were not at fault, so nothing was held back for them."
        case Gate.NO_LIVE_PRICE:
            return f"{pair.lead_title} had no live price, so no early warning was possible."
        case Gate.NOT_DECIDED:
            return "This close filled the windows for the first time, which decides nothing."


def needed(answer: Answer, pair: Pair, *, present: float | None) -> str:
    """Return what would have opened it; empty where that question has no answer."""
    if answer.gate in _BY_PRICE:
        return _needed_price(answer, pair, present)
    facts = answer.facts
    match answer.gate:
        case Gate.RULE_OFF:
            return f"enabled = true in the table [{answer.kind.value}] of the rules file."
        case Gate.NOT_DECIDED:
            return "One more close."
        case Gate.NO_BASELINE:
            return "agreement_low and agreement_high in the pair's table."
        case Gate.UNDEFINED:
            return "A value, which only further closes can give."
        case Gate.NOT_HELD_LONG_ENOUGH:
            return f"The price at the level until {instant(facts.get('hold_ends_at_ns'))}."
        case Gate.STALE_PRICE:
            return f"A price at the level, again held for {_hold(answer)}."
        case Gate.INHIBITED:
            return "The end of the data fault; what it holds back is then evaluated again."
        case _:
            return ""


def _needed_price(answer: Answer, pair: Pair, present: float | None) -> str:
    lead = pair.lead_title
    if answer.by is By.CLOSE:
        present = number_of(answer.facts.get("lead_close"))
    prices = [_price(each, lead, present) for each in answer.opens_at]
    at = "at that close" if answer.by is By.CLOSE else f"held for {_hold(answer)}"
    if answer.gate is Gate.COOLDOWN:
        critical = f"The end of the cooldown, or a critical value ({level_of(answer, answer.rule.critical)})"
        return f"{critical}: {' or '.join(prices)} {at}." if prices else f"{critical}."
    if prices:
        return f"{' or '.join(prices)} {at}."
    asked = "No close" if answer.by is By.CLOSE else "No live price"
    return f"{asked} of {lead} within a quarter of the last one would have opened it."


def faults(causes: object) -> str:
    """Return the causes of a data fault as people read them, such as ``Gold: stale,IWM: missing_bar``."""
    named = []
    for each in str(causes or "").split(","):
        leg, _, cause = each.rpartition(": ")
        sentence = describe_cause(cause).sentence
        named.append(f"{leg}: {sentence}" if leg else sentence)
    return "; ".join(named)


def _already_open(answer: Answer) -> str:
    facts = answer.facts
    by = f"event {facts['opened_by']}" if facts.get("opened_by") else "before the log begins"
    if answer.kind is Kind.DATA_FAULT:
        cause = f": {faults(facts.get('why'))}" if facts.get("why") else ""
        return (
            f"At fault since {instant(facts.get('opened_at_ns'))} ({by}){cause}. It holds back every alert."
        )
    how = "" if not facts.get("is_flapping") else " It opens and closes too often, so it is held open."
    return (
        f"Open since {instant(facts.get('opened_at_ns'))} ({by}), {facts.get('severity')} and "
        f"{facts.get('confirmation')} now: an open alert is not sent again.{how}"
    )


def _switched_off(answer: Answer) -> str:
    if answer.kind in (Kind.DATA_FAULT, Kind.REGIME_CHANGE) or answer.x is None:
        return "The rule is switched off."
    is_at = answer.x >= answer.rule.warning
    but = f", but {_condition(answer)}" if is_at and not answer.facts.get("can_open") else ""
    return (
        f"The rule is switched off. {name_of_statistic(answer)} {compared(answer)} "
        f"{'reaches' if is_at else 'does not reach'} its published level {warning_of(answer)}{but}."
    )


def _condition(answer: Answer) -> str:
    """Return the condition besides the level that did not hold."""
    if answer.kind is Kind.OPPOSITE_MOVES:
        return "both legs moved the same way in these 5 sessions, or one did not move"
    return (
        f"the correlation changed by {signed(answer.values.get('corr_change'))} only; the rule asks for "
        f"{format_level(answer.rule.min_change)} or more"
    )


def _price(trigger: Trigger, lead: str, present: float | None) -> str:
    if present is None or trigger.lead_price == present:
        side = "at"
    else:
        side = "at or above" if trigger.lead_price > present else "at or below"
    return f"{lead} {side} {brief_trigger(trigger.lead_price, present)}"


def _hold(answer: Answer) -> str:
    return format_duration(answer.rule.hold_seconds)
