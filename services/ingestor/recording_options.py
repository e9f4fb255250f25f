"""What the command line asks for beside the settings: to record, or to play a recording."""

import math
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.recording.recorder import Recorder, RecordingLimits
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import NoTap, Tap
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.recorded_feeds import settings_to_play
from shared.clock import Clock
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """What the command line asks for beside the settings.

    Parameters
    ----------
    record
        Folder in which to record what providers send.
    replay
        Folder of a recording to play instead of any feed.
    speed
        Multiple of the recorded speed; 0 is as fast as possible.

    Raises
    ------
    ConfigError
        If both are asked for, or a speed without a recording to play.
    """

    record: Path | None = None
    replay: Path | None = None
    speed: float = 0.0

    def __post_init__(self) -> None:
        if self.record is not None and self.replay is not None:
            raise ConfigError("--record and --replay: choose one of them")
        if not math.isfinite(self.speed) or self.speed < 0:
            raise ConfigError(f"--speed {self.speed:g}: must be 0 or a positive number")
        if self.speed and self.replay is None:
            raise ConfigError(
                f"--speed {self.speed:g}: only a recording is played at a speed; add --replay DIR, or leave "
                "it out"
            )

    def settings(self, settings: IngestorSettings) -> IngestorSettings:
        """Return the settings that hold: a replay needs no key."""
        return settings if self.replay is None else settings_to_play(settings)


def tap_of(
    recording: RecordingOptions,
    settings: IngestorSettings,
    *,
    metrics: IngestorMetrics,
    clock: Clock,
    stack: AsyncExitStack,
) -> Tap:
    """Return what records into the folder that was asked for, until the stack is closed.

    Raises
    ------
    ConfigError
        If nothing is received that could be recorded, or the folder cannot be written to.
    """
    folder = recording.record
    if folder is None:
        return NoTap()
    if settings.feed != "live":
        raise ConfigError(
            f"--record {folder}: CONVEX_INGESTOR_FEED={settings.feed} receives nothing to record"
        )
    limits = RecordingLimits(
        segment_bytes=settings.record_file_megabytes << 20,
        segment_seconds=settings.record_file_seconds,
        total_bytes=settings.record_max_megabytes << 20,
    )
    return stack.enter_context(
        Recorder(
            folder,
            limits=limits,
            redactor=Redactor.of_settings(settings),
            on_dropped=metrics.recording_dropped.inc,
            clock=clock,
        )
    )
