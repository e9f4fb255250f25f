"""Answer from files, read as the backtest reads them."""

from collections.abc import Callable, Iterator
from pathlib import Path

from convex.explain.from_files import read_events
from convex.why_not.asked_instant import AskedInstant
from convex.why_not.inquiry import Findings, Inquiry
from convex.why_not.published import Published
from services.signals.core.engine.engine import Record
from services.signals.core.engine_config import EngineConfig
from shared.domain.bars import HISTORY_SESSIONS, BarBatch, BarsMode
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.files.file_note import FileNote
from shared.files.timeline import Recording, in_units, read_timeline


def findings_of_files(
    asked: AskedInstant,
    recording: Recording,
    *,
    pair: Pair,
    config: EngineConfig,
    on_note: Callable[[FileNote], None],
) -> Findings:
    """Replay files up to the instant and one session more.

    Parameters
    ----------
    on_note
        Called with what is noticed about the files.

    Raises
    ------
    ConfigError
        If a file cannot be used, or the instant lies before or after the data.
    """
    inquiry = Inquiry(asked, pair, config)
    for record in _records(recording, pair, config.calendar, on_note):
        if inquiry.take(record):
            break
    return inquiry.findings(", ".join(path.name for path in (*recording.lead_files, *recording.other_files)))


def published_in(path: Path | None) -> Published | None:
    """Return the events of a backtest's file; None without one.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line is no event.
    """
    if path is None:
        return None
    return Published(source=path.name, places={each.event.event_id: each.where for each in read_events(path)})


def _records(
    recording: Recording, pair: Pair, calendar: SessionCalendar, on_note: Callable[[FileNote], None]
) -> Iterator[Record]:
    """Yield the records that the replay feed would publish of the files."""
    for unit in in_units(read_timeline(recording, pair=pair, calendar=calendar, on_note=on_note)):
        if isinstance(unit, QuoteBatch):
            yield unit
            continue
        for batch in unit:
            is_history = batch.mode is BarsMode.HISTORY
            bars = batch.bars[-HISTORY_SESSIONS:] if is_history else batch.bars
            yield BarBatch(instrument=batch.instrument, mode=batch.mode, bars=bars)
        if unit[0].mode is BarsMode.LIVE:
            # Like the replay feed's status records, this advances event time to the bars that have come.
            yield FeedStatus(
                instrument=pair.lead,
                feed="replay",
                state=FeedState.LIVE,
                watermark_ns=unit[0].bars[-1].known_at_ns,
            )
