"""Play a recording: every frame, in its order and at its time, through the parsers and checks of a live feed.

The clock stands still between two lines and is set to when the next one came. Statuses and the choice among
feeds are due at intervals of that time. So a recording gives the same ticks, statuses and rejections each
time, however fast it is played.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.recording.lines import Recorded, RecordedFrame, decode
from services.ingestor.feeds.recording.segments import read_lines, segments_in
from shared.clock import Clock, ManualClock
from shared.domain.instants import format_rfc3339, from_ns
from shared.domain.ticks import FeedStatus
from shared.errors import ConfigError, DecodeError

log = structlog.get_logger(__name__)

# Frames between two pauses, in which what was put is sent or printed.
_FRAMES_AT_A_TIME: Final = 200
_PAUSE: Final = timedelta(minutes=5)


class FramePlayer(Protocol):
    """What takes the frames of one feed."""

    instruments: tuple[str, ...]

    def take(self, frame: RecordedFrame, sink: Sink) -> bool:
        """Take a frame as if it came now; return False if it is of no symbol of this installation."""
        ...

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the present statuses that go into the log."""
        ...


def read_recording(folder: Path) -> Iterator[Recorded]:
    """Yield every line of a recording in its order; a file that is cut off or damaged is read up to there.

    Raises
    ------
    ConfigError
        If there is no recording, or a file cannot be read.
    """
    for path in segments_of(folder):
        for line in read_lines(path):
            try:
                yield decode(line)
            except DecodeError as error:
                log.warning("recording_damaged", path=str(path), error=str(error))
                break


def segments_of(folder: Path) -> list[Path]:
    """Return the files of a recording in their order.

    Raises
    ------
    ConfigError
        If there are none.
    """
    try:
        paths = segments_in(folder)
    except OSError as error:
        raise ConfigError(f"--replay {folder}: cannot be read: {error.strerror}") from error
    if not paths:
        raise ConfigError(f"--replay {folder}: has no file of a recording (000001-….jsonl.gz)")
    return paths


def clock_at_begin(folder: Path) -> ManualClock:
    """Return a clock that stands at the first line of a recording.

    Raises
    ------
    ConfigError
        If there is no recording, or no line in it.
    """
    first = next(read_recording(folder), None)
    if first is None:
        raise ConfigError(f"--replay {folder}: the recording is empty")
    return ManualClock(from_ns(first.received_ns))


class PlayedRecording:
    """Plays a recording as a feed.

    Parameters
    ----------
    players
        For each feed of the recording, what takes its frames.
    decide
        Chooses among the feeds of each instrument.
    clock
        Moved on to the time of each line; what the players read the time from.
    speed
        Multiple of the recorded speed; 0 is as fast as possible.
    wall
        Paces, unless the speed is 0.
    """

    name = "recording"

    def __init__(
        self,
        folder: Path,
        *,
        players: Sequence[FramePlayer],
        decide: Callable[[Sink], None],
        status_interval_seconds: float,
        clock: ManualClock,
        speed: float,
        wall: Clock,
    ) -> None:
        every = (instrument for player in players for instrument in player.instruments)
        self.instruments: tuple[str, ...] = tuple(dict.fromkeys(every))
        self._folder = folder
        self._players = players
        self._decide = decide
        self._interval = timedelta(seconds=status_interval_seconds)
        self._clock = clock
        self._speed = speed
        self._wall = wall
        self._begun_at = clock.now()
        self._wall_begun_at = wall.monotonic()
        self._status_due = clock.now() + self._interval
        self._ignored = 0

    def statuses(self) -> Iterable[FeedStatus]:
        """Return none: they are put when they are due by the recorded time."""
        return ()

    async def run(self, sink: Sink) -> None:
        """Play to the end.

        Raises
        ------
        ConfigError
            If a file cannot be read, or there is no frame in any.
        """
        lines = read_recording(self._folder)
        played = frames = 0
        # Reading blocks, so it runs in a thread: the sender goes on meanwhile.
        while part := await asyncio.to_thread(_next_lines, lines):
            for recorded in part:
                await self._until(recorded.received_ns, sink)
                self._play(recorded, sink)
            played += len(part)
            frames += sum(isinstance(each, RecordedFrame) for each in part)
            for instrument in self.instruments:
                await sink.wait_for_room(instrument)
            await asyncio.sleep(0)
        if not frames:
            raise ConfigError(
                f"--replay {self._folder}: has only answers to requests ({played}) and no frame of a stream; "
                "only frames are played"
            )
        self._report(sink)
        log.info(
            "recording_ended",
            lines=played,
            ignored=self._ignored,
            at=format_rfc3339(self._clock.now_ns()),
        )

    def _play(self, recorded: Recorded, sink: Sink) -> None:
        if not isinstance(recorded, RecordedFrame):
            self._ignored += 1
            return
        # Not any(): each feed of a venue takes what concerns it.
        if True not in [player.take(recorded, sink) for player in self._players]:
            self._ignored += 1

    async def _until(self, received_ns: int, sink: Sink) -> None:
        """Move the clock on to when a line came; what is due before it is put first."""
        at = from_ns(received_ns)
        if at - self._status_due > _PAUSE:
            # Nothing was recorded meanwhile, so nothing was put meanwhile.
            self._status_due = at
        while self._status_due <= at:
            self._move(self._status_due)
            await self._pace()
            self._report(sink)
            self._status_due += self._interval
        self._move(at)
        await self._pace()

    def _report(self, sink: Sink) -> None:
        self._decide(sink)
        for player in self._players:
            for status in player.statuses():
                sink.put_status(status)

    def _move(self, at: datetime) -> None:
        # Lines of two connections may be some microseconds out of order.
        self._clock.advance(max(timedelta(0), at - self._clock.now()))

    async def _pace(self) -> None:
        if self._speed == 0:
            return
        due = self._wall_begun_at + (self._clock.now() - self._begun_at).total_seconds() / self._speed
        await asyncio.sleep(max(0.0, due - self._wall.monotonic()))


def _next_lines(lines: Iterator[Recorded]) -> list[Recorded]:
    part: list[Recorded] = []
    for recorded in lines:
        part.append(recorded)
        if len(part) == _FRAMES_AT_A_TIME:
            break
    return part
