"""One instrument as one feed brings it: its ticks, its state and its watermark, over all connections.

Several of them share a connection where a venue allows only one; each is normalised, refused and reported
for itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from services.ingestor.core.clock_disagreement import ClockDisagreement
from services.ingestor.core.connection_health import ConnectionHealth, FeedCondition, Phase, feed_condition
from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.feed_status import Liveness, Watermark, feed_state
from services.ingestor.core.refusals import Patience, Refusal, RefusalRecord, RefusalVerdict
from services.ingestor.core.venue_clock import VenueClock
from services.ingestor.feeds.ports import FeedDetail, Sink
from services.ingestor.feeds.streaming.events import Event, Trade
from services.ingestor.feeds.streaming.frame_outcome import FrameOutcome
from services.ingestor.feeds.streaming.gap_filler import GapFiller
from services.ingestor.feeds.streaming.tick_batches import after_the_frames_at_hand
from services.ingestor.feeds.streaming.tick_normaliser import TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedFault, FeedFaultKind, FeedState, FeedStatus

log = structlog.get_logger(__name__)

# A symbol in trouble waits so long before it interrupts the others of its connection, then twice as long ...
_TOLERANCE_SECONDS: Final = 60.0
_MAX_EXPONENT: Final = 16


@dataclass(slots=True, kw_only=True)
class LastFrame:
    """When the last frame of any kind came, over all connections of a feed; monotonic seconds."""

    at: float


class InstrumentStream:
    """The stream of one instrument.

    Parameters
    ----------
    symbol
        The venue's instrument, in our notation: ``PAXG/USDT`` of Binance may feed ``PAXG/USD.KRAKEN``.
    market
        The state of the instrument's market at an instant; a token's is always ``LIVE``.
    last_frame
        Of the connection that it shares.
    stale_after, lateness, idle
        In seconds: no tick for so long is STALE; how far the watermark is behind; no frame for so long is an
        interruption.
    """

    def __init__(
        self,
        feed: str,
        *,
        instrument: str,
        symbol: str,
        market: Callable[[int], FeedState],
        last_frame: LastFrame,
        stale_after: float,
        lateness: float,
        idle: float,
        patience: Patience,
        metrics: IngestorMetrics,
        clock: Clock,
    ) -> None:
        self.feed = feed
        self.instrument = instrument
        self.symbol = symbol
        self.filler: GapFiller | None = None
        self._market = market
        self._last_frame = last_frame
        now, lateness_ns = clock.monotonic(), int(lateness * NS_PER_SECOND)
        self._last_tick = now
        self._stale_after = stale_after
        self._venue_clock = VenueClock(wall_ns=clock.now_ns(), now=now, lateness_ns=lateness_ns)
        self._clock_disagreement = ClockDisagreement()
        self._watermark = Watermark(
            self._venue_clock, lateness_ns=lateness_ns, idle_seconds=idle, started=now
        )
        self._normaliser = TickNormaliser(
            feed=feed,
            instrument=instrument,
            lateness_ns=lateness_ns,
            metrics=metrics,
            venue_clock=self._venue_clock,
            defer=after_the_frames_at_hand,
        )
        self._ask_again_seconds = patience.ask_again_seconds
        self._refusals = RefusalRecord(patience)
        self._metrics = metrics
        self._clock = clock
        self._health: Callable[[], ConnectionHealth | None] = lambda: None
        self._is_feed_refused = False
        self._is_cooling_down = False
        self._words = ""
        self._troubles = 0
        self._sink: Sink | None = None
        self._gaps_before: tuple[Gap, ...] = ()
        self._condition = FeedCondition.DISCONNECTED
        self._condition_since_ns = clock.now_ns()

    @property
    def is_refused(self) -> bool:
        """Return whether the venue refuses this instrument for good, as far as the evidence goes."""
        return self._refusals.is_refused or self._is_feed_refused

    @property
    def words(self) -> str:
        """Return what the venue said last, without any key; empty while all is well."""
        return self._words

    def take(
        self, events: list[Event], *, frame: str | bytes, received_ns: int, now: float, sink: Sink
    ) -> FrameOutcome:
        """Publish what a frame has of this instrument, and return what else it says."""
        self._venue_clock.take_wall(received_ns, now=now)
        if self.filler is not None and self.filler.missing:
            trades = [event for event in events if isinstance(event, Trade)]
            kept = {id(trade) for trade in self.filler.take_late(trades, sink)}
            events = [event for event in events if not isinstance(event, Trade) or id(event) in kept]
        outcome = self._normaliser.take(events, frame=frame, received_ns=received_ns, now=now, sink=sink)
        if outcome.has_fresh_tick:
            self._last_tick = now
        if outcome.has_data:
            self._troubles = 0
        for gap in outcome.gaps:
            if self.filler is not None:
                self.filler.add(gap, sink)
        return outcome

    def take_filled(self, trades: list[Trade], sink: Sink) -> None:
        """Publish trades that were missing."""
        self._normaliser.take_filled(
            trades, received_ns=self._clock.now_ns(), now=self._clock.monotonic(), sink=sink
        )

    def confirm(self, price: float) -> None:
        """Use the ticks that are held because they are far from the last ones, if they are near a price."""
        if self._sink is not None:
            self._normaliser.confirm(price, now=self._clock.monotonic(), sink=self._sink)

    def resume(
        self,
        *,
        last_trade: tuple[int, int] | None,
        gaps: tuple[Gap, ...],
        quotes: Iterable[tuple[int, float, float]],
    ) -> None:
        """Begin where the log ends, and fill what is missing before; see `TickNormaliser.resume`."""
        self._gaps_before = gaps
        self._normaliser.resume(last_trade=last_trade, quotes=quotes, now=self._clock.monotonic())

    def start(self, sink: Sink) -> None:
        """Publish into a sink from now on also what is not decided by a frame."""
        self._sink = sink
        gaps, self._gaps_before = self._gaps_before, ()
        for gap in gaps:
            if self.filler is not None:
                self.filler.add(gap, sink)

    def on_server_time(self, at_ns: int) -> None:
        """Note the time that the venue's server gave with an answer."""
        now = self._clock.monotonic()
        self._venue_clock.take_wall(self._clock.now_ns(), now=now)
        self._venue_clock.take_date(at_ns, now=now)

    def is_open(self, *, now: float) -> bool:
        """Return whether the instrument's market trades."""
        return self._market_state(now) is FeedState.LIVE

    def attach(self, health: Callable[[], ConnectionHealth | None]) -> None:
        """Be on another connection, whose health is None until it is open."""
        self._health = health
        self._is_cooling_down = False

    def on_accepted(self) -> None:
        """Note that the venue acknowledges the subscription."""
        if self._refusals.on_success(has_lasted=False):
            log.info("feed_accepted_again", feed=self.feed, instrument=self.instrument)

    def on_feed_accepted(self) -> None:
        """Note that the venue accepts the connection, whatever it says to this instrument."""
        self._is_feed_refused = False

    def on_refused(self, refusal: Refusal, *, words: str) -> RefusalVerdict:
        """Note that the venue refuses this instrument; return what follows."""
        self._words = words
        verdict = self._refusals.on_refusal(refusal, words=words, now=self._clock.monotonic())
        if verdict.is_news:
            log.error(
                "feed_refused",
                feed=self.feed,
                instruments=(self.instrument,),
                reason=refusal,
                words=words,
                asked_again_in_seconds=verdict.at_least_seconds,
            )
        return verdict

    def on_connection_end(
        self, *, words: str, is_cooling_down: bool, is_refused: bool, has_lasted: bool
    ) -> None:
        """Note that the connection is over, what was said, and what holds for the feed as a whole."""
        if has_lasted and self._phase() is Phase.LIVE:
            self._refusals.on_success()
        self._health = lambda: None
        self._words = words or self._words
        self._is_cooling_down = is_cooling_down
        self._is_feed_refused = is_refused

    def on_trouble(self) -> None:
        """Note that a connection was given up for the sake of this instrument."""
        self._troubles += 1

    @property
    def tolerance_seconds(self) -> float:
        """Return how long it may be in trouble before it interrupts the others of its connection."""
        if self._refusals.is_refused or self._phase() is Phase.REJECTED:
            # The venue has said no: a new connection brings the same answer, and interrupts the others.
            return self._ask_again_seconds
        return min(self._ask_again_seconds, _TOLERANCE_SECONDS * 2.0 ** min(self._troubles, _MAX_EXPONENT))

    def liveness(self) -> Liveness:
        """Return when the stream last received something."""
        return Liveness(
            is_live=self._phase() is Phase.LIVE,
            last_frame=self._last_frame.at,
            last_tick=self._last_tick,
        )

    def status(self) -> FeedStatus:
        """Return the present state and watermark."""
        now = self._clock.monotonic()
        self._venue_clock.take_wall(self._clock.now_ns(), now=now)
        if self._sink is not None:
            if self._normaliser.settle(now=now, sink=self._sink):
                self._last_tick = now
            self._compare_clocks(self._sink, now)
        self._observe_condition()
        liveness = self.liveness()
        self._metrics.feed_connected.labels(self.feed, self.instrument).set(liveness.is_live)
        awaited = [
            each
            for each in (
                self._normaliser.held_since_ns,
                self.filler.since_ns if self.filler is not None else None,
            )
            if each is not None
        ]
        return FeedStatus(
            instrument=self.instrument,
            feed=self.feed,
            state=feed_state(
                liveness, now=now, market=self._market_state(now), stale_after=self._stale_after
            ),
            watermark_ns=self._watermark.advance(liveness, now=now, awaited_ns=min(awaited, default=None)),
        )

    def detail(self) -> FeedDetail:
        """Return what an operator is shown, as of the last status; from any thread."""
        filler = self.filler
        return FeedDetail(
            feed=self.feed,
            instrument=self.instrument,
            state=self._condition,
            since_ns=self._condition_since_ns,
            words=self._words,
            missing_trades=filler.missing if filler is not None else 0,
            trades_given_up=filler.given_up if filler is not None else 0,
        )

    def _phase(self) -> Phase | None:
        health = self._health()
        return health.phase(self.symbol) if health is not None else None

    def _market_state(self, now: float) -> FeedState:
        """Return the market's state at the venue's present time: our clock may be wrong by days."""
        return self._market(self._venue_clock.now_ns(now=now))

    def _compare_clocks(self, sink: Sink, now: float) -> None:
        change = self._clock_disagreement.look(self._venue_clock, wall_ns=self._clock.now_ns(), now=now)
        if change is None:
            return
        sink.put_feed_fault(
            FeedFault(
                instrument=self.instrument,
                feed=self.feed,
                fault=FeedFaultKind.CLOCK_DISAGREES,
                is_open=change.is_open,
                at_ns=change.at_ns,
                detail=change.detail,
            )
        )
        log.warning(
            "clock_disagrees",
            feed=self.feed,
            instrument=self.instrument,
            is_open=change.is_open,
            detail=change.detail,
        )

    def _observe_condition(self) -> None:
        condition = feed_condition(
            self._phase(), is_cooling_down=self._is_cooling_down, is_refused=self.is_refused
        )
        if condition is FeedCondition.LIVE:
            self._words = ""
        if condition is not self._condition:
            self._condition, self._condition_since_ns = condition, self._clock.now_ns()
        for each in FeedCondition:
            self._metrics.feed_condition.labels(self.feed, self.instrument, each).set(each is condition)
