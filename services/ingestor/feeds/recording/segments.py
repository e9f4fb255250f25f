"""The files of a recording: numbered, compressed, limited in size and age, the oldest deleted first.

A file is named ``000017-20261130T142803Z.jsonl.gz``: its number, which gives the order, and when it was
begun. What was written is flushed every second, so a file that ends in the middle, because its process was
killed, can be read up to there.
"""

import contextlib
import fcntl
import os
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from services.ingestor.feeds.recording.lines import MAX_LINE_BYTES, header_line, is_header
from shared.errors import ConfigError

_NAME: Final = re.compile(r"([0-9]{6,})-[0-9]{8}T[0-9]{6}Z\.jsonl\.gz")
_LOCK: Final = ".recording.lock"
# With the header and the trailer of gzip.
_GZIP: Final = 31
# Fast: the text of a venue still shrinks to an eighth.
_LEVEL: Final = 3
# Small: what is decompressed together with a damaged byte is lost.
_READ_BYTES: Final = 1 << 12


def segments_in(folder: Path) -> list[Path]:
    """Return the files of a recording in their order."""
    numbered = [(int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(numbered)]


class RecordingFolder:
    """A folder in which one process records.

    Parameters
    ----------
    max_bytes
        Of all files together, when another is begun.

    Raises
    ------
    ConfigError
        If it cannot be made or written to, or another process records in it.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(f"--record {folder}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise ConfigError(f"--record {folder}: another ingestor records there") from error
        existing = segments_in(folder)
        self._next_number = int(existing[-1].name.partition("-")[0]) + 1 if existing else 1

    def begin_segment(self, at: datetime) -> "Segment":
        """Return a new file, after the oldest were deleted to make room.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self.delete_oldest()
        name = f"{self._next_number:06d}-{at:%Y%m%dT%H%M%SZ}.jsonl.gz"
        self._next_number += 1
        return Segment(self._folder / name)

    def delete_oldest(self) -> None:
        """Delete the oldest files while all of them together are too large; never the newest."""
        paths = segments_in(self._folder)
        sizes = [path.stat().st_size for path in paths]
        total = sum(sizes)
        for path, size in zip(paths[:-1], sizes, strict=False):
            if total <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def close(self) -> None:
        """Let another process record here."""
        os.close(self._lock)


class Segment:
    """One file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        # Frames may hold what concerns nobody else.
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
        self.write(header_line())

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._put(self._compressor.compress(line))

    def flush(self) -> None:
        """Let everything so far be readable, also if this process is killed."""
        self._put(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        try:
            self._put(self._compressor.flush(zlib.Z_FINISH))
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Give up a file that cannot be written any more; what was flushed stays readable."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _put(self, compressed: bytes) -> None:
        self._file.write(compressed)
        self.size += len(compressed)


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file up to where it ends or is damaged, without their line breaks.

    Raises
    ------
    ConfigError
        If it cannot be read, or does not begin as a recording does.
    """
    lines = _lines(path)
    if not is_header(next(lines, b"")):
        raise ConfigError(f"--replay {path}: is no recording of this version of Convex")
    yield from lines


def _lines(path: Path) -> Iterator[bytes]:
    begun: list[bytes] = []
    size = 0
    for part in _decompressed(path):
        *complete, last = part.split(b"\n")
        for end in complete:
            yield b"".join((*begun, end))
            begun, size = [], 0
        begun.append(last)
        size += len(last)
        if size > MAX_LINE_BYTES:
            return
    # What is left has no line break: its end was never written.


def _decompressed(path: Path) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=_GZIP)
    try:
        with path.open("rb") as file:
            while part := file.read(_READ_BYTES):
                while part:
                    yield decompressor.decompress(part, _READ_BYTES)
                    part = decompressor.unconsumed_tail
                if decompressor.eof:
                    return
    except zlib.error:
        return
    except OSError as error:
        raise ConfigError(f"--replay {path}: cannot be read: {error.strerror}") from error
