"""The templates that come with the notifier, and which events their receivers can use.

A receiver that trades must get nothing that it would trade on by mistake: no test, no second message while a
position is open, and no kind whose direction is no direction of a trade.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from shared.domain.divergences import Kind, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A template that comes with the notifier.

    Parameters
    ----------
    types, kinds
        The events that its receiver can use; None means all.
    choices
        The values that a template value may have, by name.
    """

    name: str
    types: frozenset[Transition] | None = None
    kinds: frozenset[Kind] | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self) -> str:
        """Return the template's text."""
        folder = files("services.notifier.webhook_bodies") / "templates"
        return (folder / f"{self.name}.json").read_text(encoding="utf-8")


_TRADED_TYPES: Final = frozenset(
    {Transition.OPEN, Transition.CLOSED, Transition.NOT_CONFIRMED, Transition.EXPIRED}
)
_TRADED_KINDS: Final = frozenset({Kind.RATIO_STRETCH, Kind.OPPOSITE_MOVES})
_SIDES: Final = ("long", "short")
_ORDERS: Final = ("buy", "sell")

BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    each.name: each
    for each in (
        BuiltIn(name="pagerduty"),
        BuiltIn(name="opsgenie"),
        BuiltIn(
            name="traderspost",
            types=_TRADED_TYPES,
            kinds=_TRADED_KINDS,
            choices={"risk_off": _ORDERS, "risk_on": _ORDERS},
        ),
        BuiltIn(
            name="3commas",
            types=_TRADED_TYPES,
            kinds=_TRADED_KINDS,
            choices={"risk_off": _SIDES, "risk_on": _SIDES},
        ),
    )
}
