"""``convex demo``: the whole system on this machine, on an embedded broker."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from shared.errors import ConfigError


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after this time and print one JSON line.")
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option(help="Recorded ticks or daily bars instead of simulated prices; repeatable."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="Multiple of the recorded speed; 0 is as fast as possible.")
    ] = 60,
    feeds: Annotated[
        Literal["simulated", "live"], typer.Option(help="live: the feeds that need no API key.")
    ] = "simulated",
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal simulated prices.")] = 1,
) -> None:
    """Run the whole system on this machine: page, events, e-mails, webhooks."""
    import orjson
    from rich.console import Console

    from convex.demo import markets
    from convex.demo.run import run_demo
    from shared.clock import SystemClock

    if replay and feeds == "live":
        raise ConfigError("--replay and --feeds live: choose one of them")
    if replay:
        market = markets.recorded(replay, speed)
    else:
        market = markets.live() if feeds == "live" else markets.simulated(seed)
    # With --seconds stdout carries the one JSON line last; the rest is for people.
    console = Console(stderr=seconds is not None and not sys.stdout.isatty())
    observed = asyncio.run(run_demo(market, seconds=seconds, console=console, clock=SystemClock()))
    summary = observed.summary()
    if seconds is None:
        console.print(f"stopped. {orjson.dumps(summary).decode()}", highlight=False, soft_wrap=True)
        return
    sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    missing = [name for name, count in summary.items() if count == 0]
    if missing:
        print(f"convex: nothing seen of: {', '.join(missing)}", file=sys.stderr)  # noqa: T201 - for people
        sys.exit(1)
