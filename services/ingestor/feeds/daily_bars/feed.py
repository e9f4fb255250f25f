"""Daily bars of one instrument: the history first, then each session when it is final, and every correction.

Order of effects for one pull:

1. rows become bars; those that cannot be read become dead letters,
2. bars that cannot be believed yet become provisional (`CloseCheck`),
3. a provisional bar goes to ``bars.v1`` only: nothing is decided on it,
4. when older bars were rescaled or found, the history goes into the log again,
5. new and corrected bars go into the log as live bars.

Nothing is published before every answer that a pull needs is there. A session that the calendar has and the
answer has not is asked for again (`MissingSessions`), and so is one whose close is held.

What is in ``bars.v1`` when the process starts is known: a session that closed while the process was down
gives a live bar, not history.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final

import structlog

from services.ingestor.core.bar_corrections import BarHistory, Comparison
from services.ingestor.core.daily_rows import PulledRows, usual_volume
from services.ingestor.core.missing_sessions import AskAgain, MissingSessions
from services.ingestor.core.pull_schedule import next_pull
from services.ingestor.feeds.daily_bars.asking import Asking
from services.ingestor.feeds.daily_bars.bar_building import BarBuilder
from services.ingestor.feeds.daily_bars.close_check import CloseCheck, SessionRange
from services.ingestor.feeds.daily_bars.closure_report import ClosureEvidence, NoEvidence
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.ports import FeedDetail, Sink
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.bars import Bar, BarStatus
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.domain.ticks import FeedStatus

log = structlog.get_logger(__name__)

# Corrections come within days; adjustments are seen in these as well.
_RECENT_SESSIONS: Final = 10
_ASK_AGAIN: Final = AskAgain()
_NO_EVIDENCE: Final = NoEvidence()


class BarsState(StrEnum):
    """What the readiness probe shows of an instrument's daily bars."""

    COMPLETE = "COMPLETE"
    INCOMPLETE = "INCOMPLETE"
    UNANSWERED = "UNANSWERED"
    REFUSED = "REFUSED"


