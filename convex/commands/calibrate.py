"""``convex calibrate``: estimate how often chance alone would open each rule."""

from pathlib import Path
from typing import Annotated, Any

import typer

from convex.commands.file_options import (
    DateOrderOption,
    DecimalOption,
    FormatOption,
    SkipBadRowsOption,
    TimezoneOption,
    lines_of,
)
from services.signals.core.false_alarms import FalseAlarms
from shared.domain.divergences import ObservedOpenings
from shared.errors import ConfigError


def calibrate(
    gold: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    iwm: Annotated[list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]); repeatable.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the figures (TOML).")] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Print figures of the first half of the files beside the openings of the second."
        ),
    ] = False,
    rules_out: Annotated[
        Path | None,
        typer.Option(
            "--rules-out",
            help="Where to write the rules (TOML) with the levels of each false_alarms_per_year.",
        ),
    ] = None,
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
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    refits: Annotated[
        int,
        typer.Option(min=0, max=1_000, help="Resampled histories for the intervals; 0 for no intervals."),
    ] = 20,
) -> None:
    """Estimate how often chance alone would open each rule in a year."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from convex.calibrate.budget_study import BudgetStudy
    from convex.calibrate.budget_words import describe_budget
    from convex.calibrate.false_alarms import expect_false_alarms
    from convex.calibrate.figures_file import false_alarms_bytes
    from convex.calibrate.history import LEAST_RETURNS, read_history
    from convex.calibrate.requested_budgets import requested_budgets
    from convex.calibrate.rule_openings import can_count
    from convex.calibrate.rules_toml import calibrated_rules_bytes
    from convex.calibrate.second_half import check_second_half
    from convex.result_files import Outputs
    from services.signals.core.kinds.registry import PUBLISHED_RULES
    from services.signals.rules_file import read_rules_file
    from shared.calendars import xnys_calendar
    from shared.config import load_settings
    from shared.domain.divergences import Kind
    from shared.files.file_note import FileNote
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings, load_pairs

    # Those of the installation, too: each has levels of its own.
    pairs = {
        each.name: each
        for name in (load_settings(PairsSettings).pairs, "replay")
        for each in load_pairs(name)
    }
    chosen = pairs.get(pair)
    if chosen is None:
        known = ", ".join(pairs)
        raise ConfigError(f"--pair {pair}: is not known; known are {known}")
    # Without a file also the kinds that open nothing until a file enables them: that keeps their levels.
    file = read_rules_file(rules)
    budgets = requested_budgets(file, chosen, simulated_years=paths * years) if rules_out is not None else {}
    known_rules = file.rules_of(pair, without_levels=budgets) if rules is not None else PUBLISHED_RULES
    evaluated = tuple(rule for rule in known_rules if can_count(rule.kind, chosen))
    if not evaluated:
        raise ConfigError(f"{rules}: no kind whose openings can be counted is enabled")
    if out is None and not check:
        raise ConfigError("--out: is missing; give it, or --check to write nothing")
    if rules_out is not None and (out is None or check):
        raise ConfigError(
            "--rules-out: goes with --out, and without --check: its levels know all of the files"
        )
    outputs = Outputs(
        [each for each in (out, rules_out) if each is not None],
        inputs=[*gold, *iwm, *([rules] if rules is not None else [])],
    )
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
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    lines: list[str] = []
    notes: list[FileNote] = []
    with outputs, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        history = read_history(recording, pair=chosen, calendar=xnys_calendar(), on_note=notes.append)
        if check and history.lead.size < 2 * LEAST_RETURNS:
            raise ConfigError(f"--check: needs {2 * LEAST_RETURNS + 1} sessions in common, four years")
        task = progress.add_task("histories", total=None)
        options: dict[str, Any] = {
            "pair": chosen,
            "seed": seed,
            "paths": paths,
            "years": years,
            "block_length": block_length,
            "refits": refits,
            "on_progress": lambda done, every: progress.update(task, completed=done, total=every),
        }
        if out is not None:
            calibrated = BudgetStudy(history=history, **options).calibrate_all(evaluated, budgets)
            given = [rule for rule in evaluated if rule.kind not in budgets]
            figures = [each.figure for each in calibrated]
            figures += expect_false_alarms(history, given, **options)
            found = tuple(sorted(figures, key=lambda each: list(Kind).index(each.kind)))
            contents = [false_alarms_bytes(found)]
            if rules_out is not None:
                contents.append(calibrated_rules_bytes(file, pair, calibrated))
            outputs.write(contents)
            lines += [_line(each, each.openings) for each in found]
            lines += [line for each in calibrated for line in describe_budget(each)]
            to = ", ".join(str(each) for each in (out, rules_out) if each is not None)
            lines.append(f"{paths} histories of {years} years → {to}")
        if check:
            halves = check_second_half(history, evaluated, **options)
            first = halves[0].expected.period
            lines.append(
                f"Chance from {first.first_session} to {first.last_session}; what opened after that:"
            )
            lines += [_line(each.expected, each.observed) for each in halves]
    for line in [*lines_of(notes), *lines]:
        console.print(line, highlight=False, soft_wrap=True)


def _line(found: FalseAlarms, opened: ObservedOpenings | None) -> str:
    """Return a figure beside the openings of a history.

    Examples
    --------
    >>> from shared.domain.divergences import Kind
    >>> figure = FalseAlarms(
    ...     pair="gold-iwm", kind=Kind.HEDGE_LOST, rule_version="hedge_lost-1-0", per_year=0.141,
    ...     standard_error=0.002, low=0.07, high=0.29, block_length=64.0, paths=1_000, years=20, seed=1,
    ...     first_session="2012-11-14", last_session="2021-03-31", returns=2_106, observed=2,
    ...     observed_sessions=2_047,
    ... )
    >>> _line(figure, figure.openings)
    'hedge_lost: 0.141 a year by chance (0.070 to 0.290); opened 2 times: 0.25 a year (0.03 to 0.89)'
    """
    line = f"{found.kind}: {found.per_year:.3f} a year by chance"
    if found.interval is not None:
        line += f" ({found.interval.low:.3f} to {found.interval.high:.3f})"
    if opened is not None:
        rate, times = opened.per_year, "once" if opened.count == 1 else f"{opened.count} times"
        line += f"; opened {times}: {rate.value:.2f} a year ({rate.low:.2f} to {rate.high:.2f})"
    return line
