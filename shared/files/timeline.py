"""The contents of input files in the order in which they would have become known.

The replay feed of the ingestor and ``convex backtest`` both read their files with this, so the same files
give the same log, and the same log gives the same events.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair
from shared.domain.sessions import NEW_YORK, SessionCalendar
from shared.domain.ticks import QuoteBatch
from shared.errors import ConfigError
from shared.files.daily.formats import daily_format
from shared.files.daily.leg_warnings import leg_warnings
from shared.files.daily.reader import DailyLeg, read_daily
from shared.files.file_note import FileNote
from shared.files.format_names import require_known_format
from shared.files.held_leg import HeldLeg
from shared.files.reading_options import ReadingOptions
from shared.files.sampled_closes import SampledCloses
from shared.files.ticks.reader import has_tick_header, read_tick_csv


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Files of one pair, and the part of them to use.

    Parameters
    ----------
    lead_files, other_files
        Daily or tick CSV for the lead, daily CSV for the other leg. Daily files are the history, tick files
        are replayed after it.
    start, end
        Sessions, both included. Sessions before ``start`` only fill windows, with closes sampled from the
        ticks before it where the daily files have none.
    reading
        What the person said about the files.
    lead_held, other_held
        What a program has in memory of a leg; None where everything is in files.
    """

    lead_files: tuple[Path, ...]
    other_files: tuple[Path, ...]
    start: date | None = None
    end: date | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    lead_held: HeldLeg | None = None
    other_held: HeldLeg | None = None

    @property
    def lead_name(self) -> str:
        """Return what an error calls the lead's files."""
        return _name(self.lead_files, self.lead_held)

    @property
    def other_name(self) -> str:
        """Return what an error calls the other leg's files."""
        return _name(self.other_files, self.other_held)

    @property
    def holds_ticks(self) -> bool:
        """Return whether ticks of the lead are in memory."""
        return self.lead_held is not None and bool(self.lead_held.quotes)

    def without_ticks(self) -> "Recording | None":
        """Return the daily part; None if the lead has none.

        Raises
        ------
        ConfigError
            If a file cannot be read.
        """
        files = tuple(path for path in self.lead_files if not has_tick_header(path, self.reading))
        held = replace(self.lead_held, quotes=()) if self.lead_held is not None else None
        if not files and (held is None or not held.bars):
            return None
        return replace(self, lead_files=files, lead_held=held)


def read_timeline(
    recording: Recording,
    *,
    pair: Pair,
    calendar: SessionCalendar,
    on_note: Callable[[FileNote], None] = lambda _note: None,
) -> Iterator[BarBatch | QuoteBatch]:
    """Yield what the files hold, in the order in which it would have become known.

    History comes first, one batch for each leg. Then come quotes by event time; each bar comes between them,
    in a batch of its own, after every quote before its ``known_at``.

    Parameters
    ----------
    on_note
        Called with what was noticed: about daily files before the first value comes out, about a tick file
        once its last row has been read.

    Raises
    ------
    ConfigError
        With file, row and field; also when the legs have no session in common from ``start`` to ``end``,
        unless ticks may still give one. Everything but the rows of tick files from ``start`` on is read and
        checked before the first value comes out.
    """
    require_known_format(recording.reading)
    tick_files = tuple(path for path in recording.lead_files if has_tick_header(path, recording.reading))
    daily_files = tuple(path for path in recording.lead_files if path not in tick_files)
    read = partial(read_daily, calendar=calendar, reading=recording.reading, on_note=on_note)
    lead_leg = read(*daily_files, instrument=pair.lead)
    other_leg = read(*recording.other_files, instrument=pair.other)
    _require_named_format(recording, (lead_leg, other_leg))
    has_ticks = bool(tick_files) or recording.holds_ticks
    lead_leg, other_leg = (
        _with_held(lead_leg, recording.lead_held),
        _with_held(other_leg, recording.other_held),
    )
    for warning in leg_warnings(lead_leg, other_leg, pair=pair, calendar=calendar, has_ticks=has_ticks):
        on_note(warning)
    lead, other = lead_leg.bars, other_leg.bars
    _require_overlap(lead, other, recording, has_ticks=has_ticks)
    samples = SampledCloses(pair.lead, calendar=calendar, without=[bar.session for bar in lead])
    ticks = _between(_all_ticks(recording, tick_files, pair.lead, on_note), recording, samples)
    first = next(ticks, None)
    if recording.start is not None:
        lead = tuple(
            sorted((*lead, *samples.until(_midnight_ns(recording.start))), key=lambda bar: bar.session)
        )
    start = recording.start.isoformat() if recording.start else None
    begin_ns = int(first.ts_event_ns[0]) if first is not None else None

    def is_history(bar: Bar) -> bool:
        if start is not None:
            return bar.session < start
        return begin_ns is not None and bar.known_at_ns <= begin_ns

    for leg in (lead, other):
        old = tuple(bar for bar in leg if is_history(bar))
        if old:
            yield BarBatch(instrument=old[0].instrument, mode=BarsMode.HISTORY, bars=old)
    last = recording.end.isoformat() if recording.end else "9999-12-31"
    live = sorted(
        (bar for bar in (*lead, *other) if not is_history(bar) and bar.session <= last),
        key=lambda bar: (bar.known_at_ns, bar.instrument != pair.lead),
    )
    yield from merge(live, _chain(first, ticks))


