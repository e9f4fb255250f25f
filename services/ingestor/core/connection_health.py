"""When to give up a connection that is still open; each of its symbols is followed for itself.

========= ============================================== ==================
phase     changes to                                     in trouble after
========= ============================================== ==================
CONNECTED ACKED when its subscription is acknowledged    ``ack_timeout``
ACKED     LIVE with the first data                       ``first_data``
LIVE      -                                              ``no_data``
REJECTED  -                                              at once
========= ============================================== ==================

The connection itself is given up when no frame at all comes (``idle``), or too many unreadable ones. A symbol
in trouble ends the connection at once if no other symbol does well. Otherwise it waits, longer each time, for
a new connection interrupts the others; one that is rejected waits an hour, or for the next connection.

Missing data is no trouble while the symbol's market is closed or the venue says that it is in maintenance.
Data that comes before the acknowledgement counts once the acknowledgement is there. Only frames of the
venue's protocol count, never pings: most often a feed fails as a socket that answers pings and sends no data.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# One unreadable frame is the venue's fault, many in a row are ours or a proxy's.
MAX_BAD_FRAMES: Final = 10


class Phase(StrEnum):
    """The phases of a symbol's subscription, in their order."""

    CONNECTED = "connected"
    ACKED = "acked"
    LIVE = "live"
    REJECTED = "rejected"


class FeedCondition(StrEnum):
    """What an operator is shown of a feed of one instrument."""

    DISCONNECTED = "disconnected"
    COOLING_DOWN = "cooling_down"
    CONNECTED = "connected"
    ACKED = "acked"
    LIVE = "live"
    REJECTED = "rejected"
    REFUSED = "refused"


