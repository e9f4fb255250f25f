"""What happened, in words; one place for every transition."""

from services.notifier.render.wording import duration, instant, number, seconds_between
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Severity, Transition


def subject(event: DivergenceEvent, headline: str, z: float | None, *, is_simulated: bool) -> str:
    """Return the subject: what happened, how far, and whether closes bear it out."""
    mark = "[SIMULATED] " if is_simulated else ""
    loud = "CRITICAL: " if _is_loud(event) else ""
    how_far = f", z {number(z, is_signed=True)}" if z is not None else ""
    return f"{mark}{loud}{headline}{how_far} ({event.confirmation.value})"


def headline_of(event: DivergenceEvent, lead: str, other: str) -> str:
    """Return what happened in one line."""
    side = "rich" if event.direction is Direction.RISK_OFF else "cheap"
    state = f"{lead} {side} against {other}"
    match event.type:
        case Transition.OPEN:
            return f"{lead} is {side} against {other}"
        case Transition.ESCALATED:
            return f"{state}: escalated to {event.severity.value}"
        case Transition.EASED:
            return f"{state}: eased to {event.severity.value}"
        case Transition.REVISED:
            return f"{state}: {'confirmed' if event.confirmation is Confirmation.CONFIRMED else 'revised'}"
        case Transition.CLOSED:
            return f"{lead} and {other} are back in line"
        case Transition.NOT_CONFIRMED:
            return f"{state}: not confirmed by the close"
        case Transition.EXPIRED:
            return f"{state}: expired unconfirmed"
        case Transition.TEST:
            return f"Test message for {lead} and {other}"


def story(event: DivergenceEvent, lead: str, other: str) -> tuple[str, ...]:
    """Return what happened, what it means and since when, in sentences."""
    flight = (
        f"{lead} outperforming {other} is a flight to safety (risk-off)."
        if event.direction is Direction.RISK_OFF
        else f"{other} outperforming {lead} is an appetite for risk (risk-on)."
    )
    lasted = duration(seconds_between(event.opened_at, event.occurred_at))
    opened = f"It opened on {instant(event.opened_at)}, {lasted} before."
    ended = f"It opened on {instant(event.opened_at)} and lasted {lasted}."
    match event.type:
        case Transition.OPEN:
            return (f"The ratio of {lead} to {other} has left the band it kept for 90 sessions. {flight}",)
        case Transition.ESCALATED:
            return (
                f"The divergence has grown past the threshold for {event.severity.value}. {flight}",
                opened,
            )
        case Transition.EASED:
            return (f"The divergence has shrunk to {event.severity.value}, but it is still open.", opened)
        case Transition.REVISED:
            return ("A close came in or was corrected: these numbers replace the earlier ones.", opened)
        case Transition.CLOSED:
            return (f"The ratio of {lead} to {other} has come back: the divergence is over.", ended)
        case Transition.NOT_CONFIRMED:
            return ("The early warning is withdrawn: at the close the ratio was inside its band.", ended)
        case Transition.EXPIRED:
            return ("The early warning ends: no close came that could confirm it.", ended)
        case Transition.TEST:
            return ("Somebody asked for this message to see that it arrives. Nothing has happened.",)


def confirmation(event: DivergenceEvent, lead: str, other: str) -> str:
    """Return whether closes bear it out, and how old the prices are; for a test, that it has none."""
    if event.type is Transition.TEST:
        return "A real message gives the numbers that decided here; a test has none."
    ages = [duration(leg.age_seconds) for leg in event.legs]
    aged = f" {lead}'s price was {ages[0]} old, {other}'s {ages[1]}." if len(ages) == 2 else ""
    if event.confirmation is Confirmation.CONFIRMED:
        return f"Confirmed: decided by both legs' closes.{aged}"
    outlook = "" if event.type.is_final else " The next close confirms it or withdraws it."
    return f"Provisional: a live price of {lead} against the last close of {other}.{aged}{outlook}"


def _is_loud(event: DivergenceEvent) -> bool:
    return (
        event.severity is Severity.CRITICAL and not event.type.is_final and event.type is not Transition.TEST
    )
