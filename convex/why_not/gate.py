"""The gates of an alert: what can hold back the opening of one kind and direction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import Phase
from shared.domain.divergences import Direction, Kind
from shared.domain.snapshots import Trigger


class Gate(StrEnum):
    """What decided whether an alert opened; the words of ``--json``."""

    OPENED = "opened"
    ALREADY_OPEN = "already_open"
    BELOW_LEVEL = "below_level"
    NOT_LIKELY_ENOUGH = "not_likely_enough"
    NOT_HELD_LONG_ENOUGH = "not_held_long_enough"
    CONDITION_NOT_MET = "condition_not_met"
    UNDEFINED = "undefined"
    NO_BASELINE = "no_baseline"
    COOLDOWN = "cooldown"
    INHIBITED = "inhibited"
    STALE_PRICE = "stale_price"
    RULE_OFF = "rule_off"
    NO_CHANGE = "no_change"
    NO_FAULT = "no_fault"
    NO_LIVE_PRICE = "no_live_price"
    NOT_DECIDED = "not_decided"


class By(StrEnum):
    """What decides: a close of both legs, the live price, or the quality of a leg's data."""

    CLOSE = "close"
    PRICE = "price"
    DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one rule saw in one direction, and which gate held it back.

    Parameters
    ----------
    rule
        The rule in force; of a kind that is switched off, the published one.
    session
        The session whose close decided; None for another decision.
    values
        The statistics that decided, by name; None is undefined.
    x
        The statistic that is compared with the levels, signed so that it grows with the divergence.
    phase
        Of the divergence, then.
    facts
        What the gate needs besides, by name: instants in nanoseconds end in ``_ns``.
    opens_at
        The lead's prices at which the same decision would have opened it.
    """

    kind: Kind
    direction: Direction
    by: By
    gate: Gate
    rule: Rule
    session: str | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    x: float | None = None
    phase: Phase = Phase.IDLE
    facts: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)
    opens_at: tuple[Trigger, ...] = ()
