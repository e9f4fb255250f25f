"""One connection to a venue, whatever carries it: open, subscribe, read, watch; its end always has a reason.

The read loop stamps frames and routes what they say, nothing else. A second task watches the clock, a third
sends the frames that keep the connection alive.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingestor.core.connection_health import ConnectionHealth, Limits
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.frame_events import ConnectionEnd, FrameRouter, Routes
from services.ingestor.feeds.streaming.instrument_stream import InstrumentStream, LastFrame
from services.ingestor.feeds.streaming.ports import KeepAlive, VenueProtocol
from services.ingestor.feeds.transport.carrier import Channel, ChannelEnded
from services.ingestor.feeds.transport.tap import Tap
from shared.clock import Clock
from shared.domain.instants import to_ns

_WATCH_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPlan:
    """How to connect to a venue for some symbols, again and again.

    Parameters
    ----------
    open
        Returns an open connection of the venue's carrier.
    make_protocol
        Returns the protocol of a new connection.
    has_acknowledgement
        Subscriptions are acknowledged in a frame. Without it they count as acknowledged once the connection
        is open.
    may_overlap
        The venue allows a second connection while the next one is opened.
    """

    open: Callable[[], Awaitable[Channel]]
    make_protocol: Callable[[], VenueProtocol]
    has_acknowledgement: bool = True
    keep_alive: KeepAlive | None = None
    rotate_seconds: float | None = None
    may_overlap: bool = True


class Connection:
    """One connection to a venue.

    Parameters
    ----------
    number
        Counted from 1 over the feed's connections.
    is_following
        Another connection is still in use.
    on_accepted
        Called when the venue has accepted the connection.

    Attributes
    ----------
    health
        None until the connection is open.
    is_due_for_replacement
        The venue will end it: open the next one first.
    """

    def __init__(
        self,
        plan: ConnectionPlan,
        routes: Routes,
        *,
        limits: Limits,
        number: int,
        is_following: bool,
        last_frame: LastFrame,
        on_accepted: Callable[[], None],
        tap: Tap,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._limits = limits
        self._number = number
        self._is_following = is_following
        self._last_frame = last_frame
        self._on_accepted = on_accepted
        self._tap = tap
        self._clock = clock
        self._symbols = tuple(routes.streams)
        self._router: FrameRouter | None = None
        self.health: ConnectionHealth | None = None
        self.is_due_for_replacement = asyncio.Event()

    async def run(self, sink: Sink) -> ConnectionEnd:
        """Stream until the connection is over, and return why.

        Raises
        ------
        ConfigError
            If the address cannot be used.
        """
        try:
            channel = await self._plan.open()
        except ChannelEnded as ended:
            return self._end_of(ended)
        try:
            return await self._use(channel, sink)
        finally:
            await channel.close()

    def take_over(self, sink: Sink) -> None:
        """Be the connection in use."""
        self._is_following = False
        if self._router is not None:
            self._router.take_over(sink)

    def hand_over(self) -> None:
        """Be no longer the connection in use, shortly before it is closed."""
        if self._router is not None:
            self._router.hand_over()

    def live_symbols(self) -> frozenset[str]:
        """Return the symbols whose data come in."""
        return self.health.live_symbols() if self.health is not None else frozenset()

    def live_seconds(self, *, now: float) -> float:
        """Return for how long data have come in."""
        return self.health.live_seconds(now=now) if self.health is not None else 0.0

    def troubled_streams(self) -> tuple[InstrumentStream, ...]:
        """Return the streams for whose sake it was given up."""
        symbols = self.health.troubled() if self.health is not None else ()
        return tuple(stream for symbol in symbols for stream in self._routes.streams[symbol])

    async def _use(self, channel: Channel, sink: Sink) -> ConnectionEnd:
        now = self._clock.monotonic()
        server_time = self._note_server_time(channel, None)
        protocol = self._plan.make_protocol()
        health = self.health = ConnectionHealth(
            self._limits,
            symbols=self._symbols,
            now=now,
            is_acknowledged=not self._plan.has_acknowledgement,
        )
        self._router = FrameRouter(
            self._routes,
            protocol,
            health,
            is_following=self._is_following,
            on_accepted=self._on_accepted,
        )
        tasks = [
            asyncio.create_task(self._read(channel, protocol, self._router, sink, server_time)),
            asyncio.create_task(self._watch(health, opened_at=now)),
        ]
        if self._plan.keep_alive is not None:
            tasks.append(asyncio.create_task(self._keep_alive(channel, self._plan.keep_alive)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # Of two that end together the first has read the venue's own words.
            return await next(task for task in tasks if task in done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(
        self,
        channel: Channel,
        protocol: VenueProtocol,
        router: FrameRouter,
        sink: Sink,
        server_time: datetime | None,
    ) -> ConnectionEnd:
        try:
            for opening in protocol.opening_frames():
                await channel.send(opening)
            while True:
                raw = await channel.receive()
                if channel.server_time is not server_time:
                    server_time = self._note_server_time(channel, server_time)
                received_ns, now = self._clock.now_ns(), self._clock.monotonic()
                frame = self._routes.redactor.frame(raw)
                self._tap.frame(
                    feed=self._routes.feed,
                    received_ns=received_ns,
                    raw=frame,
                    symbols=self._symbols,
                    connection=self._number,
                )
                self._last_frame.at = now
                effects = router.route(raw, frame=frame, received_ns=received_ns, now=now, sink=sink)
                for reply in effects.replies:
                    await channel.send(reply)
                if effects.is_replacement_due:
                    self.is_due_for_replacement.set()
                if effects.end is not None:
                    return effects.end
        except ChannelEnded as ended:
            return self._end_of(ended)

    def _note_server_time(self, channel: Channel, before: datetime | None) -> datetime | None:
        at = channel.server_time
        if at is not None and at is not before:
            for streams in self._routes.streams.values():
                for stream in streams:
                    stream.on_server_time(to_ns(at))
        return at

    async def _watch(self, health: ConnectionHealth, *, opened_at: float) -> ConnectionEnd:
        streams, rotate_seconds = self._routes.streams, self._plan.rotate_seconds
        while True:
            now = self._clock.monotonic()
            closed = [
                symbol
                for symbol in self._symbols
                if not any(stream.is_open(now=now) for stream in streams[symbol])
            ]
            tolerance = {
                symbol: min(stream.tolerance_seconds for stream in streams[symbol])
                for symbol in self._symbols
            }
            reason = health.give_up_reason(now=now, closed=closed, tolerance=tolerance)
            if reason is not None:
                return ConnectionEnd(reason=reason)
            if rotate_seconds is not None and now - opened_at >= rotate_seconds:
                self.is_due_for_replacement.set()
            await asyncio.sleep(_WATCH_SECONDS)

    async def _keep_alive(self, channel: Channel, keep_alive: KeepAlive) -> ConnectionEnd:
        try:
            while True:
                await asyncio.sleep(keep_alive.every_seconds)
                await channel.send(keep_alive.frame)
        except ChannelEnded as ended:
            return self._end_of(ended)

    def _end_of(self, ended: ChannelEnded) -> ConnectionEnd:
        return ConnectionEnd(
            reason=ended.reason,
            words=self._routes.redactor.words(ended.words),
            refusal=ended.refusal,
            retry_after_seconds=ended.retry_after_seconds,
        )
