"""The sentences around the answers: the headline, what decided, and which input was not used."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from convex.why_not.gate import Answer, By, Gate
from convex.why_not.gate_words import GATE_WORDS
from convex.why_not.inquiry import Findings
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.text.divergences import describe_direction, describe_kind
from shared.text.numbers import format_count

UNUSED_WORDS: Final[Mapping[str, str]] = {
    "tick_late": "{count} older than a tick that came before: late",
    "tick_behind_watermark": "{count} older than event time: used at the time that had been reached",
    "tick_of_other_feed": "{count} of a feed that is not the one in use",
    "tick_outside_session": "{count} outside the exchange's session",
    "tick_implausible": "{count} rejected: the price jumped by more than half",
    "trade_superseded": "{count} beside quotes, which are preferred",
    "status_of_other_feed": "{count} of a feed that is not the one in use (status)",
    "bar_provisional": "{count} provisional: a bar is used once it is final",
    "bar_outdated": "{count} older than one that is known",
    "bar_no_session": "{count} of a date without a session",
    "close_sample_stale": "{count} without a price of the last 15 minutes before it",
    "event_time_went_back": "{count}: event time was too far ahead and went back",
    "authority_assumed": "{count}: another feed was taken into use",
    "other_instrument": "{count} of an instrument that the pair does not have",
}
_UNUSED_NOUNS: Final = {
    "bar": "bar",
    "close": "close",
    "status": "record",
    "event": "time",
    "authority": "time",
}


# Where the words of a gate are about one rule.
_MANY: Final = {
    Gate.BELOW_LEVEL: "below the level",
    Gate.COOLDOWN: "in a cooldown",
    Gate.UNDEFINED: "without a value",
    Gate.NO_BASELINE: "without a baseline",
    Gate.NO_CHANGE: "without a change",
    Gate.CONDITION_NOT_MET: "whose condition was not met",
}


def headline(found: Findings) -> str:
    """Return the answer in one sentence."""
    counts = Counter(answer.gate for answer in found.answers if answer.kind is not Kind.DATA_FAULT)
    at_fault = [
        answer
        for answer in found.answers
        if answer.kind is Kind.DATA_FAULT and answer.gate in (Gate.OPENED, Gate.ALREADY_OPEN)
    ]
    opened = counts.pop(Gate.OPENED, 0)
    parts = [f"{count} {_MANY.get(gate, GATE_WORDS[gate])}" for gate, count in counts.items()]
    first = "No alert opened then" if not opened else f"{format_count(opened, 'alert')} opened then"
    data = (
        "the data were at fault"
        if at_fault
        else "the data were not at fault"
        if any(answer.kind is Kind.DATA_FAULT for answer in found.answers)
        else ""
    )
    return f"{first}: {', '.join(part for part in (*parts, data) if part)}." if parts or data else f"{first}."


def title_of(answer: Answer, pair: Pair) -> str:
    """Return the kind and the direction."""
    if answer.kind is Kind.DATA_FAULT:
        leg = describe_direction(answer.direction, lead=pair.lead_title, other=pair.other_title)
        return f"Data fault of {leg}"
    return describe_kind(answer.kind, answer.direction)


def decided_by(answer: Answer) -> str:
    """Return what decides: a close, the live price, or the data."""
    match answer.by:
        case By.PRICE:
            return "the live price"
        case By.DATA:
            return "the quality of the data"
        case By.CLOSE:
            return "no close yet" if answer.session is None else f"the close of {answer.session}"


def unused_words(reason: str, count: int) -> str:
    """Return why input was not used, with how much of it.

    Examples
    --------
    >>> unused_words("tick_late", 1), unused_words("bar_provisional", 2)
    ('1 tick older than a tick that came before: late', '2 bars provisional: a bar is used once it is final')
    """
    noun = _UNUSED_NOUNS.get(
        reason.partition("_")[0], "tick" if reason.startswith(("tick", "trade")) else "record"
    )
    words = UNUSED_WORDS.get(reason, "{count}: " + reason.replace("_", " "))
    return words.format(count=format_count(count, noun))
