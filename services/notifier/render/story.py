"""What happened, in words: one place for every transition of every kind."""

from services.notifier.render.telling import Telling
from services.notifier.render.wording import seconds_between
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition
from shared.text.divergences import TRANSITION_WORDS
from shared.text.durations import format_duration
from shared.text.instants import format_instant_in_words


def subject(event: DivergenceEvent, telling: Telling, headline: str, *, is_simulated: bool) -> str:
    """Return the subject: what happened, how far, and whether closes bear it out."""
    mark = "[SIMULATED] " if is_simulated else ""
    loud = "CRITICAL: " if _is_loud(event) else ""
    if not event.kind.is_market and event.type is not Transition.TEST:
        # No price bears out a fault of the data.
        cause = f" ({telling.figure})" if telling.figure else ""
        return f"{mark}{loud}{headline}{cause}"
    figure = f", {telling.figure}" if telling.figure else ""
    return f"{mark}{loud}{headline}{figure} ({event.confirmation.value})"


def headline_of(event: DivergenceEvent, telling: Telling, lead: str, other: str) -> str:
    """Return what happened in one line."""
    state = telling.standing
    match event.type:
        case Transition.OPEN:
            return state
        case Transition.ESCALATED | Transition.EASED | Transition.NOT_CONFIRMED | Transition.EXPIRED:
            return f"{state}: {TRANSITION_WORDS[event.type]}"
        case Transition.REVISED:
            if event.is_flapping:
                return f"{state}: held open"
            return f"{state}: {'confirmed' if _is_confirmed(event) else TRANSITION_WORDS[event.type]}"
        case Transition.CLOSED:
            return telling.over
        case Transition.TEST:
            return f"Test message for {lead} and {other}"


def story(event: DivergenceEvent, telling: Telling) -> tuple[str, ...]:
    """Return what happened, what it means and since when, in sentences."""
    lasted = format_duration(seconds_between(event.opened_at, event.occurred_at))
    opened = f"It opened on {format_instant_in_words(event.opened_at)}, {lasted} before."
    ended = f"It opened on {format_instant_in_words(event.opened_at)} and lasted {lasted}."
    what = "fault" if not event.kind.is_market else "divergence"
    flapping = (
        (f"This {what} opens and closes so often that it is held open until it settles.",)
        if event.is_flapping and not event.type.is_final
        else ()
    )
    match event.type:
        case Transition.OPEN:
            return (f"{telling.happened} {telling.meaning}", *flapping)
        case Transition.ESCALATED:
            grown = f"The {what} has grown past the threshold for {event.severity.value}."
            return (f"{grown} {telling.meaning}", opened, *flapping)
        case Transition.EASED:
            shrunk = f"The {what} has shrunk to {event.severity.value}, but it is still open."
            return (shrunk, opened, *flapping)
        case Transition.REVISED:
            replaced = "A close came in or was corrected: these numbers replace the earlier ones."
            return (replaced, opened, *flapping) if event.kind.is_market else (*flapping, opened)
        case Transition.CLOSED:
            return (telling.ended,) if event.is_instant else (telling.ended, ended)
        case Transition.NOT_CONFIRMED:
            return (f"The early warning is withdrawn: {telling.withdrawn}.", ended)
        case Transition.EXPIRED:
            return ("The early warning ends: no close came that could confirm it.", ended)
        case Transition.TEST:
            return ("Somebody asked for this message to see that it arrives. Nothing has happened.",)


def confirmation(event: DivergenceEvent, lead: str, other: str) -> str:
    """Return whether closes bear it out, and how old the prices are; for a test, that it has none."""
    if event.type is Transition.TEST:
        return "A real message gives the numbers that decided here; a test has none."
    if not event.kind.is_market:
        return "Decided by what came from the feed and what did not: no price decides it."
    ages = [format_duration(leg.age_seconds) for leg in event.legs]
    aged = f" {lead}'s price was {ages[0]} old, {other}'s {ages[1]}." if len(ages) == 2 else ""
    if _is_confirmed(event):
        return f"Confirmed: decided by both legs' closes.{aged}"
    outlook = "" if event.type.is_final else " The next close confirms it or withdraws it."
    return f"Provisional: a live price of {lead} against the last close of {other}.{aged}{outlook}"


def _is_confirmed(event: DivergenceEvent) -> bool:
    return event.confirmation is Confirmation.CONFIRMED


def _is_loud(event: DivergenceEvent) -> bool:
    return (
        event.severity is Severity.CRITICAL and not event.type.is_final and event.type is not Transition.TEST
    )
