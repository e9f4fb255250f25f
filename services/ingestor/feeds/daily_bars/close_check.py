"""Hold the closes that cannot be believed yet, and say so: in the log, the metrics and as faults of the data.

A held close is a provisional bar: it is in ``bars.v1``, and nothing is decided on it. Whether it is held is
decided in `core.close_doubts`; here the other source is asked, and what follows is published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from services.ingestor.core.adjusted_closes import adjusted_rows, comparable_closes, is_declared
from services.ingestor.core.close_doubts import (
    UNCHANGED_NS,
    Doubt,
    HeldClose,
    OtherEvidence,
    disagreements,
    held_closes,
    move_limit,
)
from services.ingestor.core.daily_rows import PulledRows, select_rows
from services.ingestor.feeds.daily_bars.asking import Asking
from services.ingestor.feeds.ports import Sink
from services.ingestor.metrics import IngestorMetrics
from shared.domain.bars import Bar, BarStatus
from shared.domain.sessions import bar_final_at_ns
from shared.domain.ticks import FeedFault, FeedFaultKind

log = structlog.get_logger(__name__)

# Lowest and highest price of a session's ticks, or None where there are none.
SessionRange = Callable[[str], tuple[float, float] | None]

_FAULT_OF: Final = {
    Doubt.UNEXPLAINED: FeedFaultKind.CLOSE_UNEXPLAINED,
    Doubt.OTHER_SOURCE: FeedFaultKind.FEEDS_DISAGREE,
}


class CloseCheck:
    """Decides with a second source which bars of one instrument may be used.

    Parameters
    ----------
    feed
        The first source's name.
    other
        The second source; None if none is configured.
    session_range
        What the instrument's ticks say of a session.
    """

    def __init__(
        self,
        feed: str,
        *,
        instrument: str,
        other: Asking | None,
        session_range: SessionRange,
        is_session: Callable[[str], bool],
        is_split_adjusted: bool,
        metrics: IngestorMetrics,
    ) -> None:
        self._feed = feed
        self._instrument = instrument
        self._other = other
        self._session_range = session_range
        self._is_session = is_session
        self._is_split_adjusted = is_split_adjusted
        self._metrics = metrics
        self._held: dict[str, HeldClose] = {}
        self._open: set[FeedFaultKind] = set()
        # Faults that a process before this one may have left open.
        self._unknown: frozenset[FeedFaultKind] = frozenset()
        self._scale: tuple[float, int] | None = None
        self._disagree: dict[str, float] = {}

    @property
    def held(self) -> Mapping[str, HeldClose]:
        """Return the closes that wait, by session."""
        return self._held

    def problems(self) -> list[str]:
        """Return what is wrong with closes, and with the other source, a sentence each."""
        found = [each.detail for each in self._held.values()]
        found += [
            f"close of {self._instrument} on {session}: the other source differs by {share:+.2%}"
            for session, share in self._disagree.items()
            if session not in self._held
        ]
        if self._scale is not None:
            found.append(
                f"most closes of {self._instrument} changed by the factor {self._scale[0]:g}, and no split "
                "explains it"
            )
        unanswered = self._other.problem() if self._other is not None else None
        return [*found, unanswered] if unanswered is not None else found

    def resume(self, known: Sequence[Bar], *, now_ns: int) -> None:
        """Go on with the closes that were held when the process ended: bars that stayed provisional."""
        for bar in known:
            final_at_ns = bar_final_at_ns(bar.session)
            if bar.status is BarStatus.PROVISIONAL and final_at_ns <= min(bar.known_at_ns, now_ns):
                self._held[bar.session] = HeldClose(
                    session=bar.session,
                    close=bar.close,
                    doubt=Doubt.UNEXPLAINED,
                    since_ns=bar.known_at_ns,
                    detail="held before the last start",
                )
        if self._held:
            self._unknown = frozenset(_FAULT_OF.values())

    def is_on_an_explained_scale(self, factor: float | None, pulled: PulledRows, *, now_ns: int) -> bool:
        """Return whether closes that all changed by one factor can be believed: a split, or a lasting change.

        Parameters
        ----------
        factor
            By which most known closes changed; None if they did not.
        """
        if factor is None or is_declared(factor, pulled.splits):
            self._scale = None
            return True
        if self._scale is None or self._scale[0] != factor:
            self._scale = (factor, now_ns)
            log.warning(
                "closes_rescaled_without_a_split", feed=self._feed, instrument=self._instrument, factor=factor
            )
        is_lasting = now_ns - self._scale[1] >= UNCHANGED_NS
        self._scale = None if is_lasting else self._scale
        return is_lasting

    async def other_closes(self, sessions: Sequence[str], pulled: PulledRows) -> Mapping[str, float]:
        """Ask the other source once, and return its closes, comparable with the first source's."""
        if self._other is None:
            return {}
        answer = await self._other.once(sessions)
        if answer is None:
            return {}
        splits = {**pulled.splits, **answer.splits}
        selected = select_rows(answer.rows, sessions=sessions, is_session=self._is_session)
        is_split_adjusted = self._other.is_split_adjusted
        rows = adjusted_rows(selected.rows, splits=splits, dividends={}, is_split_adjusted=is_split_adjusted)
        return comparable_closes(
            rows,
            splits=splits,
            is_split_adjusted=is_split_adjusted,
            to_split_adjusted=self._is_split_adjusted,
        )

    def without_held(
        self,
        bars: Sequence[Bar],
        *,
        settled: Sequence[Bar],
        others: Mapping[str, float],
        recent: frozenset[str],
        now_ns: int,
        sink: Sink,
    ) -> list[Bar]:
        """Return bars with those that must wait as provisional ones; begin and end the faults of the data.

        Parameters
        ----------
        settled
            The bars that were believed before this pull, ascending.
        others
            The other source's closes.
        recent
            The sessions that may be held; older ones only fill windows.
        """
        ranges = {each.session: self._session_range(each.session) for each in bars if each.session in recent}
        evidence = OtherEvidence(
            closes=others, ranges={session: found for session, found in ranges.items() if found is not None}
        )
        tail = [bar for bar in bars if bar.session in recent]
        held = held_closes(
            tail,
            known={bar.session: bar for bar in settled},
            held=self._held,
            evidence=evidence,
            limit=move_limit(settled),
            now_ns=now_ns,
        )
        # What this pull did not have is decided when it comes again.
        pulled = {bar.session for bar in bars}
        waiting = {each: self._held[each] for each in self._held if each not in pulled and each in recent}
        released = self._held.keys() - held.keys()
        self._report(held | waiting, now_ns, sink)
        if others:
            self._disagree = disagreements(tail, others)
        self._disagree = {each: share for each, share in self._disagree.items() if each in recent}
        self._metrics.closes_disagree.labels(self._instrument).set(len(self._disagree))
        return [
            replace(bar, status=BarStatus.PROVISIONAL, known_at_ns=held[bar.session].since_ns)
            if bar.session in held
            else replace(bar, known_at_ns=now_ns)
            if bar.session in released
            else bar
            for bar in bars
        ]

    def _report(self, held: dict[str, HeldClose], now_ns: int, sink: Sink) -> None:
        for session, each in held.items():
            if session not in self._held or self._held[session].close != each.close:
                self._metrics.bars_received.labels(self._instrument, "held").inc()
                log.warning(
                    "close_held",
                    feed=self._feed,
                    instrument=self._instrument,
                    session=session,
                    doubt=each.doubt.value,
                    detail=each.detail,
                )
        for session in self._held.keys() - held.keys():
            log.info("close_released", feed=self._feed, instrument=self._instrument, session=session)
        self._held = held
        self._metrics.closes_held.labels(self._instrument).set(len(held))
        details = {_FAULT_OF[each.doubt]: each.detail for each in held.values()}
        for kind in FeedFaultKind:
            if (kind in details) != (kind in self._open) or kind in self._unknown:
                fault = FeedFault(
                    instrument=self._instrument,
                    feed=self._feed,
                    fault=kind,
                    is_open=kind in details,
                    at_ns=now_ns,
                    detail=details.get(kind, ""),
                )
                sink.put_feed_fault(fault)
        self._open, self._unknown = set(details), frozenset()
