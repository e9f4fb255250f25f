"""``convex choose``: compare the levels of one kind, and say whether any of them beats chance."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import ConfigError


def choose(
    kind: Annotated[str, typer.Option(help="Kind of divergence, such as ratio_stretch.")],
    gold: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    iwm: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    pair: Annotated[str, typer.Option(help="Pair that the files belong to.")] = "gold-iwm",
    rules: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with the rule whose levels are varied; by default the published rule.",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            metavar="W1,W2,...",
            help="Warning levels to compare, such as 1.5,2,2.5; critical and leave keep their proportion.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 1,
    histories: Annotated[
        int,
        typer.Option(
            min=19, max=100_000, help="Synthetic histories that show what chance alone would have done."
        ),
    ] = 500,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the rules (TOML) with the chosen level, if one beats chance."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where to draw the trade-off (SVG).")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the tables.")
    ] = False,
) -> None:
    """Compare the levels of a kind by false alarms, hit rates and delay, and say if any beats chance."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from convex.calibrate.history import read_history
    from convex.choose.grid import check_kind, parse_levels, published_rule, rules_of_grid
    from convex.result_files import Outputs
    from services.signals.rules_file import read_rules_file
    from shared.calendars import xnys_calendar
    from shared.config import load_settings
    from shared.domain.divergences import Kind
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings, load_pairs

    try:
        from convex.choose.study import study_levels
    except ModuleNotFoundError as error:
        if error.name != "arch":
            raise
        raise ConfigError("convex choose: needs the package arch; install convex-alerts[research]") from error
    from convex.choose.chosen_rules import chosen_rules_bytes
    from convex.choose.json_output import as_object
    from convex.choose.plot import draw_plot
    from convex.choose.words import lines_of

    pairs = {
        each.name: each
        for name in (load_settings(PairsSettings).pairs, "replay")
        for each in load_pairs(name)
    }
    chosen_pair = pairs.get(pair)
    if chosen_pair is None:
        raise ConfigError(f"--pair {pair}: is not known; known are {', '.join(pairs)}")
    chosen_kind = check_kind(kind, chosen_pair)
    file = read_rules_file(rules)
    # Levels that a budget lacks are those that are looked for, or of another kind.
    known = {each.kind: each for each in file.rules_of(pair, without_levels=list(Kind))}
    if rules is not None and chosen_kind not in known:
        raise ConfigError(f"{rules}: [{chosen_kind}] is switched off; enable it, or leave --rules out")
    rule = known[chosen_kind] if rules is not None else published_rule(chosen_kind)
    grid = rules_of_grid(rule, None if levels is None else parse_levels(levels))
    inputs = [*gold, *iwm, *([rules] if rules is not None else [])]
    # All places are checked before the work. What is not written then leaves its place as it was.
    Outputs([each for each in (out, plot) if each is not None], inputs=inputs)
    rules_place = Outputs([] if out is None else [out], inputs=inputs)
    plot_place = Outputs([] if plot is None else [plot], inputs=inputs)
    recording = Recording(lead_files=tuple(gold), other_files=tuple(iwm))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        rules_place,
        plot_place,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        history = read_history(recording, pair=chosen_pair, calendar=xnys_calendar())
        task = progress.add_task("histories", total=None)
        study = study_levels(
            history,
            grid,
            pair=chosen_pair,
            seed=seed,
            histories=histories,
            on_progress=lambda done, every: progress.update(task, completed=done, total=every),
        )
        found = chosen_rules_bytes(file, study)
        if plot is not None:
            plot_place.write([draw_plot(study)])
        if out is not None and found is not None:
            rules_place.write([found])
    if as_json:
        typer.echo(json.dumps(as_object(study)))
    else:
        for line in lines_of(study):
            typer.echo(line)
    if out is not None:
        said = f"rules → {out}" if found is not None else f"{out} is not written: no level beats chance"
        console.print(said, highlight=False, soft_wrap=True)
