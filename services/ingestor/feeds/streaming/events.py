"""The events that a venue's frames are read as, the same for all venues."""

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
        Sent because we subscribed: it may be old, and does not show that the feed is alive.
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
    """The connection is alive; some venues also send the id of their last trade."""

    last_trade_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Every subscription is acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A subscription was rejected.

    Parameters
    ----------
    is_final
        Trying again cannot help: the symbol is unknown, or an account is needed.
    """

    message: str
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStatus:
    """The state of the venue's own systems."""

    status: str
    is_degraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSided:
    """A quote without a bid or without an ask: normal, but it gives no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A frame of a type we do not know: normal, ignored, counted."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A frame that does not follow the protocol."""

    error: DataError


Event = Quote | Trade | Heartbeat | Acknowledged | Rejected | VenueStatus | OneSided | Unknown | Unreadable
