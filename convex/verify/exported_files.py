"""Files with a copy of the topics: written by ``convex verify --export``, and verified without Kafka.

A folder has four files. Three are gzip of one JSON object a line, in the order of partitions and offsets:

======================= =====================================================================================
``proofs.jsonl.gz``     proofs and copies of checkpoints: ``partition, offset, key, value``
``divergences.jsonl.gz`` events: the same
``ticks.jsonl.gz``      the leads' logs: the same
``days.json``           the days that were exported, ``since`` and ``until``; null for no bound
======================= =====================================================================================

``value`` is the record's value as a string: the digests are of exactly its bytes.
"""

import gzip
import io
import zlib
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from convex.verify.log_copy import AppliedRecord, LogCopy
from shared.errors import ConfigError

PROOFS_FILE: Final = "proofs.jsonl.gz"
EVENTS_FILE: Final = "divergences.jsonl.gz"
TICKS_FILE: Final = "ticks.jsonl.gz"
DAYS_FILE: Final = "days.json"


class ExportedRecord(NamedTuple):
    """A record of a topic; its key and value are text."""

    partition: int
    offset: int
    key: str
    value: str


def line_of(record: ExportedRecord) -> bytes:
    """Return a record as a line of a file."""
    return orjson.dumps(record._asdict()) + b"\n"


def read_records(path: Path) -> Iterator[tuple[int, ExportedRecord]]:
    """Yield the records of a file with the numbers of their lines.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line is no record; names file and line.
    """
    number = 0
    try:
        # The buffer finds the ends of lines in C.
        with gzip.open(path, "rb") as unpacked, io.BufferedReader(unpacked, 1 << 20) as lines:
            for number, line in enumerate(lines, start=1):
                yield number, _record(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = f"{path}: line {number + 1}" if number else f"{path}"
        raise ConfigError(f"{where}: cannot be read: {reason}; export the folder again") from error


def copy_of_files(folder: Path) -> LogCopy:
    """Return the proofs, checkpoints and events of a folder; the records are read later.

    Raises
    ------
    ConfigError
        If a file is missing or cannot be used.
    """
    ticks = folder / TICKS_FILE
    for name in (PROOFS_FILE, EVENTS_FILE, TICKS_FILE, DAYS_FILE):
        if not (folder / name).is_file():
            raise ConfigError(f"{folder}: has no {name}; write the folder with convex verify --export")
    reading = _ForwardReader(ticks)

    async def records(partition: int, first: int, last: int) -> AsyncIterator[AppliedRecord]:
        for record in reading.between(partition, first, last):
            yield AppliedRecord(offset=record.offset, value=record.value.encode())

    copy = LogCopy(source=str(folder), records=records)
    for number, record in read_records(folder / PROOFS_FILE):
        copy.take_proof(f"{PROOFS_FILE}, line {number}", record.key, record.value.encode())
    for number, record in read_records(folder / EVENTS_FILE):
        copy.take_event(f"{EVENTS_FILE}, line {number}", number, record.value.encode())
    return copy


def days_of_export(folder: Path) -> tuple[str | None, str | None]:
    """Return the first and the last day that a folder was exported for; None for no bound.

    Raises
    ------
    ConfigError
        If its file cannot be used.
    """
    path = folder / DAYS_FILE
    try:
        loaded = orjson.loads(path.read_bytes())
        since, until = loaded["since"], loaded["until"]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; export the folder again") from error
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: is no file of an export; export the folder again") from error
    if any(each is not None and not isinstance(each, str) for each in (since, until)):
        raise ConfigError(f"{path}: since and until must be dates; export the folder again")
    return since, until


def days_line(since: str | None, until: str | None) -> bytes:
    """Return the content of ``days.json``."""
    return orjson.dumps({"since": since, "until": until}) + b"\n"


class _ForwardReader:
    """Reads a file once while what is asked for goes forward, and again from its start where it goes back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: Iterator[tuple[int, ExportedRecord]] = iter(())
        self._passed: tuple[int, int] | None = None
        self._next: tuple[int, ExportedRecord] | None = None

    def between(self, partition: int, first: int, last: int) -> Iterator[ExportedRecord]:
        """Yield the records of a partition from an offset to another one, both included."""
        if self._passed is None or (partition, first) <= self._passed:
            self._lines, self._next = read_records(self._path), None
        lines = self._lines if self._next is None else chain([self._next], self._lines)
        self._next, self._passed = None, (partition, first - 1)
        for line in lines:
            record = line[1]
            if record.partition > partition or (record.partition == partition and record.offset > last):
                self._next = line
                return
            if record.partition == partition and record.offset >= first:
                self._passed = partition, record.offset
                yield record


def _record(path: Path, number: int, line: bytes) -> ExportedRecord:
    try:
        loaded: Any = orjson.loads(line)
        record = ExportedRecord(loaded["partition"], loaded["offset"], loaded["key"], loaded["value"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: line {number}: is no exported record: {error!r}") from error
    if tuple(map(type, record)) != (int, int, str, str):
        raise ConfigError(f"{path}: line {number}: partition, offset, key or value is of another type")
    return record