def feed_condition(phase: Phase | None, *, is_cooling_down: bool, is_refused: bool) -> FeedCondition:
    """Return the condition of a feed.

    Parameters
    ----------
    phase
        Of its symbol on the present connection; None without one.
    is_cooling_down
        The provider asked for a pause that is not over.
    is_refused
        Evidence over time says that the provider refuses us for good.

    Examples
    --------
    >>> feed_condition(Phase.ACKED, is_cooling_down=False, is_refused=False)
    <FeedCondition.ACKED: 'acked'>
    >>> feed_condition(None, is_cooling_down=True, is_refused=False)
    <FeedCondition.COOLING_DOWN: 'cooling_down'>
    """
    if is_refused:
        return FeedCondition.REFUSED
    if phase is not None:
        return FeedCondition(phase.value)
    return FeedCondition.COOLING_DOWN if is_cooling_down else FeedCondition.DISCONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait for what, in seconds."""

    ack: float
    first_data: float
    idle: float
    no_data: float


@dataclass(slots=True, kw_only=True)
class _Subscription:
    """One symbol on one connection; instants are seconds on a monotonic clock.

    Parameters
    ----------
    excused_until
        Up to when missing data was no fault.
    troubled_since
        Since when it has been in trouble; None if it is not.
    """

    acked_at: float | None = None
    last_data: float | None = None
    excused_until: float
    troubled_since: float | None = None
    is_rejected: bool = False


class ConnectionHealth:
    """The health of one connection; instants are seconds on a monotonic clock.

    Parameters
    ----------
    symbols
        What it was opened for, at least one.
    is_acknowledged
        Nothing has to be acknowledged: the answer to the request itself is the acknowledgement, or the venue
        sends none.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        symbols: Iterable[str],
        now: float,
        is_acknowledged: bool = False,
    ) -> None:
        self._limits = limits
        self._connected_at = self._last_frame = now
        self._bad_frames = 0
        self._is_garbled = False
        self._is_degraded = False
        self._subscriptions = {symbol: _Subscription(excused_until=now) for symbol in symbols}
        if is_acknowledged:
            for symbol in self._subscriptions:
                self.on_acknowledged(symbol, now=now)

    def phase(self, symbol: str) -> Phase:
        """Return the phase of a symbol."""
        subscription = self._subscriptions[symbol]
        if subscription.is_rejected:
            return Phase.REJECTED
        if subscription.acked_at is None:
            return Phase.CONNECTED
        return Phase.ACKED if subscription.last_data is None else Phase.LIVE

    def live_symbols(self) -> frozenset[str]:
        """Return the symbols that are LIVE."""
        return frozenset(symbol for symbol in self._subscriptions if self.phase(symbol) is Phase.LIVE)

    def live_seconds(self, *, now: float) -> float:
        """Return for how long the symbol that has been LIVE for the longest has been so."""
        began = [
            each.acked_at
            for each in self._subscriptions.values()
            if each.acked_at is not None and each.last_data is not None
        ]
        return now - min(began) if began else 0.0

    def on_frame(self, *, now: float, is_bad: bool = False) -> None:
        """Note a frame of the protocol, or one that could not be read."""
        self._last_frame = now
        self._bad_frames = self._bad_frames + 1 if is_bad else 0
        # A good frame does not clear it again before `give_up_reason` is next asked.
        self._is_garbled = self._is_garbled or self._bad_frames > MAX_BAD_FRAMES

    def on_acknowledged(self, symbol: str, *, now: float) -> None:
        """Note that every subscription of a symbol is acknowledged."""
        subscription = self._subscriptions[symbol]
        subscription.is_rejected = False
        if subscription.acked_at is None:
            subscription.acked_at = now

    def on_data(self, symbol: str, *, now: float) -> None:
        """Note data of a symbol."""
        self._subscriptions[symbol].last_data = now

    def on_rejected(self, symbol: str) -> None:
        """Note that the subscription of a symbol was rejected."""
        self._subscriptions[symbol].is_rejected = True

    def on_venue_status(self, *, is_degraded: bool) -> None:
        """Note that the venue is, or is no longer, in maintenance: then missing data is no fault."""
        if self._is_degraded and not is_degraded:
            self._excuse(self._subscriptions, now=self._last_frame)
        self._is_degraded = is_degraded

    def give_up_reason(
        self, *, now: float, closed: Collection[str] = (), tolerance: Mapping[str, float] | None = None
    ) -> str | None:
        """Return why to give the connection up, or None.

        Parameters
        ----------
        closed
            The symbols whose market is closed.
        tolerance
            For how many seconds a symbol may be in trouble while another does well; none: for ever.
        """
        self._excuse(closed, now=now)
        if self._is_garbled:
            return "too_many_bad_frames"
        if now - self._last_frame > self._limits.idle:
            return "idle"
        return self._due_trouble(now, tolerance or {})

    def troubled(self) -> frozenset[str]:
        """Return the symbols that were in trouble when last asked for a reason to give up."""
        return frozenset(
            symbol for symbol, each in self._subscriptions.items() if each.troubled_since is not None
        )

    def _due_trouble(self, now: float, tolerance: Mapping[str, float]) -> str | None:
        troubles: dict[str, str] = {}
        for symbol, subscription in self._subscriptions.items():
            trouble = self._trouble(subscription, now)
            if trouble is None:
                subscription.troubled_since = None
                continue
            troubles[symbol] = trouble
            if subscription.troubled_since is None:
                subscription.troubled_since = now
        is_hopeless = len(troubles) == len(self._subscriptions)
        for symbol, trouble in troubles.items():
            since = self._subscriptions[symbol].troubled_since
            assert since is not None  # noqa: S101 - set above
            if is_hopeless or (symbol in tolerance and now - since >= tolerance[symbol]):
                return trouble
        return None

    def _trouble(self, subscription: _Subscription, now: float) -> str | None:
        if subscription.is_rejected:
            return "rejected"
        if subscription.acked_at is None:
            return "ack_timeout" if now - self._connected_at > self._limits.ack else None
        if self._is_degraded:
            return None
        if subscription.last_data is None:
            since = max(subscription.acked_at, subscription.excused_until)
            return "no_first_data" if now - since > self._limits.first_data else None
        since = max(subscription.last_data, subscription.excused_until)
        return "no_data" if now - since > self._limits.no_data else None

    def _excuse(self, symbols: Iterable[str], *, now: float) -> None:
        for symbol in symbols:
            self._subscriptions[symbol].excused_until = now