class DailyBarsFeed:
    """Keep one instrument's bars up to date.

    Parameters
    ----------
    other
        A second source that closes are compared with; None if none is configured.
    is_history_only
        True for an instrument that ticks, whose closes are sampled from its ticks: its bars only fill
        windows, at the start and once a day. Otherwise a new session goes into the log as a live bar.
    known
        Returns the bars that are in ``bars.v1``.
    sessions
        How many sessions of history.
    closures
        Decides whether the exchange was closed on a day that the calendar calls a session; such a day is not
        asked for again.
    session_range
        Lowest and highest price of a session's ticks; None where there are none.
    ask_again
        How soon and how often missing sessions are asked for again.
    redactor
        Removes the keys from what a provider says.
    """

    def __init__(
        self,
        source: BarSource,
        *,
        other: BarSource | None = None,
        instrument: str,
        is_history_only: bool,
        known: Callable[[], Awaitable[tuple[Bar, ...]]],
        sessions: int,
        calendar: SessionCalendar,
        closures: ClosureEvidence = _NO_EVIDENCE,
        session_range: SessionRange = lambda _: None,
        ask_again: AskAgain = _ASK_AGAIN,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
        redactor: Redactor | None = None,
    ) -> None:
        self.name = source.name
        self.instruments: tuple[str, ...] = (instrument,)
        self._instrument = instrument
        self._is_history_only = is_history_only
        self._known = known
        self._sessions = sessions
        self._calendar = calendar
        self._closures = closures
        self._metrics = metrics
        self._clock = clock
        ask = functools.partial(
            Asking,
            instrument=instrument,
            uniform=uniform,
            metrics=metrics,
            clock=clock,
            redactor=redactor,
        )
        self._asking = ask(source)
        self._builder = BarBuilder(
            source.name,
            instrument=instrument,
            is_session=calendar.is_session,
            is_split_adjusted=source.is_split_adjusted,
            metrics=metrics,
        )
        self._check = CloseCheck(
            source.name,
            instrument=instrument,
            other=ask(other) if other is not None else None,
            session_range=session_range,
            is_session=calendar.is_session,
            is_split_adjusted=source.is_split_adjusted,
            metrics=metrics,
        )
        self._missing = MissingSessions(ask_again)
        # Replaced as a whole: `details` is called from another thread.
        self._incomplete: tuple[str, ...] = ()
        self._answered_ns = clock.now_ns()
        self._history = BarHistory()

    def statuses(self) -> Iterable[FeedStatus]:
        """Return none: a bar has its own ``known_at``."""
        return ()

    def details(self) -> Iterable[FeedDetail]:
        """Return what is wrong with the daily bars, for the operator."""
        unanswered, incomplete = self._asking.problem(), self._incomplete
        state = BarsState.INCOMPLETE if incomplete else BarsState.COMPLETE
        if unanswered is not None:
            state = BarsState.REFUSED if self._asking.is_refused else BarsState.UNANSWERED
        words = "; ".join(each for each in (unanswered, *incomplete) if each is not None)
        yield FeedDetail(
            feed=self.name,
            instrument=self._instrument,
            state=state,
            since_ns=self._answered_ns,
            words=words,
        )

    def missing_sessions(self) -> tuple[str, ...]:
        """Return the sessions that were asked for in vain for an hour, ascending."""
        return tuple(each for each in self._missing.given_up() if each not in self._check.held)

    async def run(self, sink: Sink) -> None:
        """Pull for ever."""
        known = await self._known()
        self._history = BarHistory(known)
        self._check.resume(known, now_ns=self._clock.now_ns())
        self._put_history(sink)
        await self._pull(sink, is_full=True)
        pulled_ns = self._clock.now_ns()
        while True:
            # A pull may wait for its answer until the next one is due: that one then starts at once.
            pull = next_pull(pulled_ns, calendar=self._calendar)
            until_pull = (pull.at_ns - self._clock.now_ns()) / NS_PER_SECOND
            ask_again = self._missing.wait_seconds()
            if ask_again is not None and ask_again < until_pull:
                await asyncio.sleep(ask_again)
                await self._pull(sink, self._missing.to_ask(), is_full=False)
                continue
            await asyncio.sleep(max(0.0, until_pull))
            pulled_ns = pull.at_ns
            if pull.is_full:
                await self._pull(sink, is_full=True)
                self._put_history(sink)
                pulled_ns = max(pulled_ns, self._clock.now_ns())
            elif not self._is_history_only:
                await self._pull(sink, is_full=False)

    async def _pull(self, sink: Sink, sessions: Sequence[str] = (), *, is_full: bool) -> None:
        """Ask for the last sessions and for some others, or for all; publish what is new."""
        # The last ones always: the scale of adjusted closes is that of the newest row.
        last = self._expected(self._sessions if is_full else _RECENT_SESSIONS)
        asked: Sequence[str] = sorted({*sessions, *last})
        pulled, bars = await self._bars(asked, sink)
        if self._history.is_rescaled_by(bars) and not is_full:
            # The rows before the recent ones have changed as well.
            is_full, asked = True, self._expected(self._sessions)
            pulled, bars = await self._bars(asked, sink)
        now_ns = self._clock.now_ns()
        recent = frozenset(self._expected(_RECENT_SESSIONS))
        factor = self._history.common_factor(bars)
        if not self._check.is_on_an_explained_scale(factor, pulled, now_ns=now_ns):
            bars = []
        elif not self._is_history_only:
            others = await self._other_closes(pulled, bars, recent, is_full=is_full)
            bars = self._check.without_held(
                bars,
                settled=self._history.settled(),
                others=others,
                recent=recent,
                now_ns=now_ns,
                sink=sink,
            )
        is_first = not self._history.settled()
        comparison = self._history.compare(bars, now_ns=now_ns)
        self._publish(comparison, recent, is_first=is_first, sink=sink)
        self._note_missing(asked, bars, recent, now_ns)
        self._note_problems(now_ns)
        self._report(comparison)

    async def _bars(self, sessions: Sequence[str], sink: Sink) -> tuple[PulledRows, list[Bar]]:
        pulled = await self._asking.until_answered(sessions)
        volumes = [bar.volume for bar in self._history.settled()]
        bars = self._builder.bars(
            pulled,
            sessions,
            usual_volume=usual_volume(volumes),
            now_ns=self._clock.now_ns(),
            sink=sink,
        )
        return pulled, bars

    async def _other_closes(
        self, pulled: PulledRows, bars: Sequence[Bar], recent: frozenset[str], *, is_full: bool
    ) -> dict[str, float]:
        """Ask the other source when a close is new, and once a day: it may allow few requests."""
        known = {bar.session: bar.close for bar in self._history.settled()}
        news = [bar for bar in bars if bar.session in recent and bar.status is BarStatus.FINAL]
        if not is_full and all(known.get(bar.session) == bar.close for bar in news):
            return {}
        return dict(await self._check.other_closes(sorted(recent), pulled))

    def _publish(self, comparison: Comparison, recent: frozenset[str], *, is_first: bool, sink: Sink) -> None:
        if comparison.provisional:
            sink.put_provisional_bars(comparison.provisional)
        found = tuple(bar for bar in comparison.new if bar.session not in recent)
        live = tuple(
            sorted(
                (*(bar for bar in comparison.new if bar.session in recent), *comparison.corrected),
                key=lambda bar: bar.session,
            )
        )
        if is_first or self._is_history_only:
            if is_first or comparison.new or comparison.corrected or comparison.is_adjusted:
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

    def _note_missing(
        self, sessions: Sequence[str], bars: Sequence[Bar], recent: frozenset[str], now_ns: int
    ) -> None:
        """Note which sessions the pull should have brought and did not, or whose closes are held."""
        before = self.missing_sessions()
        present = {bar.session for bar in bars}
        complete = present - self._check.held.keys()
        expected = [each for each in sessions if bar_final_at_ns(each) <= now_ns]
        closed: frozenset[str] = frozenset()
        if not self._is_history_only:
            closed = self._closures.on_pull(
                self._instrument,
                missing=[each for each in expected if each in recent and each not in present],
                present=present,
                now_ns=now_ns,
            )
        self._missing.after_pull(expected, complete | closed, recent=recent)
        given_up = self.missing_sessions()
        missing = [each for each in expected if each not in complete | closed]
        self._metrics.bars_received.labels(self._instrument, "missing").inc(len(missing))
        self._metrics.sessions_missing.labels(self._instrument).set(len(given_up))
        if set(given_up) - set(before):
            log.warning(
                "sessions_missing",
                feed=self.name,
                instrument=self._instrument,
                count=len(given_up),
                last=given_up[-5:],
            )

    def _note_problems(self, now_ns: int) -> None:
        given_up = self.missing_sessions()
        missing = (
            f"{self.name} has no bar of {self._instrument} for {len(given_up)} sessions, the last on "
            f"{given_up[-1]}"
            if given_up
            else ""
        )
        self._incomplete = tuple(filter(None, (missing, *self._check.problems())))
        self._answered_ns = now_ns

    def _report(self, comparison: Comparison) -> None:
        received = self._metrics.bars_received
        received.labels(self._instrument, "new").inc(len(comparison.new))
        received.labels(self._instrument, "corrected").inc(len(comparison.corrected))
        received.labels(self._instrument, "unchanged").inc(comparison.unchanged)
        received.labels(self._instrument, "adjusted").inc(int(comparison.is_adjusted))
        log.info(
            "bars_pulled",
            feed=self.name,
            instrument=self._instrument,
            new=len(comparison.new),
            corrected=[bar.session for bar in comparison.corrected],
            is_adjusted=comparison.is_adjusted,
            asked_again=self._missing.to_ask()[-5:],
        )

    def _expected(self, count: int) -> Sequence[str]:
        """Return the labels of the last sessions that have closed."""
        last = self._calendar.last_closed_before(self._clock.now_ns())
        return self._calendar.labels[max(0, last + 1 - count) : last + 1]
