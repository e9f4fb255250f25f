"""``convex choose``: compare the levels of one kind, and say whether any of them beats chance."""

import json
from pathlib import Path
from typing import Annotated

import typer

from convex.commands.file_options import (
    DateOrderOption,
    DecimalOption,
    FormatOption,
    SkipBadRowsOption,
    TimezoneOption,
    lines_of,
)
from shared.errors import ConfigError


def choose(
    kind: Annotated[str, typer.Option(help="Kind of divergence, such as ratio_stretch.")],
    gold: Annotated[
        list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]), or a vendor's; repeatable.")
    ],
    iwm: Annotated[
        list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]), or a vendor's; repeatable.")
    ],
    pair: Annotated[str, typer.Option(help="Pair that the files belong to.")] = "gold-iwm",
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
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
    from convex.choose.grid import check_kind, parse_levels, rules_of_grid, varied_rule
    from convex.result_files import Outputs
    from services.signals.rules_file import read_rules_file
    from shared.calendars import xnys_calendar
    from shared.config import load_settings
    from shared.files.file_note import FileNote
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings, load_pairs

    try:
        from convex.choose.study import LEAST_RETURNS, study_levels
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "arch":
            raise
        raise ConfigError("convex choose: needs the package arch; install convex-alerts[research]") from error
    from convex.choose import words
    from convex.choose.chosen_rules import chosen_rules_bytes
    from convex.choose.json_output import as_object
    from convex.choose.plot import draw_plot

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
    grid = rules_of_grid(
        varied_rule(file, chosen_kind, pair), None if levels is None else parse_levels(levels)
    )
    inputs = [*gold, *iwm, *([rules] if rules is not None else [])]
    # All places are checked before the work. What is not written then leaves its place as it was.
    Outputs([each for each in (out, plot) if each is not None], inputs=inputs)
    rules_place = Outputs([] if out is None else [out], inputs=inputs)
    plot_place = Outputs([] if plot is None else [plot], inputs=inputs)
    recording = Recording(
        lead_files=tuple(gold),
        other_files=tuple(iwm),
        reading=ReadingOptions(
            format=file_format,
            date_order=date_order,
            decimal=decimal,
            timezone=timezone,
            skip_bad_rows=skip_bad_rows,
        ),
    )
    notes: list[FileNote] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        rules_place,
        plot_place,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        history = read_history(
            recording,
            pair=chosen_pair,
            calendar=xnys_calendar(),
            on_note=notes.append,
            least_returns=LEAST_RETURNS,
        )
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
    for note in lines_of(notes):
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(as_object(study)))
    else:
        for line in words.lines_of(study):
            typer.echo(line)
    if out is not None:
        said = (
            f"rules → {out}"
            if found is not None
            else f"{out} is not written: no level is shown to beat chance"
        )
        console.print(said, highlight=False, markup=False, soft_wrap=True)
