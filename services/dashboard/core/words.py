"""What the words of the contracts mean to people."""

from typing import Final

from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedState

KINDS: Final = {
    Kind.RATIO_STRETCH: "Ratio stretch",
    Kind.OPPOSITE_MOVES: "Opposite moves",
    Kind.CORRELATION_BREAK: "Correlation break",
    Kind.HEDGE_LOST: "Hedge lost",
    Kind.REGIME_CHANGE: "Regime change",
    Kind.DATA_FAULT: "Data fault",
}

TRANSITIONS: Final = {
    Transition.OPEN: "opened",
    Transition.ESCALATED: "escalated",
    Transition.EASED: "eased",
    Transition.REVISED: "revised on better data",
    Transition.CLOSED: "closed",
    Transition.NOT_CONFIRMED: "not confirmed by the close",
    Transition.EXPIRED: "expired without a close",
    Transition.TEST: "test",
}

FEED_STATES: Final = {
    FeedState.LIVE: "The market is open and the feed ticks.",
    FeedState.STALE: "The market is open but the feed is silent: the price is old.",
    FeedState.BREAK: "The market is in its daily break.",
    FeedState.CLOSED: "The market is closed.",
}

NEVER_TICKED: Final = "The market is open but the feed is silent: no price of it has ever arrived."

_SENTENCES: Final = {
    (Kind.RATIO_STRETCH, Direction.RISK_OFF): "{lead} rich against {other}",
    (Kind.RATIO_STRETCH, Direction.RISK_ON): "{lead} cheap against {other}",
    (Kind.OPPOSITE_MOVES, Direction.RISK_OFF): "{lead} rose while {other} fell",
    (Kind.OPPOSITE_MOVES, Direction.RISK_ON): "{other} rose while {lead} fell",
    (Kind.CORRELATION_BREAK, Direction.TIGHTENING): "{lead} and {other} move together more than they used to",
    (Kind.CORRELATION_BREAK, Direction.LOOSENING): "{lead} and {other} move together less than they used to",
    (Kind.HEDGE_LOST, Direction.RISK_OFF): "{lead} no longer hedges {other}",
    (Kind.REGIME_CHANGE, Direction.RISK_OFF): "The regime changed while {lead} stood above its average",
    (Kind.REGIME_CHANGE, Direction.RISK_ON): "The regime changed while {lead} stood below its average",
    (Kind.DATA_FAULT, Direction.LEAD): "The data of {lead} cannot be trusted",
    (Kind.DATA_FAULT, Direction.OTHER): "The data of {other} cannot be trusted",
}

# A lost hedge has no side, whatever the sign of its statistic; a fault's is the leg that its sentence names.
_SIDELESS: Final = (Kind.HEDGE_LOST, Kind.DATA_FAULT)

FAULTS: Final = {
    "stale": "no tick arrives although the market is open",
    "bad_ticks": "price after price is too far from the last one to be believed",
    "missing_bar": "a session has ended and its daily bar has not come",
    "no_close_sample": "no price was young enough at a session’s close to be taken as the close",
    "revised_bar": "a close was corrected after it had been final",
}

REGIMES: Final = {"RISK_OFF": "Risk off", "RISK_ON": "Risk on", "NEUTRAL": "Neutral"}


def describe_divergence(pair: Pair, kind: Kind, direction: Direction) -> str:
    """Return what a divergence says about the two legs.

    Examples
    --------
    >>> pair = Pair(name="gold-iwm", title="Gold vs IWM", lead="XAU/USD.REPLAY", other="IWM.REPLAY",
    ...             lead_title="Gold", other_title="IWM")
    >>> describe_divergence(pair, Kind.RATIO_STRETCH, Direction.RISK_OFF)
    'Gold rich against IWM'
    """
    return describe_sides(kind, direction, lead=pair.lead_title, other=pair.other_title)


def describe_sides(kind: Kind, direction: Direction, *, lead: str, other: str) -> str:
    """Return what a divergence says about two legs of these names.

    Examples
    --------
    >>> describe_sides(Kind.HEDGE_LOST, Direction.RISK_OFF, lead="Gold", other="SPY")
    'Gold no longer hedges SPY'
    """
    # No kind has every direction; a record that says otherwise is shown, not refused.
    sentence = _SENTENCES.get((kind, direction), KINDS[kind] + " of {lead} and {other}")
    return sentence.format(lead=lead, other=other)


def describe_kind(kind: Kind, direction: Direction) -> str:
    """Return the kind and its side, where it has one that means something.

    Examples
    --------
    >>> describe_kind(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    'Ratio stretch, risk off'
    >>> describe_kind(Kind.HEDGE_LOST, Direction.RISK_OFF)
    'Hedge lost'
    """
    if kind in _SIDELESS:
        return KINDS[kind]
    return f"{KINDS[kind]}, {direction.value.replace('_', ' ')}"


def describe_cause(cause: str) -> str:
    """Return why a leg's data cannot be trusted; a cause that is not known here by its own name.

    Examples
    --------
    >>> describe_cause("stale"), describe_cause("clock_skew")
    ('no tick arrives although the market is open', 'clock skew')
    """
    return FAULTS.get(cause, cause.replace("_", " "))
