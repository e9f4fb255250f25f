"""Copy what a verification needs from Kafka into a folder."""

import gzip
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from convex.record_reader import RecordReader
from convex.verify.exported_files import (
    DAYS_FILE,
    EVENTS_FILE,
    PROOFS_FILE,
    TICKS_FILE,
    ExportedRecord,
    days_line,
    line_of,
)
from convex.verify.log_copy import LogCopy
from convex.verify.verified_range import VerifiedRange
from shared.errors import ConfigError
from shared.kafka.topics import DIVERGENCES, PROOFS, TICKS

_FILES: Final = (PROOFS_FILE, EVENTS_FILE, TICKS_FILE)
# Fast, and a tenth of the size: the values repeat the same names.
_COMPRESSION: Final = 4


async def export_topics(
    reader: RecordReader,
    copy: LogCopy,
    ranges: Iterable[VerifiedRange],
    folder: Path,
    *,
    days: tuple[str | None, str | None],
) -> dict[str, int]:
    """Write the files of `exported_files`; all of them appear, or none.

    Parameters
    ----------
    copy
        Of the topics: it says which proofs, and so which records, belong to the days.
    ranges
        The days of each lead.
    days
        The first and the last day that were asked for.

    Returns
    -------
    dict
        How many records each file has.

    Raises
    ------
    ConfigError
        If the folder cannot be written, or has such a file already.
    BrokerUnavailable
        If Kafka stops to answer.
    """
    ranges = tuple(ranges)
    keys = {key for each in ranges for key in each.proof_keys()}
    leads = {each.lead for each in ranges}
    proven = {each for of in ranges for each in of.proven()}
    wanted = {
        event.where
        for pair, events in copy.events.items()
        for event in events
        if any(each.is_of_days(event) for each in ranges) or (pair, event.event.sequence) in proven
    }
    counts = dict.fromkeys(_FILES, 0)
    with _new_files(folder, days) as files:
        for record in await reader.everything(PROOFS.name):
            key = (record.key or b"").decode(errors="replace")
            if key in keys or key.partition("|state|")[0] in leads:
                counts[PROOFS_FILE] += _write(files[PROOFS_FILE], record)
        for record in await reader.everything(DIVERGENCES.name):
            where = f"{DIVERGENCES.name}/{record.partition}/{record.offset}"
            if where in wanted:
                counts[EVENTS_FILE] += _write(files[EVENTS_FILE], record)
        for partition, first, last in _stretches(ranges):
            begin, end = await reader.bounds(TICKS.name, partition)
            async for record in reader.stretch(
                TICKS.name, partition, max(begin, first), until=min(end, last + 1)
            ):
                counts[TICKS_FILE] += _write(files[TICKS_FILE], record)
    return counts


def _write(file: gzip.GzipFile, record: Any) -> int:
    """Write a record, and return how many were written: no engine applied one whose value is no text."""
    try:
        line = ExportedRecord(
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode(),
            value=(record.value or b"").decode(),
        )
    except UnicodeDecodeError:
        return 0
    file.write(line_of(line))
    return 1


def _stretches(ranges: Iterable[VerifiedRange]) -> Iterator[tuple[int, int, int]]:
    """Yield partition, first and last offset of what the leads need, ascending and without overlap."""
    reached: tuple[int, int] | None = None
    for partition, first, last in sorted(each.offsets() for each in ranges):
        begin = max(first, reached[1] + 1) if reached is not None and reached[0] == partition else first
        if begin <= last:
            yield partition, begin, last
            reached = partition, last


@contextmanager
def _new_files(folder: Path, days: tuple[str | None, str | None]) -> Iterator[dict[str, gzip.GzipFile]]:
    parts = {name: folder / f".convex-{secrets.token_hex(8)}.part" for name in (*_FILES, DAYS_FILE)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [name for name in parts if (folder / name).exists()]
        if taken:
            raise ConfigError(f"{folder}: has {taken[0]} already; name a new folder")
        files: dict[str, gzip.GzipFile] = {}
        try:
            parts[DAYS_FILE].write_bytes(days_line(*days))
            for name in _FILES:
                # Without a time in the head, the same records give the same bytes.
                files[name] = gzip.GzipFile(parts[name], "wb", compresslevel=_COMPRESSION, mtime=0)
            yield files
        finally:
            for file in files.values():
                file.close()
        for name, part in parts.items():
            part.replace(folder / name)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
