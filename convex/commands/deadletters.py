"""``convex deadletters``: list the dead letters, and replay their records once the cause is fixed."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer

from shared.errors import ConfigError

app = typer.Typer(help="Records that could not be used and were kept.", no_args_is_help=True)

_FEED: Final = "feed:"


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest ones.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the dead letters, the newest last."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from convex.dead_letters import list_dead_letters
    from convex.settings import read_settings
    from shared.config import KafkaSettings

    letters, unreadable = asyncio.run(list_dead_letters(read_settings(KafkaSettings)))
    shown = letters[-limit:]
    if as_json:
        for stored in shown:
            typer.echo(json.dumps({"at": stored.at, **asdict(stored.letter)}))
        return
    console = Console()
    if shown:
        table = Table("time (UTC)", "origin", "partition", "offset", "reason", "message")
        for stored in shown:
            letter = stored.letter
            table.add_row(
                stored.at[:19].replace("T", " "),
                escape(letter.origin),
                "-" if letter.partition is None else str(letter.partition),
                "-" if letter.offset is None else str(letter.offset),
                escape(letter.reason),
                escape(letter.message),
            )
        console.print(table)
    left_out = len(letters) - len(shown)
    console.print(
        f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}"
        + (f", {left_out} older ones not shown (--limit)" if left_out else "")
        + (f", {unreadable} not readable by this version" if unreadable else "")
    )


@app.command("replay")
def replay(
    origin: Annotated[str, typer.Option(help="Topic that the records came from.")],
    partition: Annotated[int | None, typer.Option(min=0, help="Partition of the one record.")] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="Offset of the one record.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Replay every dead letter of that topic.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be published, and publish nothing.")
    ] = False,
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
    from convex.dead_letters import replay_dead_letters
    from convex.settings import read_settings
    from shared.config import KafkaSettings

    place = (partition, offset) if partition is not None and offset is not None else None
    outcomes = asyncio.run(replay_dead_letters(read_settings(KafkaSettings), origin, place, is_dry=dry_run))
    for each in outcomes:
        typer.echo(f"{each.where}: {each.text}")
    replayed = sum(each.is_replayed for each in outcomes)
    typer.echo(f"{replayed} of {len(outcomes)} {'would be ' if dry_run else ''}replayed")
