"""The lead's prices at which a divergence would open, escalate, ease or end, as rows of a table."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.snapshots import PairSnapshot, Trigger, TriggerAt
from shared.text.divergences import describe_kind
from shared.text.numbers import format_price
from shared.text.trigger_prices import TRIGGER_WORDS, distance_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPrice:
    """A price and how far it is from the present one; the distance is empty where that is not known."""

    price: str
    distance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRow:
    """What would happen to one divergence.

    Parameters
    ----------
    live, close
        The prices at which it happens now, and at the next close: at most one on each side of the present
        price, the lower one first. Empty where it cannot happen.
    """

    what: str
    live: tuple[TriggerPrice, ...]
    close: tuple[TriggerPrice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerGroup:
    """The rows of one kind and direction."""

    kind: str
    rows: tuple[TriggerRow, ...]


def trigger_groups(snapshot: PairSnapshot) -> tuple[TriggerGroup, ...]:
    """Return the trigger prices by kind and direction, each in the order of its declaration."""
    present = snapshot.legs[0].price if snapshot.legs else None
    grouped: dict[tuple[Kind, Direction], list[Trigger]] = {}
    for trigger in snapshot.triggers:
        grouped.setdefault((trigger.kind, trigger.direction), []).append(trigger)
    places = {one: at for at, one in enumerate((*Kind, *Direction))}
    return tuple(
        TriggerGroup(kind=describe_kind(kind, direction), rows=_rows(grouped[kind, direction], present))
        for kind, direction in sorted(grouped, key=lambda key: (places[key[0]], places[key[1]]))
    )


def _rows(triggers: list[Trigger], present: float | None) -> tuple[TriggerRow, ...]:
    rows = []
    for transition in Transition:
        same = [each for each in triggers if each.transition is transition]
        if same:
            rows.append(
                TriggerRow(
                    what=TRIGGER_WORDS[transition],
                    live=_prices((each for each in same if each.at is TriggerAt.LIVE), present),
                    close=_prices((each for each in same if each.at is TriggerAt.CLOSE), present),
                )
            )
    return tuple(rows)


def _prices(triggers: Iterable[Trigger], present: float | None) -> tuple[TriggerPrice, ...]:
    return tuple(
        TriggerPrice(price=format_price(price), distance=distance_of(price, present) if present else "")
        for price in sorted(each.lead_price for each in triggers)
    )
