"""``convex explain``: recompute an event step by step, so that a person can check it with a calculator."""

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
)
from shared.errors import ConfigError

_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


def explain(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="The whole id, or its first letters.")],
    events: Annotated[
        Path | None, typer.Option(help="Events of a backtest (JSON lines), instead of Kafka's.")
    ] = None,
    gold: Annotated[
        list[Path] | None, typer.Option(help="With --events: the same file as for the backtest; repeatable.")
    ] = None,
    iwm: Annotated[
        list[Path] | None, typer.Option(help="With --events: the same file as for the backtest; repeatable.")
    ] = None,
    start: _Day = None,
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    rules: Annotated[
        Path | None,
        typer.Option(help="TOML file with the levels of the rules; by default the published ones."),
    ] = None,
    has_all_rows: Annotated[bool, typer.Option("--all", help="Print every row of the window.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Recompute an event from the log and print each step; exit 1 if a number differs."""
    # Imported late: the image of one service has the command too, but not what this needs.
    from rich.console import Console

    from convex.explain.from_files import explain_from_files
    from convex.explain.from_kafka import explain_from_kafka
    from convex.explain.hold_and_cooldown import cooldowns_of
    from convex.explain.json_output import as_object
    from convex.explain.page import show
    from convex.settings import read_settings
    from services.signals.config import SignalsSettings
    from shared.calendars import xnys_calendar
    from shared.config import KafkaSettings
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings

    if events is None and (gold or iwm or start):
        raise ConfigError("--gold, --iwm and --start go with --events; without it the log is read from Kafka")
    if events is None and rules is None:
        rules = read_settings(SignalsSettings).rules_file
    calendar, cooldowns = xnys_calendar(), cooldowns_of(rules)
    if events is not None:
        recording = Recording(
            lead_files=tuple(gold or ()),
            other_files=tuple(iwm or ()),
            start=start.date() if start is not None else None,
            reading=ReadingOptions(
                format=file_format,
                date_order=date_order,
                decimal=decimal,
                timezone=timezone,
                skip_bad_rows=skip_bad_rows,
            ),
        )
        found = explain_from_files(event_id, events, recording, cooldowns=cooldowns, calendar=calendar)
    else:
        kafka, pairs = read_settings(KafkaSettings), read_settings(PairsSettings).pairs
        found = asyncio.run(
            explain_from_kafka(event_id, kafka, pairs=pairs, cooldowns=cooldowns, calendar=calendar)
        )
    if as_json:
        typer.echo(json.dumps(as_object(found), ensure_ascii=False))
    else:
        show(Console(highlight=False), found, has_all_rows=has_all_rows)
    raise typer.Exit(0 if found.comes_out else 1)
