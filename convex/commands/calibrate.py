"""``convex calibrate``: estimate how often a rule opens if the relationship never changes."""

from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigError


def calibrate(
    gold: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    iwm: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    out: Annotated[Path, typer.Option(help="Where to write the figures (TOML).")],
    pair: Annotated[str, typer.Option(help="Pair that the files belong to.")] = "gold-iwm",
    rules: Annotated[
        Path | None,
        typer.Option(help="TOML file with the levels of the rules; by default the published ones."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 1,
    paths: Annotated[int, typer.Option(min=2, max=100_000, help="Number of synthetic histories.")] = 1_000,
    years: Annotated[int, typer.Option(min=1, max=1_000, help="Years counted in each history.")] = 20,
    block_length: Annotated[
        float | None,
        typer.Option(min=1.0, help="Mean length of a block in sessions; by default chosen from the files."),
    ] = None,
) -> None:
    """Estimate the false alarms per year of each rule that a correlation decides."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from convex.calibrate.false_alarms import expect_false_alarms
    from convex.calibrate.figures_file import false_alarms_bytes
    from convex.calibrate.history import read_history
    from convex.calibrate.observations import KINDS
    from convex.result_files import Outputs
    from services.signals.rules_file import load_rules
    from shared.calendars import xnys_calendar
    from shared.files.timeline import Recording
    from shared.pairs.loading import load_pairs

    chosen = next((each for each in load_pairs("replay") if each.name == pair), None)
    if chosen is None:
        known = ", ".join(each.name for each in load_pairs("replay"))
        raise ConfigError(f"--pair {pair}: is not known; known are {known}")
    evaluated = tuple(rule for rule in load_rules(rules) if rule.kind in KINDS)
    if not evaluated:
        raise ConfigError(f"{rules}: neither {' nor '.join(KINDS)} is enabled; there is nothing to estimate")
    outputs = Outputs([out], inputs=[*gold, *iwm, *([rules] if rules is not None else [])])
    recording = Recording(lead_files=tuple(gold), other_files=tuple(iwm))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with outputs, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        history = read_history(recording, pair=chosen, calendar=xnys_calendar())
        task = progress.add_task("histories", total=paths)
        found = expect_false_alarms(
            history,
            evaluated,
            pair=pair,
            seed=seed,
            paths=paths,
            years=years,
            block_length=block_length,
            on_progress=lambda done: progress.update(task, completed=done),
        )
        outputs.write([false_alarms_bytes(found)])
    for each in found:
        console.print(f"{each.kind}: {each.per_year:.3f} ± {each.standard_error:.3f} false alarms a year")
    console.print(f"{paths} histories of {years} years → {out}")
