"""``convex backtest``: run the live engine over history."""

from collections import Counter
from datetime import datetime
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

_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


def backtest(
    gold: Annotated[
        list[Path],
        typer.Option(help="Daily CSV (date,close) or tick CSV (ts_utc,bid,ask), or a vendor's; repeatable."),
    ],
    iwm: Annotated[
        list[Path], typer.Option(help="Daily CSV (date,close[,adj_close]), or a vendor's; repeatable.")
    ],
    stats: Annotated[Path, typer.Option(help="Where to write the statistics of each session (CSV).")],
    events: Annotated[Path, typer.Option(help="Where to write the events (JSON lines).")],
    pair: Annotated[str, typer.Option(help="Pair whose names and figures to use.")] = "gold-iwm",
    baseline: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="Share of sessions in which the legs agree, as a band; by default that of the pair.",
        ),
    ] = None,
    start: _Day = None,
    end: _Day = None,
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    rules: Annotated[
        Path | None,
        typer.Option(help="TOML file with the levels of the rules; by default the published ones."),
    ] = None,
    false_alarms: Annotated[
        Path | None, typer.Option(help="File that convex calibrate wrote; by default the shipped figures.")
    ] = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="Where to write what followed the openings (CSV).")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where to write a report (HTML).")] = None,
    report_paths: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            help="Synthetic histories from which the report computes how often chance alone would open each "
            "kind on these data; 0: show the figures of the events.",
        ),
    ] = 50,
) -> None:
    """List the alerts that these rules would have sent; ticks are replayed after the daily history."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from convex.backtesting.outcomes_csv import outcomes_bytes
    from convex.backtesting.replay import Replayed, events_bytes
    from convex.backtesting.run import known_pair, run_backtest
    from convex.backtesting.stats_csv import stats_bytes
    from convex.result_files import Outputs
    from services.signals.false_alarms.loading import load_false_alarms
    from services.signals.rules_file import load_rules
    from shared.domain.divergences import Transition
    from shared.domain.instants import from_ns
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.text.numbers import format_whole

    chosen = known_pair(pair, baseline=baseline)
    if report_paths == 1:
        raise ConfigError("--report-paths 1: one history has no error; give 2 or more, or 0 for none")
    if start is not None and end is not None and start > end:
        raise ConfigError(f"--start {start:%Y-%m-%d}: is after --end {end:%Y-%m-%d}")
    recording = Recording(
        lead_files=tuple(gold),
        other_files=tuple(iwm),
        start=start.date() if start is not None else None,
        end=end.date() if end is not None else None,
        reading=ReadingOptions(
            format=file_format,
            date_order=date_order,
            decimal=decimal,
            timezone=timezone,
            skip_bad_rows=skip_bad_rows,
        ),
    )
    known_rules, chance = load_rules(rules, pair=pair), load_false_alarms(false_alarms)
    paths = [path for path in (stats, events, outcomes, report) if path is not None]
    outputs = Outputs(
        paths, inputs=[*gold, *iwm, *(each for each in (rules, false_alarms) if each is not None)]
    )
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sessions  {task.fields[ticks]:,} ticks  {task.fields[events]} events"),
        TimeElapsedColumn(),
    )
    with outputs, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=None, ticks=0, events=0)

        def show(reached_ns: int, so_far: Replayed) -> None:
            progress.update(
                task,
                description=f"{from_ns(reached_ns):%Y-%m-%d}",
                completed=len(so_far.rows),
                ticks=so_far.ticks,
                events=len(so_far.events),
            )

        found = run_backtest(recording, pair=chosen, rules=known_rules, false_alarms=chance, on_progress=show)
        replayed = found.replayed
        progress.update(
            task,
            description="done",
            completed=len(replayed.rows),
            total=len(replayed.rows),
            ticks=replayed.ticks,
            events=len(replayed.events),
        )
        # Everything is computed before anything is written, so a bad last row leaves no partial result.
        contents = [stats_bytes(replayed.rows), events_bytes(replayed.events)]
        if outcomes is not None:
            contents.append(outcomes_bytes(replayed.outcomes))
        if report is not None:
            from convex.backtesting.report.beside import beside_file
            from convex.report_of_backtest import report_of_backtest

            progress.update(task, description="chance")
            beside = [
                beside_file(path, report, what)
                for path, what in (
                    (stats, "the statistics of each session"),
                    (events, "every event, one a line"),
                    (outcomes, "what followed the openings"),
                )
                if path is not None
            ]
            contents.append(report_of_backtest(found, paths=report_paths, beside=beside))
        outputs.write(contents)
    for line in lines_of(replayed.notes):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{format_whole(len(replayed.rows))} sessions, {format_whole(replayed.ticks)} ticks, "
        f"{format_whole(len(replayed.events))} events "
        f"→ {', '.join(map(str, paths))}"
    )
    opened = Counter(event.kind for event in replayed.events if event.type is Transition.OPEN)
    counts = ", ".join(f"{rule.kind} {format_whole(opened[rule.kind])}" for rule in known_rules)
    console.print(f"opened: {counts or 'nothing, because every kind is switched off'}")
    if replayed.suppressed:
        reasons = ", ".join(
            f"{reason} {format_whole(count)}" for reason, count in sorted(replayed.suppressed.items())
        )
        console.print(f"not acted on: {reasons}")
