"""``convex what-if``: two rule files on the same log, event by event."""

import asyncio
import json
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


def what_if(
    rules: Annotated[Path, typer.Option(help="TOML file with the new rules.")],
    against: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with the present rules; by default the installation's, else the published ones."
        ),
    ] = None,
    gold: Annotated[
        list[Path] | None, typer.Option(help="Files as for the backtest, instead of Kafka; repeatable.")
    ] = None,
    iwm: Annotated[
        list[Path] | None, typer.Option(help="Files as for the backtest, instead of Kafka; repeatable.")
    ] = None,
    pair: Annotated[str, typer.Option(help="The pair.")] = "gold-iwm",
    start: _Day = None,
    end: _Day = None,
    false_alarms: Annotated[
        Path | None,
        typer.Option(
            help="File that convex calibrate wrote; by default the installation's, else the shipped figures."
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Where to write the openings (CSV).")] = None,
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the alerts of two rule files on the same log, event by event."""
    from rich.console import Console

    from convex.progress_of_log import progress_of_log
    from convex.result_files import Outputs
    from convex.settings import read_settings
    from convex.what_if.page import show
    from convex.what_if.result import what_if as compare
    from convex.what_if.runs import NamedRules, runs_of_files, runs_of_kafka
    from convex.what_if.tables import as_object, csv_bytes
    from services.signals.config import SignalsSettings
    from services.signals.false_alarms.loading import load_false_alarms
    from services.signals.rules_file import load_rules
    from shared.calendars import xnys_calendar
    from shared.config import KafkaSettings
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings, load_pairs

    is_from_files = bool(gold or iwm)
    if is_from_files and not (gold and iwm):
        raise ConfigError("--gold and --iwm go together; without both the log is read from Kafka")
    if not is_from_files and (start is not None or end is not None):
        raise ConfigError("--start and --end go with --gold and --iwm; without them Kafka is read")
    if start is not None and end is not None and start > end:
        raise ConfigError(f"--start {start:%Y-%m-%d}: is after --end {end:%Y-%m-%d}")
    known = load_pairs("replay" if is_from_files else read_settings(PairsSettings).pairs)
    chosen = next((each for each in known if each.name == pair), None)
    if chosen is None:
        names = ", ".join(each.name for each in known)
        raise ConfigError(f"--pair {pair}: is not known; known are {names}")
    settings = read_settings(SignalsSettings)
    against = settings.rules_file if against is None else against
    figures_file = settings.false_alarms_file if false_alarms is None else false_alarms
    figures, calendar = load_false_alarms(figures_file), xnys_calendar()
    present = NamedRules(
        name="the published rules" if against is None else str(against),
        rules=load_rules(against, pair=pair),
    )
    new = NamedRules(name=str(rules), rules=load_rules(rules, pair=pair))
    read = [*(gold or ()), *(iwm or ()), rules, *(each for each in (against, figures_file) if each)]
    outputs = Outputs([] if csv is None else [csv], inputs=read)
    with outputs:
        if is_from_files:
            recording = Recording(
                lead_files=tuple(gold or ()),
                other_files=tuple(iwm or ()),
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
            runs = runs_of_files(recording, pair=chosen, present=present, new=new, figures=figures)
        else:
            with progress_of_log() as on_progress:
                runs = asyncio.run(
                    runs_of_kafka(
                        read_settings(KafkaSettings),
                        pair=chosen,
                        present=present,
                        new=new,
                        figures=figures,
                        calendar=calendar,
                        on_progress=on_progress,
                    )
                )
        for line in lines_of(runs.notes):
            typer.echo(line, err=True)
        found = compare(runs, figures=figures, calendar=calendar)
        if csv is not None:
            outputs.write([csv_bytes(found)])
    if as_json:
        typer.echo(json.dumps(as_object(found), ensure_ascii=False))
    else:
        show(Console(highlight=False), found)
