"""The events that a venue's frames are read as, the same for all venues.

``symbol`` is the part of an instrument before its venue, such as ``PAXG/USD`` or ``IWM``. None stands for
every symbol of the connection.
"""

from dataclasses import dataclass, field

from services.ingestor.core.refusals import Refusal as Refusal
from shared.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask; both are the price where a venue gives a single price of something that is quoted.

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
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade of a venue that numbers its trades without gaps; ``is_snapshot`` as in `Quote`."""

    ts_event_ns: int
    price: float
    size: float
    trade_id: int
    is_snapshot: bool = False
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One trade of a venue whose ids, if any, have gaps: a missing one cannot be noticed.

    Parameters
    ----------
    print_id
        The venue's own id, by which a repetition is noticed; None where it gives none.
    """

    ts_event_ns: int
    price: float
    size: float
    print_id: str | None = None
    is_snapshot: bool = False
    symbol: str | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """Return what two reports of one trade have in common."""
        return (self.print_id,) if self.print_id is not None else (self.ts_event_ns, self.price, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The connection is alive.

    Parameters
    ----------
    last_trade_id
        The id of the venue's last trade, where it sends that.
    ts_event_ns
        The venue's time, where it sends that.
    """

    last_trade_id: int | None = None
    ts_event_ns: int | None = None
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Every subscription of a symbol is acknowledged."""

    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A subscription was rejected.

    Parameters
    ----------
    message
        The venue's own words, without any key.
    """

    message: str
    refusal: Refusal
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A frame to send now: a login after a greeting, a subscription after a login.

    Parameters
    ----------
    frame
        May hold a key: never logged, never stored.
    """

    frame: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """The venue will close this connection: open the next one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStatus:
    """The state of the venue's own systems."""

    status: str
    is_degraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSided:
    """A quote without a bid or without an ask: normal, but it gives no price."""

    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A frame of a type we do not know: normal, ignored, counted."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A frame that does not follow the protocol."""

    error: DataError


Event = (
    Quote
    | Trade
    | Print
    | Heartbeat
    | Acknowledged
    | Rejected
    | Reply
    | Rotate
    | VenueStatus
    | OneSided
    | Unknown
    | Unreadable
)
