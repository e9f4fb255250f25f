"""Run the live engine over recorded files: the events it would have published, and statistics by session."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from convex.backtesting.outcomes import EveryBar
from convex.backtesting.stats_csv import StatsRow, history_rows, stats_row
from services.signals.core.confirmed import Values, confirmed_values, regimes
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.legs.aligned import align
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.quarantine import without_unusable
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.contracts.records import DIVERGENCES
from shared.domain.bars import HISTORY_SESSIONS, Bar, BarBatch, BarsMode
from shared.domain.divergences import DivergenceEvent
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.snapshots import OutcomeSummary
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.files.file_note import FileNote
from shared.files.timeline import Recording, in_units, no_overlap, read_timeline

_UNLIMITED = 1 << 31


@dataclass(slots=True, kw_only=True)
class Replayed:
    """The results of a backtest.

    Parameters
    ----------
    rows
        Statistics, ascending by session.
    events
        In the order in which they would have been published.
    suppressed
        Decisions and inputs not acted on, by reason.
    values
        By session, every statistic that decided there. Sessions that only filled the windows are absent.
    outcomes
        What followed the openings, over all sessions.
    notes
        What was noticed about the files, in the order in which they were read.
    every_bar
        The bars of both legs.
    """

    rows: list[StatsRow] = field(default_factory=list)
    events: list[DivergenceEvent] = field(default_factory=list)
    suppressed: Counter[str] = field(default_factory=Counter)
    values: dict[str, Values] = field(default_factory=dict)
    outcomes: tuple[OutcomeSummary, ...] = ()
    every_bar: EveryBar | None = None
    ticks: int = 0
    bars: int = 0
    notes: list[FileNote] = field(default_factory=list)


def replay(
    recording: Recording,
    *,
    pair: Pair,
    rules: tuple[Rule, ...],
    calendar: SessionCalendar,
    code_version: str,
    false_alarms: Mapping[tuple[str, str], FalseAlarms] | None = None,
    on_progress: Callable[[int, "Replayed"], None] = lambda _ns, _so_far: None,
) -> Replayed:
    """Run the engine over a recording.

    Parameters
    ----------
    on_progress
        Called with the event time reached, nanoseconds since the Unix epoch.

    Raises
    ------
    ConfigError
        If a file cannot be used; see `shared.files.timeline.read_timeline`. Also if no session has a row.
    """
    engine = LeadEngine(
        pair.lead,
        (pair,),
        EngineConfig(
            rules=rules, calendar=calendar, code_version=code_version, false_alarms=false_alarms or {}
        ),
    )
    monitor = engine.monitors[0]
    every_bar = EveryBar(pair.lead, pair.other)
    replayed = Replayed(every_bar=every_bar)
    history: list[Bar] = []
    timeline = read_timeline(recording, pair=pair, calendar=calendar, on_note=replayed.notes.append)
    for unit in in_units(timeline):
        if isinstance(unit, QuoteBatch):
            _take(replayed, monitor, engine.apply(unit), every_bar)
            replayed.ticks += len(unit.ts_event_ns)
            on_progress(int(unit.ts_event_ns[-1]), replayed)
            continue
        for batch in unit:
            replayed.bars += len(batch.bars)
            every_bar.put(batch.bars)
            _take(replayed, monitor, engine.apply(_as_published(batch)), every_bar)
        if unit[0].mode is BarsMode.HISTORY:
            history.extend(bar for batch in unit for bar in batch.bars)
            continue
        reached_ns = unit[0].bars[-1].known_at_ns
        # Like the replay feed's status records, this advances event time to the bars that have arrived.
        _take(replayed, monitor, engine.apply(_reached(pair, reached_ns)), every_bar)
        on_progress(reached_ns, replayed)
    if recording.start is None:
        replayed.rows[:0] = _rows_before(history, pair, replayed.rows)
    if not replayed.rows:
        raise no_overlap(recording)
    replayed.outcomes = every_bar.outcomes_of(replayed.events, calendar=calendar)
    return replayed


def _as_published(batch: BarBatch) -> BarBatch:
    """Return a batch as the ingestor would have published it."""
    bars = batch.bars[-HISTORY_SESSIONS:] if batch.mode is BarsMode.HISTORY else batch.bars
    return BarBatch(instrument=batch.instrument, mode=batch.mode, bars=bars)


def _take(replayed: Replayed, monitor: PairMonitor, effects: Effects, every_bar: EveryBar) -> None:
    replayed.events.extend(effects.events)
    replayed.suppressed.update(effects.suppressed)
    for session in effects.committed:
        lead, other = monitor.legs.lead.history.get(session), monitor.legs.other.history.get(session)
        assert lead is not None and other is not None  # noqa: S101, PT018 - a committed session has both closes
        # The lead's close may have been sampled from ticks, so it was in no batch.
        if not every_bar.lead.has(session):
            every_bar.put((lead,))
        values, regime = _statistics_of(monitor, session)
        replayed.values[session] = values
        replayed.rows.append(
            stats_row(session, lead=lead.close, other=other.close, values=values, regime=regime)
        )


def _statistics_of(monitor: PairMonitor, session: str) -> tuple[Values, str | None]:
    """Return the statistics and the regime of a session; several are committed at once after a data fault."""
    if session == monitor.statistics.session:
        return monitor.statistics.values, monitor.statistics.regime.name
    aligned = monitor.legs.align()
    until = aligned.until(aligned.sessions.index(session) + 1, limit=HISTORY_SESSIONS)
    return confirmed_values(until, monitor.pair.agreement), regimes(until.log_ratio)[-1].name


def _reached(pair: Pair, watermark_ns: int) -> FeedStatus:
    return FeedStatus(instrument=pair.lead, feed="replay", state=FeedState.LIVE, watermark_ns=watermark_ns)


def _rows_before(history: list[Bar], pair: Pair, rows: list[StatsRow]) -> list[StatsRow]:
    legs = {pair.lead: LegHistory(limit=_UNLIMITED), pair.other: LegHistory(limit=_UNLIMITED)}
    for bar in history:
        legs[bar.instrument].put(bar)
    committed = {row[0] for row in rows}
    aligned = align(without_unusable(legs[pair.lead]), without_unusable(legs[pair.other]))
    return [row for row in history_rows(aligned, pair.agreement) if row[0] not in committed]


def events_bytes(events: Iterable[DivergenceEvent]) -> bytes:
    """Return events as JSON lines, one event a line, encoded as the live service publishes them."""
    return b"".join(DIVERGENCES.encode(event) + b"\n" for event in events)
