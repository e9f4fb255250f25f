"""Daily bars of one instrument: the history first, then each session when it is final, and every correction.

Order of effects for one pull:

1. rows become bars, implausible ones dead letters,
2. a provisional bar goes to ``bars.v1`` only: nothing is decided on it,
3. when older bars were rescaled or found, the history goes into the log again,
4. new and corrected bars go into the log as live bars.

What is in ``bars.v1`` when the process starts is known: a session that closed while the process was down
gives a live bar, not history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog

from services.ingestor.core.bar_corrections import BarHistory, Comparison
from services.ingestor.core.pull_schedule import next_pull
from services.ingestor.feeds.daily_bars.ports import BarSource, Row
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.transport.http_errors import Unanswered
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.domain.bars import Bar, BarStatus
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.domain.ticks import FeedStatus
from shared.errors import FeedUnavailable, QualityError

log = structlog.get_logger(__name__)

# Corrections come within days; adjustments are seen in these as well.
_RECENT_SESSIONS: Final = 10
# When the vendor has no final bar yet, ask again this often.
_LATE_SECONDS: Final = 300.0
_RETRY_CAP_SECONDS: Final = 900.0


class DailyBarsFeed:
    """Keep one instrument's bars up to date.

    Parameters
    ----------
    is_history_only
        True for an instrument that ticks, whose closes are sampled from its ticks: its bars only fill
        windows, at the start and once a day. Otherwise a new session goes into the log as a live bar.
    known
        Returns the bars that are in ``bars.v1``.
    sessions
        How many sessions of history.
    """

    def __init__(
        self,
        source: BarSource,
        *,
        instrument: str,
        is_history_only: bool,
        known: Callable[[], Awaitable[tuple[Bar, ...]]],
        sessions: int,
        calendar: SessionCalendar,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
    ) -> None:
        self.name = source.name
        self.instruments: tuple[str, ...] = (instrument,)
        self._source = source
        self._instrument = instrument
        self._is_history_only = is_history_only
        self._known = known
        self._sessions = sessions
        self._calendar = calendar
        self._uniform = uniform
        self._metrics = metrics
        self._clock = clock
        self._history = BarHistory()

    def statuses(self) -> Iterable[FeedStatus]:
        """Return none: a bar has its own ``known_at``."""
        return ()

    async def run(self, sink: Sink) -> None:
        """Pull for ever.

        Raises
        ------
        FeedRefused
            If the provider refuses permanently.
        """
        self._history = BarHistory(await self._known())
        self._put_history(sink)
        await self._pull_until_answered(sink, is_full=True)
        while True:
            now_ns = self._clock.now_ns()
            pull = next_pull(now_ns, calendar=self._calendar)
            wait = (pull.at_ns - now_ns) / NS_PER_SECOND
            is_late = self._newest_final(now_ns) not in {bar.session for bar in self._history.settled()}
            await asyncio.sleep(min(wait, _LATE_SECONDS) if is_late else wait)
            if pull.is_full or not self._is_history_only:
                await self._pull_until_answered(sink, is_full=pull.is_full)
            if pull.is_full:
                self._put_history(sink)

    async def _pull_until_answered(self, sink: Sink, *, is_full: bool) -> None:
        backoff = Backoff(uniform=self._uniform, cap_seconds=_RETRY_CAP_SECONDS)
        while True:
            try:
                return await self._pull(sink, is_full=is_full)
            except FeedUnavailable as error:
                self._metrics.pull_failures.labels(self.name).inc()
                asked = error.retry_after_seconds if isinstance(error, Unanswered) else 0.0
                wait = backoff.failed(live_seconds=0.0, at_least_seconds=asked)
                log.warning(
                    "pull_failed",
                    feed=self.name,
                    instrument=self._instrument,
                    reason=error.reason,
                    error=str(error),
                    retry_in_seconds=round(wait, 2),
                )
                await asyncio.sleep(wait)

    async def _pull(self, sink: Sink, *, is_full: bool) -> None:
        sessions = self._expected(self._sessions if is_full else _RECENT_SESSIONS)
        bars = self._bars(await self._source.rows(sessions), sink)
        is_first = not self._history.settled()
        comparison = self._history.compare(bars, now_ns=self._clock.now_ns())
        if comparison.is_adjusted and not is_full:
            # The rows before the recent ones have changed as well.
            full = self._bars(await self._source.rows(self._expected(self._sessions)), sink)
            self._history.compare(full, now_ns=self._clock.now_ns())
        self._report(comparison, sessions)
        if comparison.provisional:
            sink.put_provisional_bars(comparison.provisional)
        recent = set(sessions[-_RECENT_SESSIONS:])
        found = tuple(bar for bar in comparison.new if bar.session not in recent)
        live = tuple(
            sorted(
                (*(bar for bar in comparison.new if bar.session in recent), *comparison.corrected),
                key=lambda bar: bar.session,
            )
        )
        if is_first or self._is_history_only:
            self._put_history(sink)
            return
        if comparison.is_adjusted or found:
            self._put_history(sink, without={bar.session for bar in live})
        if live:
            sink.put_bars(live, is_history=False)

    def _put_history(self, sink: Sink, *, without: Iterable[str] = ()) -> None:
        left_out = set(without)
        bars = tuple(bar for bar in self._history.settled() if bar.session not in left_out)
        if bars:
            sink.put_bars(bars[-self._sessions :], is_history=True)

    def _expected(self, count: int) -> Sequence[str]:
        """Return the labels of the last sessions that have closed."""
        last = self._calendar.last_closed_before(self._clock.now_ns())
        return self._calendar.labels[max(0, last + 1 - count) : last + 1]

    def _newest_final(self, now_ns: int) -> str:
        last = self._calendar.last_closed_before(now_ns)
        if bar_final_at_ns(self._calendar.labels[last]) > now_ns:
            last -= 1
        return self._calendar.labels[last]

    def _bars(self, rows: list[Row], sink: Sink) -> list[Bar]:
        """Return rows as bars, scaled so that the newest has its adjusted close at its close."""
        now_ns = self._clock.now_ns()
        scale = rows[-1].close / rows[-1].adj_close if rows and rows[-1].adj_close else 1.0
        bars = []
        for row in rows:
            final_at_ns = bar_final_at_ns(row.session)
            is_final = final_at_ns <= now_ns
            try:
                bar = Bar(
                    instrument=self._instrument,
                    session=row.session,
                    close=row.close,
                    adj_close=row.adj_close * scale,
                    known_at_ns=final_at_ns if is_final else now_ns,
                    status=BarStatus.FINAL if is_final else BarStatus.PROVISIONAL,
                    source=self.name,
                    open=row.open,
                    high=row.high,
                    low=row.low,
                    volume=row.volume,
                )
            except QualityError as error:
                self._metrics.bars_received.labels(self._instrument, "rejected").inc()
                sink.reject(feed=self.name, raw=repr(row).encode(), error=error)
            else:
                bars.append(bar)
                if (row.open, row.high, row.low, row.volume) != (bar.open, bar.high, bar.low, bar.volume):
                    # The close is good; a value beside it cannot be right.
                    self._metrics.bars_received.labels(self._instrument, "side_fields_dropped").inc()
        return bars

    def _report(self, comparison: Comparison, sessions: Sequence[str]) -> None:
        known = {bar.session for bar in self._history.settled()}
        now_ns = self._clock.now_ns()
        missing = [each for each in sessions if bar_final_at_ns(each) <= now_ns and each not in known]
        received = self._metrics.bars_received
        received.labels(self._instrument, "new").inc(len(comparison.new))
        received.labels(self._instrument, "corrected").inc(len(comparison.corrected))
        received.labels(self._instrument, "unchanged").inc(comparison.unchanged)
        received.labels(self._instrument, "adjusted").inc(int(comparison.is_adjusted))
        received.labels(self._instrument, "missing").inc(len(missing))
        log.info(
            "bars_pulled",
            feed=self.name,
            instrument=self._instrument,
            new=len(comparison.new),
            corrected=[bar.session for bar in comparison.corrected],
            is_adjusted=comparison.is_adjusted,
            missing=missing[-5:],
        )
