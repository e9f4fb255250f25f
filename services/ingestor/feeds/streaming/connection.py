"""One connection to a venue: connect, subscribe, read, watch; its end always has a reason.

The read loop stamps frames and queues their ticks, nothing else. A second task watches the clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from services.ingestor.core.connection_health import ConnectionHealth, Limits
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.streaming.ports import VenueProtocol
from services.ingestor.feeds.streaming.tick_normaliser import FrameOutcome, TickNormaliser
from services.ingestor.feeds.transport.http_json import LONGEST_RETRY_AFTER_SECONDS
from shared.clock import Clock
from shared.domain.retry_after import parse_retry_after
from shared.errors import ConfigError, FeedRefused

log = structlog.get_logger(__name__)

# Above `MAX_FRAME_BYTES`, so that a frame too long to be read is counted and the connection kept.
_MAX_MESSAGE_BYTES: Final = 8 << 20
_WATCH_SECONDS: Final = 0.1
# A geo-block or a refused account does not go away by trying again.
_FINAL_STATUSES: Final = frozenset({401, 403, 451})
USER_AGENT: Final = "convex (self-hosted market alerts)"


class ConnectionEnded(Exception):
    """The connection is over; connect again.

    Parameters
    ----------
    reason
        Label of the metric.
    at_least_seconds
        How long to wait at least before the next connection.
    """

    def __init__(self, reason: str, *, detail: str = "", at_least_seconds: float = 0.0) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.at_least_seconds = at_least_seconds


@dataclass(slots=True, kw_only=True)
class LastReceived:
    """When the last frame and the last tick came, over all connections; seconds on the monotonic clock."""

    frame: float
    tick: float


class Connection:
    """One connection to a venue.

    Parameters
    ----------
    cool_down_seconds
        How long to wait before connecting again after a refusal that is not final.
    on_gap
        Called for each hole in the trade ids.
    """

    def __init__(
        self,
        name: str,
        *,
        instrument: str,
        url: str,
        protocol: VenueProtocol,
        normaliser: TickNormaliser,
        limits: Limits,
        last_received: LastReceived,
        cool_down_seconds: float,
        on_gap: Callable[[Gap], object],
        clock: Clock,
    ) -> None:
        self._name = name
        self._instrument = instrument
        self._url = url
        self._protocol = protocol
        self._normaliser = normaliser
        self._limits = limits
        self._last_received = last_received
        self._cool_down_seconds = cool_down_seconds
        self._on_gap = on_gap
        self._clock = clock
        self.health: ConnectionHealth | None = None

    async def run(self, sink: Sink) -> None:
        """Stream until the connection is over.

        Raises
        ------
        ConnectionEnded
            Always, unless one of the next two is raised.
        FeedRefused
            If the venue refuses permanently.
        ConfigError
            If the address is not a websocket address.
        """
        try:
            socket = await connect(
                self._url,
                max_size=_MAX_MESSAGE_BYTES,
                user_agent_header=USER_AGENT,
                open_timeout=self._limits.ack,
                # A dead peer does not answer a closing handshake either.
                close_timeout=1,
            )
        except InvalidStatus as error:
            raise self._refused(error) from error
        except InvalidURI as error:
            raise ConfigError(f"{self._url}: is no websocket address") from error
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
            raise ConnectionEnded("unreachable", detail=repr(error)[:200]) from error
        try:
            await self._read_and_watch(socket, sink)
        finally:
            await socket.close()

    async def _read_and_watch(self, socket: ClientConnection, sink: Sink) -> None:
        health = self.health = ConnectionHealth(self._limits, now=self._clock.monotonic())
        watching = asyncio.create_task(self._watch(health))
        reading = asyncio.create_task(self._read(socket, health, sink))
        try:
            await asyncio.wait({watching, reading}, return_when=asyncio.FIRST_COMPLETED)
            await (watching if watching.done() else reading)
        finally:
            for task in (watching, reading):
                task.cancel()
            await asyncio.gather(watching, reading, return_exceptions=True)

    async def _read(self, socket: ClientConnection, health: ConnectionHealth, sink: Sink) -> None:
        try:
            for opening in self._protocol.opening_frames():
                await socket.send(opening)
            while True:
                frame = await socket.recv()
                received_ns, now = self._clock.now_ns(), self._clock.monotonic()
                outcome = self._normaliser.take(
                    self._protocol.receive(frame), frame=frame, received_ns=received_ns, now=now, sink=sink
                )
                health.on_frame(now=now, is_bad=outcome.is_unreadable)
                self._last_received.frame = now
                if outcome.has_data:
                    health.on_data(now=now)
                if outcome.has_fresh_tick:
                    self._last_received.tick = now
                for gap in outcome.gaps:
                    self._on_gap(gap)
                self._follow(outcome, health, now)
        except ConnectionClosed as error:
            raise ConnectionEnded("closed", detail=str(error)[:200]) from error

    def _follow(self, outcome: FrameOutcome, health: ConnectionHealth, now: float) -> None:
        """Act on what the frame says about the connection itself."""
        if outcome.is_acknowledged:
            health.on_acknowledged(now=now)
            log.info("feed_subscribed", feed=self._name, instrument=self._instrument)
        for venue in outcome.venue_statuses:
            health.on_venue_status(is_degraded=venue.is_degraded)
            if venue.is_degraded:
                log.warning("venue_degraded", feed=self._name, status=venue.status)
        if outcome.rejection is None:
            return
        message = outcome.rejection.message
        if outcome.rejection.refusal in (Refusal.ACCESS, Refusal.UNKNOWN_SYMBOL):
            raise FeedRefused(f"{self._name}: {message}", reason="rejected")
        raise ConnectionEnded("rejected", detail=message, at_least_seconds=self._cool_down_seconds)

    async def _watch(self, health: ConnectionHealth) -> None:
        while True:
            reason = health.give_up_reason(now=self._clock.monotonic())
            if reason is not None:
                raise ConnectionEnded(reason)
            await asyncio.sleep(_WATCH_SECONDS)

    def _refused(self, error: InvalidStatus) -> Exception:
        status = error.response.status_code
        if status in _FINAL_STATUSES:
            return FeedRefused(f"{self._name}: handshake refused with HTTP {status}", reason="refused")
        asked = parse_retry_after(
            error.response.headers.get("Retry-After"), longest_seconds=LONGEST_RETRY_AFTER_SECONDS
        )
        return ConnectionEnded(
            "refused",
            detail=f"HTTP {status}",
            at_least_seconds=max(self._cool_down_seconds if status == 429 else 0.0, asked or 0.0),
        )
