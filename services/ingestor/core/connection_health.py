"""When to give up a connection that is still open.

========= ============================================== ==================
phase     changes to                                     given up after
========= ============================================== ==================
CONNECTED ACKED when every subscription is acknowledged  ``ack_timeout``
ACKED     LIVE with the first data                       ``first_data``
LIVE      -                                              ``no_data``
any       -                                              ``idle``: no frame
========= ============================================== ==================

Data that comes before the acknowledgement counts once the acknowledgement is there. Only frames of the
venue's protocol count, never pings: most often a feed fails as a socket that answers pings and sends no data.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# One unreadable frame is the venue's fault, many in a row are ours or a proxy's.
MAX_BAD_FRAMES: Final = 10


class Phase(StrEnum):
    """The phases of a connection, in their order."""

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
    """The health of one connection; instants are seconds on a monotonic clock."""

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
        """Return the phase of the connection."""
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
        # A good frame does not clear it again before `give_up_reason` is next asked.
        self._is_garbled = self._is_garbled or self._bad_frames > MAX_BAD_FRAMES

    def on_acknowledged(self, *, now: float) -> None:
        """Note that every subscription is acknowledged."""
        if self._acked_at is None:
            self._acked_at = now

    def on_data(self, *, now: float) -> None:
        """Note data of the subscription."""
        self._last_data = now

    def on_venue_status(self, *, is_degraded: bool) -> None:
        """Note that the venue is, or is no longer, in maintenance: then missing data is no fault."""
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
