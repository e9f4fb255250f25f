"""The traits of each kind of divergence that all services use: title, question, directions, statistic.

What only the engine needs to know about a kind is in ``services/signals/core/kinds``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.domain.divergences import Direction, Kind, Null

_LEVELS: Final = ("warning", "critical", "leave")
_BY_CLOSES: Final = (*_LEVELS, "cooldown_sessions", "confirmed_valid_seconds")
_SIDES: Final = (Direction.RISK_OFF, Direction.RISK_ON)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTraits:
    """A kind of divergence, for texts and for rules.

    Parameters
    ----------
    title
        Its name in texts.
    question
        What it answers; ``{lead}`` and ``{other}`` stand for the names of the legs.
    statistic
        Name of the confirmed statistic that decides it; None when none does. Where each direction has one of
        its own, this is their sum.
    directions
        The first one is that of a positive statistic.
    statistics
        By direction, where each has a statistic of its own; these are never negative.
    rule_fields
        The fields of a `Rule` that this kind uses; the version of its rule is computed from them.
    null
        What chance alone means for it; None for a kind that is not about the market.
    """

    title: str
    question: str
    statistic: str | None
    directions: tuple[Direction, ...]
    rule_fields: tuple[str, ...]
    null: Null | None
    statistics: Mapping[Direction, str] = field(default_factory=dict)


KIND_TRAITS: Final[Mapping[Kind, KindTraits]] = {
    Kind.RATIO_STRETCH: KindTraits(
        title="Ratio stretch",
        question="Is {lead} rich or cheap against {other}?",
        statistic="z_90",
        directions=_SIDES,
        rule_fields=(
            *_LEVELS,
            "hold_seconds",
            "cooldown_sessions",
            "stale_after_seconds",
            "provisional_valid_seconds",
            "confirmed_valid_seconds",
            "probability",
        ),
        null=Null.UNRELATED_LEGS,
    ),
    Kind.OPPOSITE_MOVES: KindTraits(
        title="Opposite moves",
        question="Did the legs just move apart?",
        statistic="opposite_moves",
        directions=_SIDES,
        rule_fields=_BY_CLOSES,
        null=Null.UNRELATED_LEGS,
    ),
    Kind.CORRELATION_BREAK: KindTraits(
        title="Correlation break",
        question="Has the relationship changed?",
        statistic="fisher_z",
        directions=(Direction.TIGHTENING, Direction.LOOSENING),
        rule_fields=(*_BY_CLOSES, "min_change"),
        null=Null.CONSTANT_CORRELATION,
    ),
    Kind.HEDGE_LOST: KindTraits(
        title="Hedge lost",
        question="Does {lead} still hedge {other}?",
        statistic="corr_ci_60_low",
        directions=(Direction.RISK_OFF,),
        rule_fields=_BY_CLOSES,
        null=Null.CONSTANT_CORRELATION,
    ),
    Kind.EVIDENCE_BREAK: KindTraits(
        title="Evidence break",
        question="Do the legs move together more or less often than they used to?",
        statistic="e_break",
        directions=(Direction.TIGHTENING, Direction.LOOSENING),
        rule_fields=_BY_CLOSES,
        null=Null.CONSTANT_CORRELATION,
        statistics={Direction.TIGHTENING: "e_tightening", Direction.LOOSENING: "e_loosening"},
    ),
    Kind.REGIME_CHANGE: KindTraits(
        title="Regime change",
        question="Risk-on or risk-off?",
        statistic="z_90",
        directions=_SIDES,
        rule_fields=("confirmed_valid_seconds",),
        null=Null.UNRELATED_LEGS,
    ),
    Kind.DATA_FAULT: KindTraits(
        title="Data fault",
        question="Can the numbers be trusted?",
        statistic=None,
        directions=(Direction.LEAD, Direction.OTHER),
        rule_fields=("confirmed_valid_seconds",),
        null=None,
    ),
}
"""In the order in which kinds are decided and shown."""

DIRECTIONS: Final[Mapping[Kind, tuple[Direction, ...]]] = {
    kind: traits.directions for kind, traits in KIND_TRAITS.items()
}
"""The directions of each kind; the first is that of a positive statistic."""


def statistic_of(kind: Kind, direction: Direction) -> str | None:
    """Return the name of the confirmed statistic that decides one direction of a kind; None when none does.

    Examples
    --------
    >>> statistic_of(Kind.RATIO_STRETCH, Direction.RISK_ON)
    'z_90'
    >>> statistic_of(Kind.EVIDENCE_BREAK, Direction.LOOSENING)
    'e_loosening'
    """
    traits = KIND_TRAITS[kind]
    return traits.statistics.get(direction, traits.statistic)
