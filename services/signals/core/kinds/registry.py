"""Every kind of divergence by name. A new kind needs one line here for the engine to evaluate it."""

from collections.abc import Mapping
from typing import Final

from services.signals.core.confirmed import Values
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.kinds.correlation_break import CORRELATION_BREAK
from services.signals.core.kinds.data_fault import DATA_FAULT
from services.signals.core.kinds.definition import KindDefinition, Observe
from services.signals.core.kinds.evidence_break import EVIDENCE_BREAK
from services.signals.core.kinds.hedge_lost import HEDGE_LOST
from services.signals.core.kinds.opposite_moves import OPPOSITE_MOVES
from services.signals.core.kinds.ratio_stretch import RATIO_STRETCH
from services.signals.core.kinds.regime_change import REGIME_CHANGE
from shared.domain.divergences import Direction, Kind
from shared.domain.kinds import KIND_TRAITS

KINDS: Final[Mapping[Kind, KindDefinition]] = {
    Kind.RATIO_STRETCH: RATIO_STRETCH,
    Kind.OPPOSITE_MOVES: OPPOSITE_MOVES,
    Kind.CORRELATION_BREAK: CORRELATION_BREAK,
    Kind.HEDGE_LOST: HEDGE_LOST,
    Kind.EVIDENCE_BREAK: EVIDENCE_BREAK,
    Kind.REGIME_CHANGE: REGIME_CHANGE,
    Kind.DATA_FAULT: DATA_FAULT,
}
"""In the order in which they are decided and shown."""

PUBLISHED_RULES: Final = tuple(definition.default_rule for definition in KINDS.values())
"""The rules of every kind as the documentation states them."""

DEFAULT_RULES: Final = tuple(
    definition.default_rule for definition in KINDS.values() if definition.opens_by_default
)
"""The rules in force without a rules file."""

CONTEXT_KINDS: Final = frozenset(KINDS) - {rule.kind for rule in DEFAULT_RULES}
"""The kinds that open nothing until a rules file enables them; their statistics are shown all the same."""

_OBSERVE: Final[Mapping[Kind, Observe]] = {
    kind: definition.observe for kind, definition in KINDS.items() if definition.observe is not None
}

LEVEL_KINDS: Final = tuple(_OBSERVE)
"""The kinds that open and close by the level of a statistic."""

CLAIMS: Final[Mapping[tuple[Kind, Direction], Claim]] = {
    (kind, direction): claim
    for kind, definition in KINDS.items()
    for direction, claim in definition.claims.items()
}
"""By kind and direction, in the order in which they are shown. Openings of any other are not scored."""


_STATISTICS: Final = {kind: name for kind in LEVEL_KINDS if (name := KIND_TRAITS[kind].statistic)}


def is_far_below(rule: Rule, values: Values) -> bool:
    """Return whether a statistic is too small for its rule to open anything, in either direction.

    An observation is never larger than its statistic's absolute value, which is nearly always below the
    warning level; so most closes need not be observed.
    """
    statistic = values[_STATISTICS[rule.kind]]
    return statistic is None or abs(statistic) < rule.warning


def observe(rule: Rule, direction: Direction, values: Values) -> Observation | None:
    """Return the values that the rule of a level kind is compared with; None if the statistic is undefined.

    Parameters
    ----------
    values
        The confirmed statistics by name.

    Examples
    --------
    >>> observe(Rule(), Direction.RISK_ON, {"z_90": 2.5})
    Observation(x=-2.5, leave_value=-2.5, can_open=True)
    """
    return _OBSERVE[rule.kind](rule, direction, values)
