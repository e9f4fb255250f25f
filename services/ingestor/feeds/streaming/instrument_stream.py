"""One instrument as one feed brings it: its ticks, its state and its watermark, over all connections.

Several of them share a connection where a venue allows only one; each is normalised, refused and reported
for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from services.ingestor.core.connection_health import ConnectionHealth, FeedCondition, Phase, feed_condition
from services.ingestor.core.feed_status import HOLD_NS, Liveness, feed_state, watermark
from services.ingestor.core.refusals import Patience, Refusal, RefusalRecord, RefusalVerdict
from services.ingestor.feeds.ports import FeedDetail, Sink
from services.ingestor.feeds.streaming.events import Event, Trade
from services.ingestor.feeds.streaming.gap_filler import GapFiller
from services.ingestor.feeds.streaming.tick_normaliser import FrameOutcome, TickNormaliser
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND
from shared.domain.ticks import FeedState, FeedStatus

log = structlog.get_logger(__name__)

# A symbol in trouble waits so long before it interrupts the others of its connection, then twice as long ...
_TOLERANCE_SECONDS: Final = 60.0
_MAX_EXPONENT: Final = 16


@dataclass(slots=True, kw_only=True)
class LastFrame:
    """When the last frame of any kind came, over all connections of a feed; nanoseconds since the epoch."""

    received_ns: int


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
        normaliser: TickNormaliser,
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
        self._normaliser = normaliser
        self._market = market
        self._last_frame = last_frame
        self._last_tick_ns = clock.now_ns()
        self._stale_after_ns = _ns(stale_after)
        self._lateness_ns = _ns(lateness)
        self._idle_ns = _ns(idle)
        self._ask_again_seconds = patience.ask_again_seconds
        self._refusals = RefusalRecord(patience)
        self._metrics = metrics
        self._clock = clock
        self._health: Callable[[], ConnectionHealth | None] = lambda: None
        self._is_feed_refused = False
        self._is_cooling_down = False
        self._words = ""
        self._troubles = 0
        self._watermark_ns = 0
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
        if self.filler is not None and self.filler.missing:
            trades = [event for event in events if isinstance(event, Trade)]
            kept = {id(trade) for trade in self.filler.take_late(trades, sink)}
            events = [event for event in events if not isinstance(event, Trade) or id(event) in kept]
        outcome = self._normaliser.take(events, frame=frame, received_ns=received_ns, now=now, sink=sink)
        if outcome.has_fresh_tick:
            self._last_tick_ns = received_ns
        if outcome.has_data:
            self._troubles = 0
        for gap in outcome.gaps:
            if self.filler is not None:
                self.filler.add(gap, sink)
        return outcome

    def take_filled(self, trades: list[Trade], sink: Sink) -> None:
        """Publish trades that were missing."""
        self._normaliser.take_filled(trades, received_ns=self._clock.now_ns(), sink=sink)

    def is_open(self, now_ns: int) -> bool:
        """Return whether the instrument's market trades."""
        return self._market(now_ns) is FeedState.LIVE

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
        if self._refusals.is_refused:
            return self._ask_again_seconds
        return min(self._ask_again_seconds, _TOLERANCE_SECONDS * 2.0 ** min(self._troubles, _MAX_EXPONENT))

    def liveness(self) -> Liveness:
        """Return when the stream last received something."""
        return Liveness(
            is_live=self._phase() is Phase.LIVE,
            last_frame_ns=self._last_frame.received_ns,
            last_tick_ns=self._last_tick_ns,
        )

    def status(self) -> FeedStatus:
        """Return the present state and watermark."""
        self._observe_condition()
        now_ns = self._clock.now_ns()
        liveness = self.liveness()
        self._metrics.feed_connected.labels(self.feed, self.instrument).set(liveness.is_live)
        self._watermark_ns = max(self._watermark_ns, self._until(liveness, now_ns))
        state = feed_state(
            liveness, now_ns=now_ns, market=self._market(now_ns), stale_after_ns=self._stale_after_ns
        )
        return FeedStatus(
            instrument=self.instrument, feed=self.feed, state=state, watermark_ns=self._watermark_ns
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

    def _until(self, liveness: Liveness, now_ns: int) -> int:
        """Return up to when all ticks are there, as far as missing trades can still be filled."""
        mark = watermark(
            liveness,
            now_ns=now_ns,
            lateness_ns=self._lateness_ns,
            idle_ns=self._idle_ns,
            previous_ns=self._watermark_ns,
        )
        filled_until_ns = self.filler.since_ns if self.filler is not None else None
        if filled_until_ns is None:
            return mark
        return min(mark, max(filled_until_ns, now_ns - HOLD_NS - self._lateness_ns))

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


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_SECOND)
