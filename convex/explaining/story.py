"""The words that every kind's first sentence shares."""

from datetime import datetime
from typing import Final

from convex.explaining.material import Material
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition

_BECAME: Final = {
    Transition.ESCALATED: "the divergence became critical",
    Transition.EASED: "the divergence eased to a warning",
    Transition.CLOSED: "the divergence ended",
    Transition.NOT_CONFIRMED: "the close did not bear out the early warning, which ended",
    Transition.EXPIRED: "no close came in time to confirm the early warning, which ended",
}


def moment(text: str) -> str:
    """Return an event's instant for people.

    Examples
    --------
    >>> moment("2020-03-19T00:15:00.000000Z"), moment("2014-05-02T12:35:10.250000Z")
    ('2020-03-19 00:15:00 UTC', '2014-05-02 12:35:10.250 UTC')
    """
    at = datetime.fromisoformat(text)
    return f"{at:%Y-%m-%d %H:%M:%S}" + (f".{at.microsecond // 1_000:03d}" if at.microsecond else "") + " UTC"


def when(event: DivergenceEvent) -> str:
    """Return when, and by what sort of price, as the beginning of a sentence."""
    session = event.evidence.inputs[0].session if event.evidence.inputs else None
    if event.confirmation is Confirmation.CONFIRMED and session is not None:
        return f"At the close of {session}"
    return f"By the live price of {moment(event.occurred_at)}"


def what_became(event: DivergenceEvent) -> str:
    """Return what happened to the divergence, as the end of a sentence."""
    level = "a critical divergence" if event.severity is Severity.CRITICAL else "a warning"
    if event.type is Transition.OPEN:
        return f"{level} opened"
    if event.type is Transition.REVISED:
        if event.confirmation is Confirmation.CONFIRMED:
            return f"the divergence stands as {level}, by this close or by corrected data"
        return f"the divergence stands as {level}"
    return _BECAME.get(event.type, event.type.value)


def ratio_name(material: Material) -> str:
    """Return what the log ratio is called here, such as ``ln(Gold/IWM)``."""
    return f"ln({material.titles.lead}/{material.titles.other})"
