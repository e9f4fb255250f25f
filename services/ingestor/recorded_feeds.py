"""Build what plays a recording: the streams of every leg, given recorded frames instead of connections."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.failover.feed import StandbyFeed
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.recording.lines import RecordedFrame
from services.ingestor.feeds.recording.played_recording import PlayedRecording, clock_at_begin
from services.ingestor.feeds.streaming.feed import StreamFeed
from services.ingestor.feeds.transport.http_clients import HttpClients
from services.ingestor.live_feeds import streams_to_play
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.provider_settings import ProviderSettings
from shared.clock import Clock
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedStatus


def settings_to_play(settings: IngestorSettings) -> IngestorSettings:
    """Return settings for a replay: those of live feeds, with a stand-in for each key that is not set.

    A replay sends nothing, so it needs no key.
    """
    missing = {
        name: SecretStr("no key")
        for name, field in ProviderSettings.model_fields.items()
        if field.annotation == SecretStr | None and getattr(settings, name) is None
    }
    return settings.model_copy(update={"feed": "live", **missing})


async def recorded_feed(
    folder: Path,
    settings: IngestorSettings,
    pairs: tuple[Pair, ...],
    *,
    speed: float,
    metrics: IngestorMetrics,
    clients: HttpClients,
    wall: Clock,
) -> PlayedRecording:
    """Return the feed that plays a recording.

    Parameters
    ----------
    settings
        As `settings_to_play` returns them.
    speed
        Multiple of the recorded speed; 0 is as fast as possible.

    Raises
    ------
    ConfigError
        If there is no recording, or no provider has a leg.
    """
    clock = clock_at_begin(folder)
    streams, standbys, chooser = await streams_to_play(
        settings, pairs, metrics=metrics, clients=clients, clock=clock
    )
    return PlayedRecording(
        folder,
        players=[PlayedStream(*both) for both in zip(streams, standbys, strict=True)],
        decide=chooser.decide,
        status_interval_seconds=settings.status_interval_seconds,
        clock=clock,
        speed=speed,
        wall=wall,
    )


class PlayedStream:
    """Gives a stream its recorded frames; what is chosen of its ticks goes on to the sink."""

    def __init__(self, stream: StreamFeed, standby: StandbyFeed) -> None:
        self.instruments = stream.instruments
        self._feed = stream.name
        self._connections = stream.played()
        self._standby = standby
        self._sink: Sink | None = None
        self._before: Sink | None = None

    def take(self, frame: RecordedFrame, sink: Sink) -> bool:
        """Take a frame of a connection that was opened for one of the stream's symbols."""
        if frame.feed != self._feed or not set(frame.symbols) & set(self._connections.symbols):
            return False
        if self._before is None or sink is not self._sink:
            self._sink, self._before = sink, self._standby.sink_before(sink)
        self._connections.take(
            frame.raw, connection=frame.connection, received_ns=frame.received_ns, sink=self._before
        )
        return True

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the statuses of the instruments that the stream is chosen for."""
        return self._standby.statuses()
