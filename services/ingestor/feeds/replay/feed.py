"""Recorded files as a feed: at the recorded speed, a multiple of it, or as fast as Kafka takes them.

Nothing recorded is ever dropped: when Kafka is slow the replay waits. A status record only repeats the event
time of the last item, so its timing, which differs from run to run, changes nothing that is computed.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import structlog

from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.replay.variables import with_variables
from shared.clock import Clock
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.gold_hours import spot_gold_state
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import MAX_TICKS_PER_RECORD, FeedStatus, QuoteBatch
from shared.errors import ConfigError
from shared.files.file_note import FileNote, NoteKind
from shared.files.timeline import Recording, in_units, read_timeline

log = structlog.get_logger(__name__)

NAME: Final = "replay"


class ReplayFeed:
    """A recording as a feed.

    Parameters
    ----------
    speed
        Multiple of the recorded speed; 0 is as fast as possible.
    is_held_open
        At the end, go on with status records until cancelled instead of returning.
    """

    name = NAME

    def __init__(
        self,
        recording: Recording,
        *,
        pair: Pair,
        calendar: SessionCalendar,
        speed: float,
        is_held_open: bool,
        clock: Clock,
    ) -> None:
        self.instruments: tuple[str, ...] = (pair.lead, pair.other)
        self._recording = recording
        self._pair = pair
        self._calendar = calendar
        self._speed = speed
        self._is_held_open = is_held_open
        self._clock = clock
        self._watermark_ns: int | None = None
        self._first_ns: int | None = None
        self._started = 0.0

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the lead's status at the newest event time; none before the first tick or live bar."""
        if self._watermark_ns is None:
            return ()
        return (
            FeedStatus(
                instrument=self._pair.lead,
                feed=NAME,
                state=spot_gold_state(self._watermark_ns),
                watermark_ns=self._watermark_ns,
            ),
        )

    async def run(self, sink: Sink) -> None:
        """Emit everything in the order in which it became known.

        Raises
        ------
        ConfigError
            With file, row and field.
        """
        units = in_units(
            read_timeline(self._recording, pair=self._pair, calendar=self._calendar, on_note=_log_note)
        )
        # Reading blocks, so it runs in a thread: the sender and the probes go on meanwhile.
        while (unit := await asyncio.to_thread(_next, units)) is not None:
            if isinstance(unit, QuoteBatch):
                await self._emit_quotes(unit, sink)
            else:
                await self._emit_bars(unit, sink)
        for status in self.statuses():
            sink.put_status(status)
        log.info(
            "replay_ended",
            watermark=format_rfc3339(self._watermark_ns) if self._watermark_ns is not None else None,
        )
        if self._is_held_open:
            await asyncio.Event().wait()

    async def _emit_bars(self, unit: tuple[BarBatch, ...], sink: Sink) -> None:
        if unit[0].mode is BarsMode.HISTORY:
            for batch in unit:
                sink.put_bars(batch.bars, is_history=True)
            return
        known_at_ns = unit[0].bars[-1].known_at_ns
        await self._until(known_at_ns)
        await sink.wait_for_room(self._pair.lead)
        # Nothing is awaited here, so that no status comes between the legs.
        for batch in unit:
            sink.put_bars(batch.bars, is_history=False)
        self._advance_watermark(known_at_ns)
        # A bar is applied when the watermark reaches it. Without a status here, years of bars that are read
        # within one second would all wait in every checkpoint.
        for status in self.statuses():
            sink.put_status(status)

    async def _emit_quotes(self, batch: QuoteBatch, sink: Sink) -> None:
        begin, size = 0, len(batch.ts_event_ns)
        while begin < size:
            await self._until(int(batch.ts_event_ns[begin]))
            await sink.wait_for_room(self._pair.lead)
            end = min(self._due(batch, begin), begin + MAX_TICKS_PER_RECORD)
            rows = batch.rows(begin, end)
            sink.put_ticks(
                QuoteBatch(
                    instrument=rows.instrument,
                    feed=NAME,
                    ts_event_ns=rows.ts_event_ns,
                    ts_received_ns=np.full(end - begin, self._clock.now_ns(), dtype=np.int64),
                    bid=rows.bid,
                    ask=rows.ask,
                )
            )
            self._advance_watermark(int(rows.ts_event_ns[-1]))
            begin = end

    async def _until(self, event_ns: int) -> None:
        """Wait for the wall time at which an event time is due."""
        if self._first_ns is None:
            self._first_ns, self._started = event_ns, self._clock.monotonic()
        if self._speed == 0:
            return
        due = self._started + (event_ns - self._first_ns) / NS_PER_SECOND / self._speed
        await asyncio.sleep(max(0.0, due - self._clock.monotonic()))

    def _due(self, batch: QuoteBatch, begin: int) -> int:
        """Return the first row of a batch that is not due yet; at least one row is."""
        if self._speed == 0 or self._first_ns is None:
            return len(batch.ts_event_ns)
        elapsed_ns = int((self._clock.monotonic() - self._started) * self._speed * NS_PER_SECOND)
        return max(begin + 1, int(batch.ts_event_ns.searchsorted(self._first_ns + elapsed_ns, "right")))

    def _advance_watermark(self, event_ns: int) -> None:
        self._watermark_ns = max(self._watermark_ns or 0, event_ns)


def _log_note(note: FileNote) -> None:
    emit = log.warning if note.kind is NoteKind.WARNING else log.info
    emit("replay_file_noted", path=str(note.path), kind=note.kind.value, text=with_variables(note.text))


def _next(units: Iterator[tuple[BarBatch, ...] | QuoteBatch]) -> tuple[BarBatch, ...] | QuoteBatch | None:
    try:
        return next(units, None)
    except ConfigError as error:
        raise ConfigError(with_variables(str(error))) from error
