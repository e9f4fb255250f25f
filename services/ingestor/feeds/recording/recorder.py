"""Record what providers send: the feeds only add to a bounded queue, a thread writes.

Whatever happens to the recording, the feeds go on: a full queue or a full disk costs lines, and these are
counted. Every configured key is replaced before a line is written, also in addresses and in what a provider
repeats.
"""

import functools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import structlog

from services.ingestor.feeds.recording.lines import Recorded, RecordedAnswer, RecordedFrame, encode
from services.ingestor.feeds.recording.segments import RecordingFolder, Segment
from services.ingestor.feeds.transport.secrets import Redactor
from shared.clock import Clock

log = structlog.get_logger(__name__)

# Ten seconds of the fastest feed while the disk hangs.
_MAX_WAITING_BYTES: Final = 64 << 20
_LINE_OVERHEAD_BYTES: Final = 200
# Together, so that the reading of frames is not interrupted for each of them.
_WRITE_SECONDS: Final = 0.05
_FLUSH_SECONDS: Final = 1.0
# After a disk was full: do not try for each line.
_RETRY_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLimits:
    """How large a recording may be.

    Parameters
    ----------
    segment_bytes, segment_seconds
        A file that is larger or older is ended, and the next begun.
    total_bytes
        Of all files; then the oldest are deleted.
    """

    segment_bytes: int
    segment_seconds: float
    total_bytes: int


class Recorder:
    """A `Tap` that writes into a folder.

    Parameters
    ----------
    on_dropped
        Called with the number of lines that were lost, from any thread.

    Raises
    ------
    ConfigError
        If the folder cannot be written to, or another process records in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: RecordingLimits,
        redactor: Redactor,
        on_dropped: Callable[[int], None],
        clock: Clock,
        max_waiting_bytes: int = _MAX_WAITING_BYTES,
    ) -> None:
        self._folder = RecordingFolder(folder, max_bytes=limits.total_bytes - limits.segment_bytes)
        self._limits = limits
        self._redactor = redactor
        self._on_dropped = on_dropped
        self._clock = clock
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[Recorded] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._segment: Segment | None = None
        self._begun_at = 0.0
        self._retry_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits, and end the file."""
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)
        self._folder.close()

    def frame(
        self,
        *,
        feed: str,
        received_ns: int,
        raw: bytes | str,
        symbols: tuple[str, ...] = (),
        connection: int = 0,
    ) -> None:
        """Queue a frame; see `Tap.frame`."""
        self._put(
            RecordedFrame(feed=feed, received_ns=received_ns, raw=raw, symbols=symbols, connection=connection)
        )

    def answer(self, *, feed: str, received_ns: int, url: str, status: int, raw: bytes) -> None:
        """Queue an answer; see `Tap.answer`."""
        self._put(RecordedAnswer(feed=feed, received_ns=received_ns, url=url, status=status, raw=raw))

    def _put(self, recorded: Recorded) -> None:
        size = _size(recorded)
        with self._lock:
            has_room = self._waiting_bytes + size <= self._max_waiting_bytes
            if has_room:
                self._waiting.append(recorded)
                self._waiting_bytes += size
        if has_room:
            return
        self._on_dropped(1)

    def _run(self) -> None:
        flush_at = 0.0
        while True:
            is_last = self._closing.wait(_WRITE_SECONDS)
            with self._lock:
                taken = list(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
            self._write(taken)
            now = self._clock.monotonic()
            if now >= flush_at:
                self._guarded(self._flush)
                flush_at = now + _FLUSH_SECONDS
            if is_last:
                self._guarded(self._end_segment)
                return

    def _write(self, taken: list[Recorded]) -> None:
        for position, recorded in enumerate(taken):
            if self._retry_at is not None and self._clock.monotonic() < self._retry_at:
                self._on_dropped(len(taken) - position)
                return
            if not self._guarded(functools.partial(self._write_line, recorded)):
                self._on_dropped(1)

    def _write_line(self, recorded: Recorded) -> None:
        line = encode(self._redacted(recorded))
        now = self._clock.monotonic()
        if self._segment is not None and (
            self._segment.size >= self._limits.segment_bytes
            or now - self._begun_at >= self._limits.segment_seconds
        ):
            self._end_segment()
        if self._segment is None:
            self._segment = self._folder.begin_segment(self._clock.now())
            self._begun_at = now
            log.info("recording_file_begun", path=str(self._segment.path))
        self._segment.write(line)

    def _redacted(self, recorded: Recorded) -> Recorded:
        if isinstance(recorded, RecordedFrame):
            return replace(recorded, raw=self._redactor.frame(recorded.raw))
        return replace(recorded, url=self._redactor.text(recorded.url), raw=self._redactor.raw(recorded.raw))

    def _flush(self) -> None:
        if self._segment is not None:
            self._segment.flush()

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _guarded(self, write: Callable[[], None]) -> bool:
        """Return whether it worked; a disk that is full is tried again after a while, with a new file."""
        try:
            write()
        except Exception:
            if self._segment is not None:
                self._segment.abandon()
                self._segment = None
            self._retry_at = self._clock.monotonic() + _RETRY_SECONDS
            log.exception("recording_failed", retry_in_seconds=_RETRY_SECONDS)
            return False
        self._retry_at = None
        return True


def _size(recorded: Recorded) -> int:
    return len(recorded.raw) + _LINE_OVERHEAD_BYTES
