"""Show what an engine knows: snapshots for the page, gauges for operators. Nothing here decides."""

import math

from services.signals.core.effects import Effects
from services.signals.core.lead_engine import LeadEngine
from services.signals.core.pair_book import PairBook
from services.signals.core.snapshot import take_snapshot
from services.signals.core.tape import EventTime
from services.signals.core.undefined import SESSIONS_NEEDED
from services.signals.metrics import CORRELATION_WINDOWS, SignalsMetrics
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.domain.instants import NS_PER_SECOND
from shared.domain.snapshots import PairSnapshot


class Showing:
    """Keep snapshots and gauges at what the engines know.

    Parameters
    ----------
    metrics
        The gauges.
    snapshots
        Where snapshots go.
    """

    def __init__(self, metrics: SignalsMetrics, snapshots: SnapshotPublisher) -> None:
        self._metrics = metrics
        self._snapshots = snapshots
        self._shown: set[str] = set()

    def show(self, engine: LeadEngine, effects: Effects) -> None:
        """Show every pair of an engine after a record."""
        time = engine.time
        for book in engine.books:
            name = book.pair.name
            is_news = name in effects.changed or name not in self._shown
            self._shown.add(name)
            self._snapshots.offer(name, time.watermark_ns, _Taker(book, time), is_news=is_news)
            if is_news:
                self._gauge_windows(book)
            self._metrics.zscore.labels(name, "provisional").set(_or_nan(book.live_z()))
            self._metrics.watermark.labels(name).set(time.watermark_ns / NS_PER_SECOND)

    async def flush(self) -> None:
        """Wait for snapshots on their way."""
        await self._snapshots.flush()

    def _gauge_windows(self, book: PairBook) -> None:
        name, values = book.pair.name, book.values
        self._metrics.zscore.labels(name, "confirmed").set(_or_nan(values.get("z_90")))
        self._metrics.undefined.labels(name).set(sum(value is None for value in values.values()))
        for window in CORRELATION_WINDOWS:
            statistic = f"corr_{window}"
            self._metrics.correlation.labels(name, window).set(_or_nan(values.get(statistic)))
            is_warm = book.count >= SESSIONS_NEEDED[statistic]
            self._metrics.warm.labels(name, window).set(float(is_warm))


class _Taker:
    """Take a snapshot as of when it is sent."""

    def __init__(self, book: PairBook, time: EventTime) -> None:
        self._book, self._time = book, time

    def __call__(self) -> PairSnapshot:
        return take_snapshot(self._book, self._time.watermark_ns)


def _or_nan(value: float | None) -> float:
    # Prometheus has no None; a 0 would read as "uncorrelated" or "at the mean".
    return math.nan if value is None else value
