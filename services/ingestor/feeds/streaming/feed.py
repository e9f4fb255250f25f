"""A live feed of one venue: one connection after the other, for ever, for one instrument or several.

====================== ===================================================================================
a connection           leads to
====================== ===================================================================================
ends, however          the next after a back-off; a clean close is an end like any other
is refused             the same, and one piece of evidence: refused for long, it is asked once an hour
will be ended          the next is opened first; the old one is closed once the new one has first data
====================== ===================================================================================

Ticks that two connections bring are published once: the streams, which know what was seen, outlive them.
Missed trades are fetched while reading goes on.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from services.ingestor.core.refusals import RefusalRecord
from services.ingestor.feeds.ports import FeedDetail, Sink
from services.ingestor.feeds.streaming.connection import Connection, ConnectionPlan
from services.ingestor.feeds.streaming.frame_events import ConnectionEnd, Routes
from services.ingestor.feeds.streaming.instrument_stream import InstrumentStream, LastFrame
from services.ingestor.feeds.streaming.played_connections import PlayedConnections
from services.ingestor.feeds.streaming.subscriptions import Subscription, Timing, make_stream
from services.ingestor.feeds.streaming.unknown_kinds import UnknownKinds
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.transport.tap import NoTap, Tap
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.domain.ticks import FeedStatus

log = structlog.get_logger(__name__)

# How long a connection must have been LIVE for its end to be the first of a new series of failures.
_STABLE_SECONDS: Final = 60.0
_REPLACE_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Running:
    connection: Connection
    task: asyncio.Task[ConnectionEnd]


class StreamFeed:
    """Stream instruments of one venue over one connection at a time.

    Parameters
    ----------
    subscriptions
        At least one. Several are only for a venue that allows one connection.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.

    Attributes
    ----------
    streams
        One for each subscription, in their order: what `statuses` and `details` are made of.
    """

    def __init__(
        self,
        name: str,
        *,
        subscriptions: Sequence[Subscription],
        plan: ConnectionPlan,
        timing: Timing,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
        redactor: Redactor | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.name = name
        self.instruments: tuple[str, ...] = tuple(each.instrument for each in subscriptions)
        self._plan = plan
        self._timing = timing
        self._metrics = metrics
        self._clock = clock
        self._redactor = redactor or Redactor()
        self._backoff = Backoff(
            uniform=uniform,
            base_seconds=timing.reconnect_base,
            cap_seconds=timing.reconnect_cap,
            stable_seconds=_STABLE_SECONDS,
        )
        self._refusals = RefusalRecord(timing.patience)
        self._last_frame = LastFrame(at=clock.monotonic())
        self.streams = tuple(
            make_stream(
                name,
                each,
                timing=timing,
                last_frame=self._last_frame,
                uniform=uniform,
                metrics=metrics,
                redactor=redactor or Redactor(),
                clock=clock,
            )
            for each in subscriptions
        )
        by_symbol: dict[str, tuple[InstrumentStream, ...]] = {}
        for stream in self.streams:
            by_symbol[stream.symbol] = (*by_symbol.get(stream.symbol, ()), stream)
        self._routes = Routes(
            feed=name,
            streams=by_symbol,
            unknown_kinds=UnknownKinds(name, metrics=metrics),
            redactor=self._redactor,
        )
        self._tap = tap or NoTap()
        self._opened = 0

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the present state and watermark of each instrument."""
        return tuple(stream.status() for stream in self.streams)

    def details(self) -> Iterable[FeedDetail]:
        """Return what an operator is shown of each instrument; from any thread."""
        return tuple(stream.detail() for stream in self.streams)

    def is_refused(self, instrument: str) -> bool:
        """Return whether the venue refuses an instrument for good, as far as the evidence goes."""
        return all(stream.is_refused for stream in self.streams if stream.instrument == instrument)

    def played(self) -> PlayedConnections:
        """Return what takes the frames of a recording, instead of `run`."""
        return PlayedConnections(
            self._plan,
            self._routes,
            limits=self._timing.limits,
            last_frame=self._last_frame,
            on_accepted=self._on_accepted,
            clock=self._clock,
        )

    def confirm(self, instrument: str, price: float) -> None:
        """Take in what another feed says an instrument costs: what is held and near it is used."""
        for stream in self.streams:
            if stream.instrument == instrument:
                stream.confirm(price)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled.

        Raises
        ------
        ConfigError
            If the address cannot be used.
        """
        for stream in self.streams:
            stream.start(sink)
        fillers = [
            asyncio.create_task(stream.filler.run(sink))
            for stream in self.streams
            if stream.filler is not None
        ]
        try:
            await self._connect_for_ever(sink)
        finally:
            await _cancel(*fillers)

    async def _connect_for_ever(self, sink: Sink) -> None:
        running = self._start(sink, is_following=False)
        try:
            while True:
                due = asyncio.create_task(running.connection.is_due_for_replacement.wait())
                try:
                    await asyncio.wait({running.task, due}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await _cancel(due)
                if not running.task.done():
                    running = await self._replace(running, sink)
                    continue
                wait = self._on_end(running)
                await asyncio.sleep(wait)
                running = self._start(sink, is_following=False)
        finally:
            await _cancel(running.task)

    def _start(self, sink: Sink, *, is_following: bool) -> _Running:
        self._opened += 1
        connection = Connection(
            self._plan,
            self._routes,
            limits=self._timing.limits,
            number=self._opened,
            is_following=is_following,
            last_frame=self._last_frame,
            on_accepted=self._on_accepted,
            tap=self._tap,
            clock=self._clock,
        )
        if not is_following:
            self._attach(connection)
        return _Running(connection, asyncio.create_task(connection.run(sink)))

    def _attach(self, connection: Connection) -> None:
        for stream in self.streams:
            stream.attach(lambda: connection.health)

    async def _replace(self, old: _Running, sink: Sink) -> _Running:
        """Return the connection that has replaced one, or the replaced one if it has ended before."""
        if not self._plan.may_overlap:
            await _cancel(old.task)
            self._on_replaced()
            return self._start(sink, is_following=False)
        while True:
            following = self._start(sink, is_following=True)
            try:
                if await self._is_ready(following, old):
                    old.connection.hand_over()
                    following.connection.take_over(sink)
                    self._attach(following.connection)
                    await _cancel(old.task)
                    self._on_replaced()
                    return following
            except asyncio.CancelledError:
                await _cancel(following.task)
                raise
            await asyncio.wait({old.task}, timeout=self._on_failed_replacement(following))
            if old.task.done():
                return old

    async def _is_ready(self, following: _Running, old: _Running) -> bool:
        """Wait until a connection can replace another; return False if it has ended before."""
        limits = self._timing.limits
        until = self._clock.monotonic() + 2 * (limits.ack + limits.first_data)
        wanted = old.connection.live_symbols()
        while not old.task.done() and self._clock.monotonic() < until:
            if following.task.done():
                return False
            if wanted <= following.connection.live_symbols() and following.connection.health is not None:
                await asyncio.wait(
                    {old.task, following.task},
                    timeout=self._timing.overlap,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                break
            await asyncio.sleep(_REPLACE_POLL_SECONDS)
        return not following.task.done()

    def _on_accepted(self) -> None:
        if self._refusals.on_success(has_lasted=False):
            log.info("feed_accepted_again", feed=self.name, instruments=self.instruments)
        for stream in self.streams:
            stream.on_feed_accepted()

    def _on_replaced(self) -> None:
        self._metrics.feed_reconnects.labels(self.name, "rotated").inc()
        log.info("feed_rotated", feed=self.name, instruments=self.instruments)

    def _on_failed_replacement(self, following: _Running) -> float:
        """Note that the next connection failed while the old one is still there; return the wait."""
        end = following.task.result()
        wait = self._backoff.failed(live_seconds=0.0, at_least_seconds=end.retry_after_seconds or 0.0)
        log.warning(
            "feed_rotation_failed",
            feed=self.name,
            reason=end.reason,
            detail=end.words,
            retry_in_seconds=round(wait, 2),
        )
        return wait

    def _on_end(self, running: _Running) -> float:
        """Note that a connection is over; return how long to wait before the next."""
        end = running.task.result()
        now = self._clock.monotonic()
        live_seconds = running.connection.live_seconds(now=now)
        if live_seconds >= _STABLE_SECONDS:
            self._refusals.on_success()
        for stream in running.connection.troubled_streams():
            stream.on_trouble()
        at_least = self._at_least_seconds(end, now)
        wait = self._backoff.failed(live_seconds=live_seconds, at_least_seconds=at_least)
        for stream in self.streams:
            stream.on_connection_end(
                words=end.words,
                is_cooling_down=at_least > 0,
                is_refused=self._refusals.is_refused,
                has_lasted=live_seconds >= _STABLE_SECONDS,
            )
        self._metrics.feed_reconnects.labels(self.name, end.reason).inc()
        log.warning(
            "feed_disconnected",
            feed=self.name,
            instruments=self.instruments,
            reason=end.reason,
            detail=end.words,
            live_seconds=round(live_seconds, 1),
            retry_in_seconds=round(wait, 2),
        )
        return wait

    def _at_least_seconds(self, end: ConnectionEnd, now: float) -> float:
        """Return how long to wait at least, by what the venue says and what it said before."""
        if end.refusal is None:
            asked = end.retry_after_seconds or 0.0
            return max(asked, end.at_least_seconds, self._refusals.at_least_seconds)
        verdict = self._refusals.on_refusal(
            end.refusal, words=end.words, now=now, retry_after_seconds=end.retry_after_seconds
        )
        if verdict.is_news:
            log.error(
                "feed_refused",
                feed=self.name,
                instruments=self.instruments,
                reason=end.refusal,
                words=end.words,
                asked_again_in_seconds=verdict.at_least_seconds,
            )
        return max(verdict.at_least_seconds, end.at_least_seconds)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
