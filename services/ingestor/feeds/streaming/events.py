"""What a venue's frames mean, in one language for all venues."""

from dataclasses import dataclass

from shared.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask.

    Parameters
    ----------
    ts_event_ns
        The venue's time; None where it gave none.
    is_snapshot
        Sent because we subscribed: may be old, and is no sign of life.
    """

    ts_event_ns: int | None
    bid: float
    ask: float
    is_snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade, by the venue's contiguous id; ``is_snapshot`` as in `Quote`."""

    ts_event_ns: int
    price: float
    size: float
    trade_id: int
    is_snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The venue is there; some say which trade was their last."""

    last_trade_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Every subscription stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A subscription was refused.

    Parameters
    ----------
    is_final
        Asking again cannot help: an unknown symbol, an account that is needed.
    """

    message: str
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStatus:
    """The venue says how it is."""

    status: str
    is_degraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSided:
    """A quote without a bid or without an ask: normal, and no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A frame of a type we do not know: normal, ignored, counted."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A frame that is not what the protocol says."""

    error: DataError


Event = Quote | Trade | Heartbeat | Acknowledged | Rejected | VenueStatus | OneSided | Unknown | Unreadable
