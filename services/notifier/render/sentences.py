"""The sentences of a message: subject, headline, what happened, confirmation and significance."""

from typing import Final

from services.notifier.core.deliveries import Replaced
from services.notifier.render.kind_text import KindText
from services.notifier.render.wording import estimate, number, seconds_between, signed
from shared.domain.deliveries import Outcome
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition
from shared.text.chance import describe_chance
from shared.text.divergences import TRANSITION_WORDS
from shared.text.durations import format_duration
from shared.text.early_warnings import describe_probability, format_probability
from shared.text.instants import format_instant_in_words

_WAYS_TO_MISS: Final = {
    Outcome.EXPIRED: "expired",
    Outcome.SUPERSEDED: "replaced by a newer one",
    Outcome.REJECTED: "refused",
}


def subject(event: DivergenceEvent, text: KindText, headline: str, *, is_simulated: bool) -> str:
    """Return the subject: what happened, the deciding statistic, and whether closes confirm it."""
    simulated = "[SIMULATED] " if is_simulated else ""
    critical = "CRITICAL: " if _is_alarming(event) else ""
    if not event.kind.is_market and event.type is not Transition.TEST:
        # A data fault does not wait for a close that confirms it.
        cause = f" ({text.figure})" if text.figure else ""
        return f"{simulated}{critical}{headline}{cause}"
    figure = f", {text.figure}" if text.figure else ""
    likely = "" if event.probability is None else f", {format_probability(event.probability)} likely"
    return f"{simulated}{critical}{headline}{figure} ({event.confirmation.value}{likely})"


def headline_of(event: DivergenceEvent, text: KindText, lead: str, other: str) -> str:
    """Return what happened in one line."""
    match event.type:
        case Transition.OPEN:
            return text.headline
        case Transition.ESCALATED | Transition.EASED | Transition.NOT_CONFIRMED | Transition.EXPIRED:
            return f"{text.headline}: {TRANSITION_WORDS[event.type]}"
        case Transition.REVISED:
            if event.is_flapping:
                return f"{text.headline}: held open"
            return f"{text.headline}: {'confirmed' if _is_confirmed(event) else TRANSITION_WORDS[event.type]}"
        case Transition.CLOSED:
            return text.closed_headline
        case Transition.TEST:
            return f"Test message for {lead} and {other}"


def what_happened(event: DivergenceEvent, text: KindText) -> tuple[str, ...]:
    """Return what happened, what it means and since when, in sentences."""
    lasted = format_duration(seconds_between(event.opened_at, event.occurred_at))
    opened = f"It opened {lasted} earlier, on {format_instant_in_words(event.opened_at)}."
    ended = f"It opened on {format_instant_in_words(event.opened_at)} and lasted {lasted}."
    what = "fault" if not event.kind.is_market else "divergence"
    flapping = (
        (f"This {what} opens and closes so often that it is held open until it settles.",)
        if event.is_flapping and not event.type.is_final
        else ()
    )
    match event.type:
        case Transition.OPEN:
            return (f"{text.happened} {text.meaning}", *flapping)
        case Transition.ESCALATED:
            escalated = f"The {what} has crossed the threshold for {event.severity.value}."
            return (f"{escalated} {text.meaning}", opened, *flapping)
        case Transition.EASED:
            eased = f"The {what} has eased to {event.severity.value}, but it is still open."
            return (eased, opened, *flapping)
        case Transition.REVISED:
            revised = (_revised(event, text),) if event.kind.is_market else ()
            return (*revised, opened, *flapping) if revised else (*flapping, opened)
        case Transition.CLOSED:
            return (text.ended,) if event.is_instant else (text.ended, ended)
        case Transition.NOT_CONFIRMED:
            return (f"The early warning is withdrawn: {text.withdrawn}.", ended)
        case Transition.EXPIRED:
            return ("The early warning has expired: no close arrived that could confirm it.", ended)
        case Transition.TEST:
            return ("Somebody sent this message to test that messages arrive. Nothing has happened.",)


def confirmation(event: DivergenceEvent, lead: str, other: str) -> str:
    """Return what decided, closes or a live price, and how old the prices are."""
    if event.type is Transition.TEST:
        return "A real message shows here which prices decided; a test message has none."
    if not event.kind.is_market:
        return "Data faults are decided by what a feed delivers, not by a price."
    ages = [format_duration(leg.age_seconds) for leg in event.legs]
    aged = f" {lead}'s price was {ages[0]} old, {other}'s {ages[1]}." if len(ages) == 2 else ""
    if _is_confirmed(event):
        return f"Confirmed: decided by both legs' closes.{aged}"
    if event.probability is not None:
        return (
            f"Provisional: the next close is estimated from {_known_prices(event, lead, other)}.{aged} "
            f"{describe_probability(event.probability, event.type)}"
        )
    outlook = "" if event.type.is_final else " The next close confirms it or withdraws it."
    return f"Provisional: a live price of {lead} against the last close of {other}.{aged}{outlook}"


def not_delivered(event: DivergenceEvent, replaces: tuple[Replaced, ...]) -> tuple[str, ...]:
    """Return which earlier messages the reader never got; empty if there are none.

    Parameters
    ----------
    replaces
        Earlier messages of the same divergence, oldest first.
    """
    if not replaces:
        return ()
    ways = dict.fromkeys(_WAYS_TO_MISS.get(each.outcome, each.outcome.value) for each in replaces)
    what = "divergence" if event.kind.is_market else "fault"
    if len(replaces) == 1:
        return (f"An earlier message about this {what} was not delivered to you: {next(iter(ways))}.",)
    count = len(replaces)
    return (f"{count} earlier messages about this {what} were not delivered to you: {', '.join(ways)}.",)


def significance(event: DivergenceEvent) -> tuple[str, ...]:
    """Return how often chance alone would open the rule, and how certain the deciding correlation is.

    Returns
    -------
    tuple of str
        Sentences; empty for a data fault, which is not about the market.
    """
    if event.significance is None:
        return ()
    chance = describe_chance(event.kind, event.significance)
    correlation, size = event.significance.correlation, event.significance.effective_size
    if correlation is None:
        return chance
    worth = "" if size is None else f", worth {number(size, 0)} independent sessions"
    return (*chance, f"The correlation that decided: {estimate(correlation, signed)}{worth}.")


def _known_prices(event: DivergenceEvent, lead: str, other: str) -> str:
    # A leg that is named by its session is known by its close; a live one by the instant of its price.
    live = [
        name
        for name, given in zip((lead, other), event.evidence.inputs, strict=False)
        if given.session is None
    ]
    if len(live) > 1:
        return f"live prices of {lead} and {other}"
    return f"a live price of {lead} and the last close of {other}"


def _revised(event: DivergenceEvent, text: KindText) -> str:
    replaced = "These numbers replace the earlier ones."
    if event.is_flapping or not _is_confirmed(event):
        return replaced
    figure = f", {text.figure}" if text.figure else ""
    return f"Confirmed at the close: {text.headline}{figure}. {replaced}"


def _is_confirmed(event: DivergenceEvent) -> bool:
    return event.confirmation is Confirmation.CONFIRMED


def _is_alarming(event: DivergenceEvent) -> bool:
    return (
        event.severity is Severity.CRITICAL and not event.type.is_final and event.type is not Transition.TEST
    )
