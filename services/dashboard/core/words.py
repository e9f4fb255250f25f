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
    return _SENTENCES[kind, direction].format(lead=pair.lead_title, other=pair.other_title)
