"""Run what ``convex verify`` was asked for, on Kafka's topics or on exported files."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.status import Status

from convex.record_reader import RecordReader
from convex.settings import read_settings
from convex.verify.export_folder import export_topics
from convex.verify.exported_files import copy_of_files, days_of_export
from convex.verify.findings import VerifiedDay
from convex.verify.from_kafka import copy_of_topics
from convex.verify.lead_replay import Settings
from convex.verify.log_copy import LogCopy
from convex.verify.page import day_lines, printable, received_lines, summary, unreadable_lines
from convex.verify.received_events import check_received, read_received
from convex.verify.signatures import PublicKey
from convex.verify.verification import LeadVerification
from convex.verify.verified_range import end_of, not_proven_yet, ranges_of
from shared.config import KafkaSettings
from shared.errors import ConfigError

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Parameters
    ----------
    since, until
        Days, both included; None for the first and the last.
    files, export, received
        See the command's options; None where not given.
    received_pairs
        The pairs that the receiver subscribes to; empty for those of its events.
    keys
        The public keys; none to check no signature.
    settings
        What decides the events; None where nothing is computed.
    """

    since: str | None
    until: str | None
    files: Path | None
    export: Path | None
    received: Path | None
    received_pairs: tuple[str, ...]
    keys: tuple[PublicKey, ...]
    settings: Settings | None
    as_json: bool


async def run(request: Request, *, write: Write) -> bool:
    """Do it, and return whether everything was found to be right.

    Raises
    ------
    ConfigError
        If a file cannot be used, or there is no proof of these days.
    BrokerUnavailable
        If Kafka cannot be reached.
    """
    if request.files is not None:
        copy = copy_of_files(request.files)
        first, last = days_of_export(request.files)
        # What was exported is verified; the proof after it is there for its link only.
        asked = replace(request, since=request.since or first, until=request.until or last)
        return await _answer(asked, copy, None, write)
    async with RecordReader(read_settings(KafkaSettings)) as reader:
        return await _answer(request, await copy_of_topics(reader), reader, write)


async def _answer(request: Request, copy: LogCopy, reader: RecordReader | None, write: Write) -> bool:
    if request.received is not None:
        return _answer_received(request, copy, request.received, write)
    ranges = ranges_of(copy, since=request.since, until=request.until)
    if request.export is not None and reader is not None:
        bounds = (request.since, request.until)
        counts = await export_topics(reader, copy, ranges, request.export, days=bounds)
        days = sum(len(each.days) for each in ranges)
        write(f"{days} days: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
        return True
    if request.settings is None:
        raise ConfigError("the settings of the days are needed")
    verified: list[VerifiedDay] = []
    async with _progress() as show:
        for number, each in enumerate(ranges):
            verification = LeadVerification(
                copy=copy,
                days=each,
                settings=request.settings,
                keys=request.keys,
                takes_strangers=number == 0,
                on_progress=show,
            )
            verified += await verification.run()
    missing = not_proven_yet(ranges, leads=request.settings.leads, until=request.until)
    if request.as_json:
        for result in (*verified, *missing):
            write(json.dumps(asdict(result)))
    else:
        for line in (*unreadable_lines(copy), *day_lines((*verified, *missing))):
            write(printable(line))
        if not copy.unreadable:
            write(summary(verified, ends=end_of(ranges), has_key=bool(request.keys)))
    return not (copy.unreadable or missing) and not any(day.findings for day in verified)


def _answer_received(request: Request, copy: LogCopy, path: Path, write: Write) -> bool:
    results = check_received(
        read_received(path),
        copy,
        pairs=request.received_pairs,
        since=request.since,
        until=request.until,
        keys=request.keys,
    )
    if request.as_json:
        for result in results:
            write(json.dumps(asdict(result)))
    else:
        for line in received_lines(results):
            write(printable(line))
    return not any(result.findings for result in results)


@asynccontextmanager
async def _progress() -> AsyncIterator[Callable[[str, int], None]]:
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield lambda _day, _records: None
        return
    with Status("reading", console=console) as status:
        yield lambda day, records: status.update(f"{day}, {records:,} records")
