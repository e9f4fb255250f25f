"""Choose which pairs' snapshots are taken and gauges are set after a batch of records.

A pair takes 20 µs. With thousands of pairs, those that changed are shown at once and the others a hundred at
a time, in turn: showing the pairs must not take longer than evaluating them.
"""

import math
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

from services.signals.core.divergence.state import Phase
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.log_progress import LogProgress
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.pairs.snapshot import take_snapshot
from services.signals.core.undefined import SESSIONS_NEEDED
from services.signals.metrics import CORRELATION_WINDOWS, LEGS, SignalsMetrics
from services.signals.publishing.snapshots import SnapshotPublisher
from shared.domain.divergences import Kind
from shared.domain.instants import NS_PER_SECOND
from shared.domain.snapshots import OutcomeSummary, PairSnapshot

# 2 ms a batch. With a status record a second each of ten thousand pairs is shown within two minutes.
_AT_A_TIME: Final = 100


class SnapshotScheduler:
    """Keep snapshots and gauges up to date with the engines.

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
        self._outcomes: dict[str, tuple[OutcomeSummary, ...]] = {}
        self._turn: dict[str, int] = {}

    def show(self, engine: LeadEngine, changed: Collection[str]) -> None:
        """Show the pairs of an engine after a batch: those that changed, and others in turn."""
        time = engine.progress
        if time.next_close < 0:
            # Event time has not begun, so there is no time to show.
            return
        for monitor in self._chosen(engine, changed):
            name = monitor.pair.name
            is_news = name in changed or name not in self._shown
            self._shown.add(name)
            self._snapshots.offer(
                name, time.watermark_ns, partial(self._take, monitor, time), is_news=is_news
            )
            if is_news:
                self._gauge_windows(monitor)
            self._gauge_faults(monitor)
            self._metrics.zscore.labels(name, "provisional").set(_or_nan(monitor.statistics.live_z()))
            self._metrics.watermark.labels(name).set(time.watermark_ns / NS_PER_SECOND)

    def forget(self, engine: LeadEngine) -> None:
        """Show nothing of an engine's pairs any more: another worker shows them now."""
        for monitor in engine.monitors:
            name = monitor.pair.name
            self._shown.discard(name)
            self._outcomes.pop(name, None)
            self._snapshots.forget(name)
            self._metrics.show_nothing(name)

    async def flush(self) -> None:
        """Wait for snapshots on their way."""
        await self._snapshots.flush()

    def _chosen(self, engine: LeadEngine, changed: Collection[str]) -> Iterable[PairMonitor]:
        monitors = engine.monitors
        if len(monitors) <= _AT_A_TIME:
            return monitors
        begin = self._turn.get(engine.lead, 0)
        self._turn[engine.lead] = (begin + _AT_A_TIME) % len(monitors)
        chosen = {monitor.pair.name: monitor for monitor in (monitors + monitors)[begin : begin + _AT_A_TIME]}
        if changed:
            chosen |= {monitor.pair.name: monitor for monitor in monitors if monitor.pair.name in changed}
        return chosen.values()

    def _take(self, monitor: PairMonitor, time: LogProgress) -> PairSnapshot:
        """Take a snapshot as of when it is sent."""
        snapshot = take_snapshot(monitor, time.watermark_ns)
        name, outcomes = monitor.pair.name, snapshot.outcomes
        # The same tuple comes until a session commits or a divergence opens.
        if self._outcomes.get(name) is not outcomes:
            self._outcomes[name] = outcomes
            self._metrics.show_outcomes(name, outcomes)
        return snapshot

    def _gauge_windows(self, monitor: PairMonitor) -> None:
        name, values = monitor.pair.name, monitor.statistics.values
        self._metrics.zscore.labels(name, "confirmed").set(_or_nan(values.get("z_90")))
        self._metrics.undefined.labels(name).set(sum(value is None for value in values.values()))
        for window in CORRELATION_WINDOWS:
            statistic = f"corr_{window}"
            self._metrics.correlation.labels(name, window).set(_or_nan(values.get(statistic)))
            is_warm = monitor.statistics.count >= SESSIONS_NEEDED[statistic]
            self._metrics.warm.labels(name, window).set(float(is_warm))

    def _gauge_faults(self, monitor: PairMonitor) -> None:
        for side, leg in zip(LEGS, (monitor.legs.lead, monitor.legs.other), strict=True):
            # Also while flapping holds it open, and with the kind switched off.
            is_reported = monitor.transitions.divergence(Kind.DATA_FAULT, side).phase is Phase.OPEN
            is_at_fault = is_reported or leg.data_quality.is_at_fault
            self._metrics.leg_at_fault.labels(monitor.pair.name, side.value).set(float(is_at_fault))


def _or_nan(value: float | None) -> float:
    # Prometheus has no None; a 0 would read as "uncorrelated" or "at the mean".
    return math.nan if value is None else value
