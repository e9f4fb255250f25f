"""Two runs of the engine over one log, under the present rules and under the new ones."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from convex.backtesting.observed_sessions import observed_positions
from convex.backtesting.outcomes import EveryBar
from convex.backtesting.run import run_backtest
from convex.lead_log import OnProgress, open_log
from convex.record_reader import RecordReader
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.false_alarms import FalseAlarms
from shared.config import KafkaSettings
from shared.domain.bars import BarBatch
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.files.file_note import FileNote
from shared.files.timeline import Recording
from shared.version import CODE_VERSION

Figures = Mapping[tuple[str, str], FalseAlarms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one set of rules made of a log.

    Parameters
    ----------
    name
        Of the rules: a file, or the published ones.
    suppressed
        Decisions and inputs not acted on, by reason.
    """

    name: str
    rules: tuple[Rule, ...]
    events: tuple[DivergenceEvent, ...]
    suppressed: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Both runs, and what they have in common.

    Parameters
    ----------
    sessions
        Labels of the sessions that were decided on, ascending; of Kafka, of those that the log has a part
        of.
    observed
        In how many of them each kind may open: where its statistic has a value. Of Kafka, and for data
        faults, in all of them.
    every_bar
        The bars of both legs, for what followed.
    source
        What was read.
    notes
        What was noticed about the files.
    """

    pair: Pair
    present: Run
    new: Run
    sessions: tuple[str, ...]
    observed: Mapping[Kind, int]
    every_bar: EveryBar
    source: str
    notes: tuple[FileNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRules:
    """Rules, and what they are called."""

    name: str
    rules: tuple[Rule, ...]


def runs_of_files(
    recording: Recording,
    *,
    pair: Pair,
    present: NamedRules,
    new: NamedRules,
    figures: Figures,
) -> Runs:
    """Run two backtests of the same files.

    Raises
    ------
    ConfigError
        If a file cannot be used.
    """
    found = [
        run_backtest(recording, pair=pair, rules=named.rules, false_alarms=figures)
        for named in (present, new)
    ]
    first, second = (each.replayed for each in found)
    assert first.every_bar is not None  # noqa: S101 - a run has its bars
    return Runs(
        pair=pair,
        present=_run(present, first.events, first.suppressed),
        new=_run(new, second.events, second.suppressed),
        sessions=tuple(first.values),
        observed={
            kind: len(observed_positions([kind], first.values.values()))
            if kind.is_market
            else len(first.values)
            for kind in Kind
        },
        every_bar=first.every_bar,
        source=", ".join(path.name for path in (*recording.lead_files, *recording.other_files)),
        notes=tuple(first.notes),
    )


async def runs_of_kafka(
    settings: KafkaSettings,
    *,
    pair: Pair,
    present: NamedRules,
    new: NamedRules,
    figures: Figures,
    calendar: SessionCalendar,
    on_progress: OnProgress,
) -> Runs:
    """Read the lead's log once, through an engine for each set of rules.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached.
    ConfigError
        If there is no log of the pair.
    """
    engines = [
        LeadEngine(
            pair.lead,
            (pair,),
            EngineConfig(
                rules=named.rules, calendar=calendar, code_version=CODE_VERSION, false_alarms=figures
            ),
        )
        for named in (present, new)
    ]
    events: tuple[list[DivergenceEvent], list[DivergenceEvent]] = ([], [])
    suppressed: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    every_bar = EveryBar(pair.lead, pair.other)
    async with RecordReader(settings) as reader:
        log = await open_log(reader, pair)
        async with aclosing(log.records(reader, on_progress)) as records:
            async for record in records:
                if isinstance(record, BarBatch):
                    every_bar.put(record.bars)
                for number, engine in enumerate(engines):
                    effects = engine.apply(record)
                    events[number].extend(effects.events)
                    suppressed[number].update(effects.suppressed)
                    if number == 0:
                        every_bar.put(effects.sampled)
    sessions = _sessions(calendar, log.begins_at_ns, engines[0].progress.watermark_ns)
    return Runs(
        pair=pair,
        present=_run(present, events[0], suppressed[0]),
        new=_run(new, events[1], suppressed[1]),
        sessions=sessions,
        observed=dict.fromkeys(Kind, len(sessions)),
        every_bar=every_bar,
        source=log.source,
    )


def _sessions(calendar: SessionCalendar, begin_ns: int, end_ns: int) -> tuple[str, ...]:
    """Return the sessions that a log has a part of; the next one where it has none."""
    first = calendar.first_closing_at_or_after(begin_ns)
    last = bisect_right(calendar.open_ns, end_ns)
    return calendar.labels[first : max(last, first + 1)]


def _run(named: NamedRules, events: list[DivergenceEvent], suppressed: Mapping[str, int]) -> Run:
    return Run(name=named.name, rules=named.rules, events=tuple(events), suppressed=dict(suppressed))
