"""``convex verify``: prove from the log that nothing was added to the events and nothing left out."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigError


def verify(
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="First day, New York."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last day, New York."),
    ] = None,
    files: Annotated[
        Path | None, typer.Option(help="A folder written by --export, instead of Kafka's topics.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write what a verification needs into this folder, and verify nothing."),
    ] = None,
    received: Annotated[
        Path | None,
        typer.Option(help="Compare a receiver's own events, one webhook body a line, with the proofs only."),
    ] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="With --received: a pair you subscribe to; repeatable.")
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option("--public-key", help="An ed25519 key (PEM) that signs the proofs; repeatable."),
    ] = None,
    pairs: Annotated[
        str | None, typer.Option(help="Pairs of that time: a shipped set or a file; by default CONVEX_PAIRS.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules of that time (TOML); by default those of the installation.")
    ] = None,
    false_alarms: Annotated[
        Path | None,
        typer.Option(help="False alarms of that time (TOML); by default those of the installation."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per day.")] = False,
) -> None:
    """Prove that exactly the published events follow from the log; exit 1 if they do not."""
    if sum(each is not None for each in (files, export)) > 1:
        raise ConfigError("--files and --export do not go together: an export is a copy of Kafka's topics")
    if export is not None and received is not None:
        raise ConfigError("--export and --received do not go together; give one of them")
    if pair and received is None:
        raise ConfigError("--pair goes with --received; a verification covers all pairs of a lead")
    days = (since.date().isoformat() if since else None, until.date().isoformat() if until else None)
    if days[0] and days[1] and days[0] > days[1]:
        raise ConfigError(f"--from {days[0]} is after --to {days[1]}; give the earlier day first")
    # Imported late: the image of one service has the command too, but not what this needs.
    from convex.verify.run import Request, run
    from convex.verify.settings import read_verification_settings
    from convex.verify.signatures import read_public_key

    request = Request(
        since=days[0],
        until=days[1],
        files=files,
        export=export,
        received=received,
        received_pairs=tuple(pair or ()),
        keys=tuple(map(read_public_key, public_key or ())),
        # What was received is compared with the proofs alone: no rule decides there.
        settings=None
        if received is not None or export is not None
        else read_verification_settings(pairs=pairs, rules=rules, false_alarms=false_alarms),
        as_json=as_json,
    )
    raise typer.Exit(0 if asyncio.run(run(request, write=typer.echo)) else 1)
