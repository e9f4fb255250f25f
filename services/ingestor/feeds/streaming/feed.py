"""A live feed over a websocket: one connection after the other, for ever, and the feed's status.

A clean close leads to a reconnect like any other end. Missed trades are fetched while reading goes on.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from services.ingestor.core.clock_disagreement import ClockDisagreement
from services.ingestor.core.connection_health import Limits, Phase
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.feed_status import Liveness, Watermark, feed_state
from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.streaming.connection import Connection, ConnectionEnded, LastReceived
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.streaming.ports import Backfill, VenueProtocol
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.backoff import Backoff
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedState, FeedStatus
from shared.errors import FeedRefused, FeedUnavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time limits of a feed and its connections, in seconds."""

    limits: Limits
    stale_after: float
    lateness: float
    reconnect_base: float
    reconnect_cap: float
    cool_down: float


class WebsocketFeed:
    """Stream one instrument of one venue.

    Parameters
    ----------
    make_protocol
        Returns the protocol of a new connection.
    market
        The state of the instrument's market at an instant; a token's is always ``LIVE``.
    uniform
        Randomness for the back-off, numbers in ``[0, 1)``.
    """

    def __init__(
        self,
        name: str,
        *,
        instrument: str,
        url: str,
        make_protocol: Callable[[], VenueProtocol],
        backfill: Backfill,
        market: Callable[[int], FeedState],
        timing: Timing,
        uniform: Callable[[], float],
        metrics: IngestorMetrics,
        clock: Clock,
    ) -> None:
        self.name = name
        self.instruments: tuple[str, ...] = (instrument,)
        self._instrument = instrument
        self._url = url
        self._make_protocol = make_protocol
        self._backfill = backfill
        self._market = market
        self._timing = timing
        self._metrics = metrics
        self._clock = clock
        self._backoff = Backoff(
            uniform=uniform, base_seconds=timing.reconnect_base, cap_seconds=timing.reconnect_cap
        )
        now = clock.monotonic()
        self._venue_clock = VenueClock(wall_ns=clock.now_ns(), now=now)
        self._watermark = Watermark(
            self._venue_clock,
            lateness_ns=_ns(timing.lateness),
            idle_seconds=timing.limits.idle,
            started=now,
        )
        self._clock_disagreement = ClockDisagreement()
        self._normaliser = TickNormaliser(
            feed=name,
            instrument=instrument,
            lateness_ns=_ns(timing.lateness),
            metrics=metrics,
            venue_clock=self._venue_clock,
        )
        self._connection: Connection | None = None
        self._sink: Sink | None = None
        self._last_received = LastReceived(frame=now, tick=now)

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the feed's present state and watermark."""
        now = self._clock.monotonic()
        if self._sink is not None:
            if self._normaliser.settle(now=now, sink=self._sink):
                self._last_received.tick = now
            self._compare_clocks(self._sink, now)
        health = self._connection.health if self._connection is not None else None
        liveness = Liveness(
            is_live=health is not None and health.phase is Phase.LIVE,
            last_frame=self._last_received.frame,
            last_tick=self._last_received.tick,
        )
        self._metrics.feed_connected.labels(self.name, self._instrument).set(liveness.is_live)
        watermark_ns = self._watermark.advance(liveness, now=now, awaited_ns=self._normaliser.held_since_ns)
        state = feed_state(
            liveness,
            now=now,
            market=self._market(self._venue_clock.now_ns(now=now)),
            stale_after=self._timing.stale_after,
        )
        return (
            FeedStatus(instrument=self._instrument, feed=self.name, state=state, watermark_ns=watermark_ns),
        )

    def _compare_clocks(self, sink: Sink, now: float) -> None:
        change = self._clock_disagreement.look(self._venue_clock, wall_ns=self._clock.now_ns(), now=now)
        if change is None:
            return
        sink.put_feed_fault(
            FeedFault(
                instrument=self._instrument,
                feed=self.name,
                fault=FeedFaultKind.CLOCK_DISAGREES,
                is_open=change.is_open,
                at_ns=change.at_ns,
                detail=change.detail,
            )
        )
        log.warning("clock_disagrees", feed=self.name, is_open=change.is_open, detail=change.detail)

    async def run(self, sink: Sink) -> None:
        """Stream until cancelled.

        Raises
        ------
        FeedRefused
            If the venue refuses permanently.
        """
        self._sink = sink
        async with asyncio.TaskGroup() as fills:
            refusal = await self._until_refused(
                sink, on_gap=lambda gap: fills.create_task(self._fill(gap, sink))
            )
        raise refusal

    async def _until_refused(self, sink: Sink, *, on_gap: Callable[[Gap], object]) -> FeedRefused:
        while True:
            connection = self._connection = Connection(
                self.name,
                instrument=self._instrument,
                url=self._url,
                protocol=self._make_protocol(),
                normaliser=self._normaliser,
                limits=self._timing.limits,
                last_received=self._last_received,
                cool_down_seconds=self._timing.cool_down,
                on_gap=on_gap,
                clock=self._clock,
            )
            try:
                await connection.run(sink)
            except FeedRefused as refusal:
                self._connection = None
                self._metrics.feed_reconnects.labels(self.name, refusal.reason).inc()
                return refusal
            except ConnectionEnded as end:
                self._connection = None
                await asyncio.sleep(self._wait_seconds(connection, end))

    def _wait_seconds(self, connection: Connection, end: ConnectionEnded) -> float:
        health = connection.health
        live_seconds = health.live_seconds(now=self._clock.monotonic()) if health is not None else 0.0
        wait = self._backoff.failed(live_seconds=live_seconds, at_least_seconds=end.at_least_seconds)
        self._metrics.feed_reconnects.labels(self.name, end.reason).inc()
        log.warning(
            "feed_disconnected",
            feed=self.name,
            instrument=self._instrument,
            reason=end.reason,
            detail=str(end),
            live_seconds=round(live_seconds, 1),
            retry_in_seconds=round(wait, 2),
        )
        return wait

    async def _fill(self, gap: Gap, sink: Sink) -> None:
        missing = gap.before_id - gap.after_id - 1
        trades: list[Trade] = []
        why = ""
        try:
            trades = await self._backfill.trades_in(gap)
        except (FeedUnavailable, FeedRefused) as error:
            why = str(error)
        self._normaliser.take_filled(
            trades, received_ns=self._clock.now_ns(), now=self._clock.monotonic(), sink=sink
        )
        is_filled = len(trades) == missing
        self._metrics.trade_gaps.labels(self.name, "filled" if is_filled else "unfillable").inc()
        if not is_filled:
            log.warning(
                "trade_gap_left_open",
                feed=self.name,
                instrument=self._instrument,
                after_id=gap.after_id,
                before_id=gap.before_id,
                missing=missing - len(trades),
                why=why,
            )


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_SECOND)