def _with_held(leg: DailyLeg, held: HeldLeg | None) -> DailyLeg:
    """Return the daily part of a leg; only one of its files and what is in memory has one."""
    return held.daily if held is not None and held.bars else leg


def in_units(timeline: Iterable[BarBatch | QuoteBatch]) -> Iterator[tuple[BarBatch, ...] | QuoteBatch]:
    """Yield a timeline with the bars that became known at one instant together.

    A watermark must not come between them: rules would be evaluated with the new bar of one leg only.
    """
    together: list[BarBatch] = []
    for item in timeline:
        if together and not _is_at_once(together[-1], item):
            yield tuple(together)
            together = []
        if isinstance(item, BarBatch):
            together.append(item)
        else:
            yield item
    if together:
        yield tuple(together)


def _is_at_once(previous: BarBatch, item: BarBatch | QuoteBatch) -> bool:
    return (
        isinstance(item, BarBatch)
        and item.mode is previous.mode is BarsMode.LIVE
        and item.bars[-1].known_at_ns == previous.bars[-1].known_at_ns
    )


def merge(bars: Iterable[Bar], ticks: Iterable[QuoteBatch]) -> Iterator[BarBatch | QuoteBatch]:
    """Yield ticks by event time with each bar at its ``known_at``.

    Parameters
    ----------
    bars
        Ascending by ``known_at_ns``.
    ticks
        Ascending by event time, within and across batches.
    """
    waiting = iter(bars)
    bar = next(waiting, None)
    for batch in ticks:
        begin = 0
        while bar is not None and bar.known_at_ns <= batch.ts_event_ns[-1]:
            cut = int(batch.ts_event_ns.searchsorted(bar.known_at_ns))
            if cut > begin:
                yield batch.rows(begin, cut)
                begin = cut
            yield _live_bar(bar)
            bar = next(waiting, None)
        yield batch.rows(begin)
    while bar is not None:
        yield _live_bar(bar)
        bar = next(waiting, None)


def _live_bar(bar: Bar) -> BarBatch:
    return BarBatch(instrument=bar.instrument, mode=BarsMode.LIVE, bars=(bar,))


def no_overlap(recording: Recording) -> ConfigError:
    """Return the error for files without a session that both legs have."""
    within = "".join(
        f" {word} {day}"
        for word, day in (("from", recording.start), ("to", recording.end))
        if day is not None
    )
    legs = "files" if recording.lead_held is None and recording.other_held is None else "legs"
    return ConfigError(
        f"{recording.lead_name}: no session in common with {recording.other_name}{within}; "
        f"give {legs} whose dates overlap"
    )


def _require_named_format(recording: Recording, legs: tuple[DailyLeg, ...]) -> None:
    """Refuse the name of a daily format that no file has: it may be a slip of the pen."""
    name = recording.reading.format
    files = [file for leg in legs for file in leg.files]
    if (
        name is None
        or daily_format(name) is None
        or not files
        or name in {file.format.name for file in files}
    ):
        return
    known = ", ".join(f"{file.path} is {file.format.name}" for file in files)
    raise ConfigError(f"--format {name}: no file has its columns ({known}); leave the option out")


def _require_overlap(
    lead: tuple[Bar, ...], other: tuple[Bar, ...], recording: Recording, *, has_ticks: bool
) -> None:
    common = {bar.session for bar in lead} & {bar.session for bar in other}
    if has_ticks and other:
        # Closes are sampled from the ticks; for which sessions is only known once all ticks are read.
        if common or not lead:
            return
    elif any(_is_within(session, recording) for session in common):
        return
    raise no_overlap(recording)


def _is_within(session: str, recording: Recording) -> bool:
    begin = recording.start.isoformat() if recording.start else ""
    end = recording.end.isoformat() if recording.end else "9999-12-31"
    return begin <= session <= end


def _all_ticks(
    recording: Recording, paths: tuple[Path, ...], instrument: str, on_note: Callable[[FileNote], None]
) -> Iterator[QuoteBatch]:
    held = recording.lead_held
    previous: tuple[Path, int] | None = None
    for path in paths:
        for batch in read_tick_csv(path, instrument=instrument, reading=recording.reading, on_note=on_note):
            if previous is not None and batch.ts_event_ns[0] < previous[1]:
                raise ConfigError(
                    f"{path}: begins before {previous[0]} ends; give tick files in the order of time"
                )
            previous = (path, int(batch.ts_event_ns[-1]))
            yield batch
    if held is not None:
        yield from held.quotes


def _between(
    ticks: Iterator[QuoteBatch], recording: Recording, before: SampledCloses
) -> Iterator[QuoteBatch]:
    begin = _midnight_ns(recording.start) if recording.start else None
    end = _midnight_ns(recording.end + timedelta(days=1)) if recording.end else None
    for batch in ticks:
        low = 0 if begin is None else int(batch.ts_event_ns.searchsorted(begin))
        high = len(batch.ts_event_ns) if end is None else int(batch.ts_event_ns.searchsorted(end))
        if low:
            before.take(batch.rows(0, low))
        if low < high:
            yield batch.rows(low, high)
        if high < len(batch.ts_event_ns):
            return


def _name(files: tuple[Path, ...], held: HeldLeg | None) -> str:
    return ", ".join([*map(str, files), *([held.name] if held is not None else [])])


def _midnight_ns(day: date) -> int:
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))


def _chain(first: QuoteBatch | None, rest: Iterator[QuoteBatch]) -> Iterator[QuoteBatch]:
    if first is not None:
        yield first
        yield from rest
