"""Trigger prices in words: the price of the lead at which something would happen to a divergence."""

from collections.abc import Mapping
from typing import Final

from shared.domain.divergences import Transition
from shared.domain.snapshots import Trigger, TriggerAt
from shared.text.divergences import describe_kind
from shared.text.numbers import format_price, format_signed_percent

TRIGGER_WORDS: Final[Mapping[Transition, str]] = {
    Transition.OPEN: "opens",
    Transition.ESCALATED: "escalates to critical",
    Transition.EASED: "eases to warning",
    Transition.REVISED: "is confirmed",
    Transition.CLOSED: "closes",
    Transition.NOT_CONFIRMED: "is withdrawn",
    Transition.EXPIRED: "expires",
    Transition.TEST: "is tested",
}
_WHEN: Final[Mapping[TriggerAt, str]] = {
    TriggerAt.LIVE: "now, if the price is held",
    TriggerAt.CLOSE: "at the next close, with {other} unchanged",
}


def describe_trigger(trigger: Trigger, *, lead: str, other: str, present: float | None) -> str:
    """Return a trigger price as a sentence.

    Parameters
    ----------
    present
        The lead's price now; None if it is not known.

    Examples
    --------
    >>> from shared.domain.divergences import Direction, Kind
    >>> trigger = Trigger(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, transition=Transition.OPEN,
    ...                   lead_price=1702.15, at=TriggerAt.CLOSE)
    >>> describe_trigger(trigger, lead="Gold", other="IWM", present=1681.9).partition(" at the next")[0]
    'Ratio stretch, risk-off opens with Gold at or above 1,702.15 (+1.2%)'
    """
    return (
        f"{describe_kind(trigger.kind, trigger.direction)} {TRIGGER_WORDS[trigger.transition]} with {lead} "
        f"{_side(trigger.lead_price, present)} {brief_trigger(trigger.lead_price, present)} "
        f"{_WHEN[trigger.at].format(other=other)}."
    )


def brief_trigger(price: float, present: float | None) -> str:
    """Return a trigger price with its distance from the present one.

    Examples
    --------
    >>> brief_trigger(1702.15, 1681.9), brief_trigger(1702.15, None)
    ('1,702.15 (+1.2%)', '1,702.15')
    """
    return format_price(price) + (f" ({distance_of(price, present)})" if present else "")


def distance_of(price: float, present: float) -> str:
    """Return how far a trigger price is from the present one.

    Examples
    --------
    >>> distance_of(1650.0, 1681.9)
    '−1.9%'
    """
    return format_signed_percent(price / present - 1.0)


def _side(price: float, present: float | None) -> str:
    if present is None or price == present:
        return "at"
    return "at or above" if price > present else "at or below"
