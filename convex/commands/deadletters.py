"""``convex deadletters``: look at what could not be used, and put it back once the cause is mended.

A dead letter keeps the first bytes only. Replaying fetches the original record from where it stood and
publishes it to the same topic again, with its key, its headers and ``replayed_from``.
"""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convex.kafka_records import Gone, KeptLetter, RecordReader, Refetched, republish
from convex.settings import read_settings
from shared.config import KafkaSettings
from shared.domain.instants import format_rfc3339
from shared.errors import ConfigError, PermanentError

app = typer.Typer(help="What could not be used and was kept.", no_args_is_help=True)

_FEED: Final = "feed:"
_NS_PER_MS: Final = 1_000_000


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Show the dead letters, the newest last."""
    letters, unreadable = asyncio.run(_read(read_settings(KafkaSettings)))
    shown = letters[-limit:]
    if as_json:
        for kept in shown:
            typer.echo(json.dumps({"at": _at(kept), **asdict(kept.letter)}))
        return
    console = Console()
    if shown:
        console.print(_table(shown))
    left_out = len(letters) - len(shown)
    console.print(
        f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}"
        + (f", {left_out} older ones not shown (--limit)" if left_out else "")
        + (f", {unreadable} not readable by this version" if unreadable else "")
    )


@app.command("replay")
def replay(
    origin: Annotated[str, typer.Option(help="Topic that the records came from.")],
    partition: Annotated[int | None, typer.Option(min=0, help="Of the one record to replay.")] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="Of the one record to replay.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every dead letter of that topic.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published.")] = False,
) -> None:
    """Publish the original record of a dead letter again, to the topic that it came from."""
    if origin.startswith(_FEED):
        raise ConfigError(
            f"--origin {origin}: came from a feed and never was a record, so there is nothing to replay; "
            "its first bytes are in: convex deadletters list --json"
        )
    is_one = partition is not None and offset is not None
    if is_one == is_all or (partition is None) != (offset is None):
        raise ConfigError("name one record with --partition P --offset N, or --all of them")
    place = (partition, offset) if partition is not None and offset is not None else None
    asyncio.run(_replay(read_settings(KafkaSettings), origin, place, is_dry=dry_run))


async def _read(settings: KafkaSettings) -> tuple[list[KeptLetter], int]:
    async with RecordReader(settings) as reader:
        return await reader.dead_letters()


async def _replay(
    settings: KafkaSettings, origin: str, place: tuple[int, int] | None, *, is_dry: bool
) -> None:
    async with RecordReader(settings) as reader:
        letters, _ = await reader.dead_letters()
        known = {
            (kept.letter.partition, kept.letter.offset)
            for kept in letters
            if kept.letter.origin == origin
            and kept.letter.partition is not None
            and kept.letter.offset is not None
        }
        places = sorted(known) if place is None else [each for each in sorted(known) if each == place]
        if not places:
            which = origin if place is None else f"{origin}/{place[0]}/{place[1]}"
            raise ConfigError(f"{which}: has no dead letter; see convex deadletters list")
        found = [await reader.fetch(origin, *each) for each in places]
    if place is not None and isinstance(found[0], Gone):
        raise PermanentError(f"{found[0].where}: {found[0].why}", reason="record_gone")
    # A record that is itself a replay has its original among the others: once is enough.
    chosen = [
        each for each in found if isinstance(each, Refetched) and not (each.is_replay and place is None)
    ]
    landed = {} if is_dry else await republish(settings, chosen)
    for each in found:
        typer.echo(_line(each, landed, is_dry=is_dry))
    typer.echo(f"{len(chosen)} of {len(found)} {'would be ' if is_dry else ''}replayed")


def _line(found: Refetched | Gone, landed: dict[str, str], *, is_dry: bool) -> str:
    if isinstance(found, Gone):
        return f"{found.where}: not replayed: {found.why}"
    if found.where in landed:
        return f"{found.where}: replayed as {landed[found.where]}"
    if found.is_replay:
        return f"{found.where}: not replayed: is a replay of {found.replayed_from} itself"
    size = len(found.value) if found.value is not None else 0
    return f"{found.where}: {'would be' if is_dry else 'was not'} replayed ({size} bytes)"


def _table(letters: list[KeptLetter]) -> Table:
    table = Table("time (UTC)", "origin", "partition", "offset", "reason", "message")
    for kept in letters:
        letter = kept.letter
        table.add_row(
            _at(kept)[:19].replace("T", " "),
            escape(letter.origin),
            "-" if letter.partition is None else str(letter.partition),
            "-" if letter.offset is None else str(letter.offset),
            escape(letter.reason),
            escape(letter.message),
        )
    return table


def _at(kept: KeptLetter) -> str:
    return format_rfc3339(kept.timestamp_ms * _NS_PER_MS)
