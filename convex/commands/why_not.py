"""``convex why-not``: what each rule saw at an instant, and which gate held an alert back."""

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
from shared.domain.divergences import Kind
from shared.errors import ConfigError

_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


def why_not(
    time: Annotated[
        list[str],
        typer.Argument(
            metavar="TIME",
            help="A session (2020-03-12: its close as used) or an instant with its zone: "
            "2020-03-12T14:30Z, 2020-03-12 10:30 America/New_York.",
        ),
    ],
    pair: Annotated[str, typer.Option(help="The pair.")] = "gold-iwm",
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.")] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with the levels of the rules; by default the installation's, else the published "
            "ones."
        ),
    ] = None,
    gold: Annotated[
        list[Path] | None, typer.Option(help="Files as for the backtest, instead of Kafka; repeatable.")
    ] = None,
    iwm: Annotated[
        list[Path] | None, typer.Option(help="Files as for the backtest, instead of Kafka; repeatable.")
    ] = None,
    start: _Day = None,
    events: Annotated[
        Path | None,
        typer.Option(help="With files: events of a backtest, to see which of them are near the instant."),
    ] = None,
    file_format: FormatOption = None,
    date_order: DateOrderOption = None,
    decimal: DecimalOption = None,
    timezone: TimezoneOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what each rule saw at an instant, what held back an alert, and what it would have needed."""
    from rich.console import Console

    from convex.settings import read_settings
    from convex.why_not.asked_instant import read_instant
    from convex.why_not.from_files import findings_of_files, published_in
    from convex.why_not.json_output import as_object
    from convex.why_not.page import show
    from services.signals.config import SignalsSettings
    from services.signals.core.engine_config import EngineConfig
    from services.signals.rules_file import load_rules
    from shared.calendars import xnys_calendar
    from shared.config import KafkaSettings
    from shared.files.file_note import FileNote
    from shared.files.reading_options import ReadingOptions
    from shared.files.timeline import Recording
    from shared.pairs.loading import PairsSettings, load_pairs
    from shared.version import CODE_VERSION

    is_from_files = bool(gold or iwm)
    if is_from_files and not (gold and iwm):
        raise ConfigError("--gold and --iwm go together; without both the log is read from Kafka")
    if not is_from_files and (start is not None or events is not None):
        raise ConfigError("--start and --events go with --gold and --iwm; without them Kafka is read")
    pairs = "replay" if is_from_files else read_settings(PairsSettings).pairs
    known = load_pairs(pairs)
    chosen = next((each for each in known if each.name == pair), None)
    if chosen is None:
        names = ", ".join(each.name for each in known)
        raise ConfigError(
            f"--pair {pair}: is not configured, so no rule looks at it; configured are {names}"
            + ("" if is_from_files else " (CONVEX_PAIRS)")
        )
    calendar = xnys_calendar()
    asked = read_instant(time, calendar)
    if rules is None:
        rules = read_settings(SignalsSettings).rules_file
    config = EngineConfig(rules=load_rules(rules, pair=pair), calendar=calendar, code_version=CODE_VERSION)
    if is_from_files:
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
        published = published_in(events)
        notes: list[FileNote] = []
        found = findings_of_files(asked, recording, pair=chosen, config=config, on_note=notes.append)
        for line in lines_of(notes):
            typer.echo(line, err=True)
        source = ", ".join(path.name for path in (*recording.lead_files, *recording.other_files))
    else:
        from convex.progress_of_log import progress_of_log
        from convex.why_not.from_kafka import findings_of_kafka

        kafka = read_settings(KafkaSettings)
        with progress_of_log() as on_progress:
            found, published, source = asyncio.run(
                findings_of_kafka(asked, kafka, pair=chosen, config=config, on_progress=on_progress)
            )
    found = found.only(kind)
    if as_json:
        typer.echo(json.dumps(as_object(found, published, source=source), ensure_ascii=False))
    else:
        show(Console(highlight=False), found, published, source=source)
