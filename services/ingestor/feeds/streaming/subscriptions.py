"""What a feed is to bring, within which limits of time, and the stream of each of its instruments."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.ingestor.core.connection_health import Limits
from services.ingestor.core.refusals import Patience
from services.ingestor.feeds.streaming.gap_filler import FillTiming, GapFiller
from services.ingestor.feeds.streaming.instrument_stream import InstrumentStream, LastFrame
from services.ingestor.feeds.streaming.ports import Backfill
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.ticks import FeedState


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time limits of a feed and its connections, in seconds."""

    limits: Limits
    stale_after: float
    lateness: float
    reconnect_base: float
    reconnect_cap: float
    patience: Patience = field(default_factory=Patience)
    fill: FillTiming = field(default_factory=FillTiming)
    # Two connections may be some frames apart: the old one is read for so long after the new one has data.
    overlap: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An instrument that a feed is to bring.

    Parameters
    ----------
    symbol
        The venue's instrument, in our notation.
    market
        The state of the instrument's market at an instant; a token's is always ``LIVE``.
    backfill
        Fetches its missed trades; None for a venue that does not number them.
    """

    instrument: str
    symbol: str
    market: Callable[[int], FeedState]
    backfill: Backfill | None = None


def make_stream(
    feed: str,
    subscription: Subscription,
    *,
    timing: Timing,
    last_frame: LastFrame,
    uniform: Callable[[], float],
    metrics: IngestorMetrics,
    redactor: Redactor,
    clock: Clock,
) -> InstrumentStream:
    """Return the stream of an instrument, which fills its gaps where the venue has a backfill."""
    stream = InstrumentStream(
        feed,
        instrument=subscription.instrument,
        symbol=subscription.symbol,
        market=subscription.market,
        last_frame=last_frame,
        stale_after=timing.stale_after,
        lateness=timing.lateness,
        idle=timing.limits.idle,
        patience=timing.patience,
        metrics=metrics,
        clock=clock,
    )
    if subscription.backfill is not None:
        stream.filler = GapFiller(
            subscription.backfill,
            feed=feed,
            instrument=subscription.instrument,
            take=stream.take_filled,
            timing=timing.fill,
            uniform=uniform,
            metrics=metrics,
            redactor=redactor,
        )
    return stream
