"""When a connection is not worth keeping, although it is open.

========= ============================================== ==================
phase     becomes                                        given up after
========= ============================================== ==================
CONNECTED ACKED when every subscription is acknowledged  ``ack_timeout``
ACKED     LIVE with the first data                       ``first_data``
LIVE      -                                              ``no_data``
any       -                                              ``idle``: no frame
========= ============================================== ==================

Data that comes before the acknowledgement counts once that is there. Only frames of the venue's protocol
count, never pings: a socket that answers pings and says nothing is the commonest way for a feed to die.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# One garbled frame is theirs, a stream of them is ours or a proxy's.
MAX_BAD_FRAMES: Final = 10


class Phase(StrEnum):
    """How far a connection has come."""

    CONNECTED = "connected"
    ACKED = "acked"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait for what, in seconds."""

    ack: float
    first_data: float
    idle: float
    no_data: float


class ConnectionHealth:
    """Follow one connection; instants are seconds on a monotonic clock."""

    def __init__(self, limits: Limits, *, now: float) -> None:
        self._limits = limits
        self._connected_at = self._last_frame = now
        self._acked_at: float | None = None
        self._last_data: float | None = None
        self._bad_frames = 0
        self._is_garbled = False
        self._is_degraded = False

    @property
    def phase(self) -> Phase:
        """Return how far the connection has come."""
        if self._acked_at is None:
            return Phase.CONNECTED
        return Phase.ACKED if self._last_data is None else Phase.LIVE

    def live_seconds(self, *, now: float) -> float:
        """Return for how long it has been live."""
        if self._acked_at is None or self._last_data is None:
            return 0.0
        return now - self._acked_at

    def on_frame(self, *, now: float, is_bad: bool = False) -> None:
        """Note a frame of the protocol, or one that could not be read."""
        self._last_frame = now
        self._bad_frames = self._bad_frames + 1 if is_bad else 0
        # A good frame between two looks at the verdict does not take it back.
        self._is_garbled = self._is_garbled or self._bad_frames > MAX_BAD_FRAMES

    def on_acknowledged(self, *, now: float) -> None:
        """Note that every subscription is acknowledged."""
        if self._acked_at is None:
            self._acked_at = now

    def on_data(self, *, now: float) -> None:
        """Note data of the subscription."""
        self._last_data = now

    def on_venue_status(self, *, is_degraded: bool) -> None:
        """Note that the venue is, or is no longer, in maintenance: then silence is announced."""
        if self._is_degraded and not is_degraded and self._last_data is not None:
            self._last_data = max(self._last_data, self._last_frame)
        self._is_degraded = is_degraded

    def give_up_reason(self, *, now: float) -> str | None:
        """Return why to give the connection up, or None."""
        if self._is_garbled:
            return "too_many_bad_frames"
        if now - self._last_frame > self._limits.idle:
            return "idle"
        if self._acked_at is None:
            return "ack_timeout" if now - self._connected_at > self._limits.ack else None
        if self._is_degraded:
            return None
        if self._last_data is None:
            return "no_first_data" if now - self._acked_at > self._limits.first_data else None
        return "no_data" if now - self._last_data > self._limits.no_data else None
