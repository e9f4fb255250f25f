"""The words for a divergence: its kind, what diverged and which way, and what happened to it.

The values of `Severity` and `Confirmation` are words already and are shown as they are.
"""

from collections.abc import Mapping
from typing import Final

from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import KIND_TRAITS
from shared.text.evidence import format_e_value
from shared.text.numbers import DASH, format_signed

TRANSITION_WORDS: Final[Mapping[Transition, str]] = {
    Transition.OPEN: "opened",
    Transition.ESCALATED: "escalated to critical",
    Transition.EASED: "eased to warning",
    Transition.REVISED: "revised",
    Transition.CLOSED: "closed",
    Transition.NOT_CONFIRMED: "not confirmed by the close",
    Transition.EXPIRED: "expired unconfirmed",
    Transition.TEST: "test",
}

# The states of an open divergence that is not reported as usual.
INHIBITED: Final = "inhibited"
FLAPPING: Final = "flapping"

# A lost hedge has no side, whatever the sign of its statistic. The side of a data fault is a leg, which the
# sentence names.
_KINDS_WITHOUT_SIDE: Final = (Kind.HEDGE_LOST, Kind.DATA_FAULT)

_SENTENCES: Final[Mapping[tuple[Kind, Direction], str]] = {
    (Kind.RATIO_STRETCH, Direction.RISK_OFF): "{lead} is rich against {other}",
    (Kind.RATIO_STRETCH, Direction.RISK_ON): "{lead} is cheap against {other}",
    (Kind.OPPOSITE_MOVES, Direction.RISK_OFF): "{lead} rose while {other} fell",
    (Kind.OPPOSITE_MOVES, Direction.RISK_ON): "{other} rose while {lead} fell",
    (Kind.CORRELATION_BREAK, Direction.TIGHTENING): "{lead} and {other} move together more than they used to",
    (Kind.CORRELATION_BREAK, Direction.LOOSENING): "{lead} and {other} move together less than they used to",
    (Kind.HEDGE_LOST, Direction.RISK_OFF): "{lead} no longer hedges {other}",
    (Kind.EVIDENCE_BREAK, Direction.TIGHTENING): "{lead} and {other} agree on more days than they used to",
    (Kind.EVIDENCE_BREAK, Direction.LOOSENING): "{lead} and {other} agree on fewer days than they used to",
    (Kind.REGIME_CHANGE, Direction.RISK_OFF): "The regime changed with {lead}/{other} above its average",
    (Kind.REGIME_CHANGE, Direction.RISK_ON): "The regime changed with {lead}/{other} below its average",
    (Kind.DATA_FAULT, Direction.LEAD): "The data of {lead} cannot be trusted",
    (Kind.DATA_FAULT, Direction.OTHER): "The data of {other} cannot be trusted",
}

# An event's values hold the regime as a number, a snapshot holds its name.
_REGIME_WORDS: Final[Mapping[str | float, str]] = {
    "RISK_ON": "risk-on",
    "NEUTRAL": "neutral",
    "RISK_OFF": "risk-off",
    -1.0: "risk-on",
    0.0: "neutral",
    1.0: "risk-off",
}


def describe_divergence(kind: Kind, direction: Direction, *, lead: str, other: str) -> str:
    """Return what diverged, as a sentence without its full stop.

    Parameters
    ----------
    lead, other
        Names of the legs.

    Examples
    --------
    >>> describe_divergence(Kind.RATIO_STRETCH, Direction.RISK_OFF, lead="Gold", other="IWM")
    'Gold is rich against IWM'

    A record with a direction that its kind does not have is shown all the same:

    >>> describe_divergence(Kind.HEDGE_LOST, Direction.LEAD, lead="Gold", other="SPY")
    'Hedge lost of Gold and SPY'
    """
    sentence = _SENTENCES.get((kind, direction), KIND_TRAITS[kind].title + " of {lead} and {other}")
    return sentence.format(lead=lead, other=other)


def describe_kind(kind: Kind, direction: Direction) -> str:
    """Return the title of a kind with its direction, where that says which side diverged.

    Examples
    --------
    >>> [describe_kind(kind, Direction.RISK_OFF) for kind in (Kind.RATIO_STRETCH, Kind.HEDGE_LOST)]
    ['Ratio stretch, risk-off', 'Hedge lost']
    """
    if kind in _KINDS_WITHOUT_SIDE:
        return KIND_TRAITS[kind].title
    return f"{KIND_TRAITS[kind].title}, {direction.value.replace('_', '-')}"


def describe_direction(direction: Direction, *, lead: str, other: str) -> str:
    """Return a direction in words; the direction of a data fault is the name of its leg.

    Examples
    --------
    >>> describe_direction(Direction.RISK_OFF, lead="Gold", other="IWM")
    'risk-off'
    >>> describe_direction(Direction.OTHER, lead="Gold", other="IWM")
    'IWM'
    """
    names = {Direction.LEAD: lead, Direction.OTHER: other}
    return names.get(direction, direction.value.replace("_", "-"))


def describe_regime(regime: str | float | None, *, missing: str = DASH) -> str:
    """Return a regime in words, from its name or from its number in an event's values.

    Examples
    --------
    >>> describe_regime("RISK_OFF"), describe_regime(-1.0), describe_regime(None)
    ('risk-off', 'risk-on', '—')
    """
    return missing if regime is None else _REGIME_WORDS.get(regime, missing)


def format_statistic(kind: Kind, value: float | None) -> str:
    """Return the statistic that decides a kind: with its sign, but for evidence, which has none.

    Examples
    --------
    >>> format_statistic(Kind.RATIO_STRETCH, 2.312), format_statistic(Kind.EVIDENCE_BREAK, 301.4)
    ('+2.31', '301')
    """
    return format_e_value(value) if kind is Kind.EVIDENCE_BREAK else format_signed(value)
