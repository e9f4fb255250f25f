"""Recorded frames instead of connections: each is routed as it would be if it came now."""

from collections.abc import Callable

from services.ingestor.core.connection_health import ConnectionHealth, Limits
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.connection import ConnectionPlan
from services.ingestor.feeds.streaming.frame_events import FrameRouter, Routes
from services.ingestor.feeds.streaming.instrument_stream import LastFrame
from shared.clock import Clock


class PlayedConnections:
    """The connections of one feed in a recording.

    Parameters
    ----------
    last_frame
        As the feed's streams read it.
    on_accepted
        Called when the venue accepted a connection.
    """

    def __init__(
        self,
        plan: ConnectionPlan,
        routes: Routes,
        *,
        limits: Limits,
        last_frame: LastFrame,
        on_accepted: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.symbols = tuple(routes.streams)
        self._plan = plan
        self._routes = routes
        self._limits = limits
        self._last_frame = last_frame
        self._on_accepted = on_accepted
        self._clock = clock
        self._routers: dict[int, FrameRouter] = {}

    def take(self, raw: str | bytes, *, connection: int, received_ns: int, sink: Sink) -> None:
        """Take a frame as if it came now.

        Parameters
        ----------
        connection
            Number of the connection over which it came; one begins with its first frame.
        """
        if connection not in self._routers:
            # The frames of two may alternate while the next one replaces a connection.
            self._routers = dict(list(self._routers.items())[-1:])
            self._routers[connection] = self._begin()
        now = self._last_frame.at = self._clock.monotonic()
        self._routers[connection].route(raw, frame=raw, received_ns=received_ns, now=now, sink=sink)

    def _begin(self) -> FrameRouter:
        health = ConnectionHealth(
            self._limits,
            symbols=self.symbols,
            now=self._clock.monotonic(),
            is_acknowledged=not self._plan.has_acknowledgement,
        )
        protocol = self._plan.make_protocol()
        # Nothing is sent, but a protocol notes what it subscribes to.
        protocol.opening_frames()
        for streams in self._routes.streams.values():
            for stream in streams:
                stream.attach(lambda: health)
        return FrameRouter(self._routes, protocol, health, is_following=False, on_accepted=self._on_accepted)
