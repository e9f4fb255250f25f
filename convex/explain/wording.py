"""The numbers and phrases of an explanation.

Numbers have eight significant digits and an ASCII minus, because a person types them into a calculator.
Instants have their milliseconds, because the exact tick matters. All other texts use ``shared/text``.
"""

import math
from datetime import datetime
from typing import Final

from convex.explain.material import Material
from shared.domain.divergences import Confirmation, DivergenceEvent, Severity, Transition
from shared.text.chance import describe_chance
from shared.text.early_warnings import describe_probability

_DIGITS: Final = 8
_MOST_DECIMALS: Final = 12


def number(value: float | None) -> str:
    """Return a number with eight significant digits, ``undefined`` for None.

    Examples
    --------
    >>> number(0.0000123456789), number(-2.31), number(1676.6), number(None)
    ('0.000012345679', '-2.3100000', '1676.6000', 'undefined')
    >>> number(0.0), number(123456789.0)
    ('0', '123456789')
    """
    if value is None:
        return "undefined"
    if value == 0:
        return "0"
    return f"{value:.{max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))}f}"


def term(value: float) -> str:
    """Return a number for use after an operator: a negative one in brackets.

    Examples
    --------
    >>> term(2.31), term(-2.31)
    ('2.3100000', '(-2.3100000)')
    """
    return number(value) if value >= 0 else f"({number(value)})"


def price(value: float) -> str:
    """Return a price with all its digits, and at least two decimals.

    Examples
    --------
    >>> price(1676.6), price(99.97), price(1301.125), price(138.57142857142856)
    ('1676.60', '99.97', '1301.125', '138.571429')
    """
    text = f"{value:.6f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.rpartition(".")[2]))


def against(value: float, level: float) -> str:
    """Return a value rounded to the fewest decimals, at least two, that keep it on its side of a level.

    Examples
    --------
    >>> against(2.3111, 2.0), against(1.99961, 2.0), against(2.0, 2.0)
    ('2.31', '1.9996', '2.00')
    """
    for decimals in range(2, _MOST_DECIMALS):
        text = f"{value:.{decimals}f}"
        if _side(float(text), level) == _side(value, level):
            return text
    return repr(value)


def _side(value: float, level: float) -> int:
    return (value > level) - (value < level)


_BECAME: Final = {
    Transition.ESCALATED: "the divergence became critical",
    Transition.EASED: "the divergence eased to a warning",
    Transition.CLOSED: "the divergence ended",
    Transition.NOT_CONFIRMED: "the close did not confirm the early warning, which ended",
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
            return f"the divergence remains {level}, by this close or by corrected data"
        return f"the divergence remains {level}"
    return _BECAME.get(event.type, event.type.value)


def ratio_name(material: Material) -> str:
    """Return what the log ratio is called here, such as ``ln(Gold/IWM)``."""
    return f"ln({material.titles.lead}/{material.titles.other})"


def chance_of(event: DivergenceEvent) -> tuple[str, ...]:
    """Return how often chance alone would open the rule, in sentences; empty for a data fault."""
    return () if event.significance is None else describe_chance(event.kind, event.significance)


def outlook_of(event: DivergenceEvent) -> str:
    """Return how likely the next close agrees with an early warning; empty for any other event."""
    return "" if event.probability is None else describe_probability(event.probability, event.type)
