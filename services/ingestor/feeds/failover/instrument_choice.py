"""The feeds of one instrument: the ticks of the chosen one go into the log, the others stand by.

Order of effects when another feed is chosen:

1. ticks of the feed before it that are queued keep their place,
2. the authority of the new feed is queued,
3. its status and its newest tick are queued, so that the instrument has a price at once,
4. its further ticks follow; those older than the one of step 3 are left out.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Final

import structlog

from services.ingestor.core.feed_choice import (
    PATIENCE_SECONDS,
    PROBATION_SECONDS,
    FeedChoice,
    FeedHealth,
    Switch,
)
from services.ingestor.core.feed_comparison import FeedComparison, Findings
from services.ingestor.core.late_open import is_late_open
from services.ingestor.feeds.failover.standby_ticks import StandbyTicks, not_before
from services.ingestor.feeds.ports import FeedDetail, Sink
from services.ingestor.metrics import IngestorMetrics
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.market_hours import MarketHours
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    TickBatch,
)

log = structlog.get_logger(__name__)

_HEALTH: Final = {
    FeedState.LIVE: FeedHealth.LIVE,
    FeedState.STALE: FeedHealth.STALE,
    FeedState.BREAK: FeedHealth.RESTING,
    FeedState.CLOSED: FeedHealth.RESTING,
}


class InstrumentChoice:
    """Choose among the feeds of one instrument.

    Parameters
    ----------
    order
        Names of its feeds, best first, at least one.
    cross_checks
        Names of feeds whose price is only compared; none of them is in the order.
    on_used
        Sees the ticks that go into the log, too.
    failover_after_seconds, return_after_seconds
        How long a feed may be dead before it is left, and how long a preferred one must live before it is
        chosen again.
    """

    def __init__(
        self,
        instrument: str,
        *,
        order: tuple[str, ...],
        cross_checks: tuple[str, ...] = (),
        hours: MarketHours,
        on_used: Callable[[TickBatch], None] | None = None,
        failover_after_seconds: float = PATIENCE_SECONDS,
        return_after_seconds: float = PROBATION_SECONDS,
        metrics: IngestorMetrics,
        clock: Clock,
    ) -> None:
        self.instrument = instrument
        self._feeds = (*order, *cross_checks)
        self._choice = FeedChoice(
            order,
            now=clock.monotonic(),
            patience_seconds=failover_after_seconds,
            probation_seconds=return_after_seconds,
        )
        self._comparison = FeedComparison()
        self._findings = Findings()
        self._standby = StandbyTicks()
        self._hours = hours
        self._on_used = on_used or _ignore
        self._earlier: str | None = None
        self._metrics = metrics
        self._clock = clock
        self.is_announced = False
        self._has_begun = False
        self._since_ns = 0
        self._started_ns = clock.now_ns()
        self._last_tick_ns: int | None = None
        self._chosen_ns = self._started_ns
        self._feed_faults: dict[str, dict[FeedFaultKind, FeedFault]] = {}
        self._open_faults: dict[FeedFaultKind, str] = {}

    @property
    def present(self) -> str:
        """Return the name of the chosen feed."""
        return self._choice.present

    def resume(self, earlier: str | None) -> None:
        """Take over from the process that published before, from this feed; None if none did."""
        self._earlier = earlier

    def take(self, batch: TickBatch, sink: Sink) -> None:
        """Take in the ticks of one of the feeds."""
        feed, count, received_ns = batch.feed, len(batch.ts_event_ns), int(batch.ts_received_ns[-1])
        is_chosen = feed == self.present
        price, more_waiting = self._standby.put(batch, is_used=is_chosen)
        if price is not None:
            self._comparison.on_price(feed, price, now=self._clock.monotonic())
        if not is_chosen:
            self._metrics.last_tick.labels(feed, self.instrument).set(received_ns / NS_PER_SECOND)
            self._count_unused(feed, count - more_waiting)
            return
        self._last_tick_ns = received_ns
        usable = not_before(self._since_ns, batch)
        used = 0 if usable is None else len(usable.ts_event_ns)
        self._count_unused(feed, count - used - more_waiting)
        if usable is None:
            return
        if not self.is_announced:
            self._announce_first(int(usable.ts_event_ns.min()), sink)
        self._use(usable, sink)

    def take_fault(self, fault: FeedFault, sink: Sink) -> None:
        """Take in what a feed finds wrong with its data: a fault of the instrument while it is chosen."""
        faults = self._feed_faults.setdefault(fault.feed, {})
        if fault.is_open:
            faults[fault.fault] = fault
        else:
            faults.pop(fault.fault, None)
        if fault.feed == self.present:
            sink.put_feed_fault(fault)

    def expected(self, feed: str) -> tuple[float, ...]:
        """Return the prices that a feed should have by what the others say now."""
        return self._comparison.expected(feed, now=self._clock.monotonic())

    def detail(self) -> FeedDetail:
        """Return the chosen feed, and how the others compare; for an operator, from any thread."""
        bases = {feed: self._comparison.basis(self.present, feed) for feed in self._feeds}
        compared = [f"{basis:+.3%} to {feed}" for feed, basis in bases.items() if basis is not None]
        words = "; ".join(filter(None, (self._findings.doubt, ", ".join(compared))))
        return FeedDetail(
            feed=self.present,
            instrument=self.instrument,
            state="chosen",
            since_ns=self._chosen_ns,
            words=words,
        )

    def decide(self, statuses: Mapping[str, FeedStatus], refused: Collection[str], sink: Sink) -> None:
        """Choose, and say what is wrong with the instrument's data; to be called about once a second.

        Parameters
        ----------
        statuses
            The present status of each feed that has one.
        refused
            Feeds that their venue refuses.
        """
        now = self._clock.monotonic()
        if not self._has_begun:
            self._has_begun = True
            self._choice.begin(now=now)
        live = {feed for feed in self._feeds if feed in statuses and statuses[feed].state is FeedState.LIVE}
        self._findings = self._comparison.compare(live, present=self.present, now=now)
        switch = self._choice.decide(self._health(statuses, refused), now=now)
        if switch is not None:
            self._follow(switch, statuses[switch.feed], sink)
            self._findings = self._comparison.compare(live, present=self.present, now=now)
        status = statuses.get(self.present)
        if status is not None:
            if not self.is_announced:
                self._announce_first(status.watermark_ns, sink)
            self._tell_faults(status, sink)
        self._publish_metrics(statuses)

    def _health(self, statuses: Mapping[str, FeedStatus], refused: Collection[str]) -> dict[str, FeedHealth]:
        health = {}
        for feed in self._feeds:
            status = statuses.get(feed)
            state = FeedHealth.STALE if status is None else _HEALTH[status.state]
            if feed in refused:
                state = FeedHealth.REFUSED
            elif state is FeedHealth.LIVE and feed in self._findings.silent:
                state = FeedHealth.STALE
            elif state is FeedHealth.LIVE and feed in self._findings.odd:
                state = FeedHealth.DISAGREES
            health[feed] = state
        return health

    def _follow(self, switch: Switch, status: FeedStatus, sink: Sink) -> None:
        """Let the ticks and the faults of another feed follow."""
        self._chosen_ns = self._clock.now_ns()
        at_ns = status.watermark_ns
        for fault in self._feed_faults.get(switch.previous, {}).values():
            sink.put_feed_fault(replace(fault, is_open=False, at_ns=at_ns, detail=""))
        newest = self._standby.newest(switch.feed)
        self._since_ns = 0 if newest is None else int(newest.ts_event_ns[0])
        since_ns = self._since_ns or status.watermark_ns
        self._announce(
            switch.feed, since_ns=since_ns, reason=switch.reason, previous=switch.previous, sink=sink
        )
        sink.put_status(status)
        unused = self._standby.take_unused(switch.feed)
        if unused is not None:
            self._last_tick_ns = int(unused.ts_received_ns[0])
            self._use(unused, sink)
        for fault in self._feed_faults.get(switch.feed, {}).values():
            sink.put_feed_fault(replace(fault, at_ns=at_ns))

    def _use(self, batch: TickBatch, sink: Sink) -> None:
        self._on_used(batch)
        sink.put_ticks(batch)

    def _announce_first(self, since_ns: int, sink: Sink) -> None:
        earlier = self._earlier
        reason = AuthorityReason.FIRST if earlier is None else AuthorityReason.TAKEN_OVER
        self._announce(self.present, since_ns=since_ns, reason=reason, previous=earlier, sink=sink)

    def _announce(
        self, feed: str, *, since_ns: int, reason: AuthorityReason, previous: str | None, sink: Sink
    ) -> None:
        self.is_announced = True
        sink.put_authority(
            FeedAuthority(
                instrument=self.instrument, feed=feed, since_ns=since_ns, reason=reason, previous=previous
            )
        )
        self._metrics.feed_switches.labels(self.instrument, reason).inc()
        tell = log.info if previous is None else log.warning
        tell("feed_chosen", instrument=self.instrument, feed=feed, reason=reason.value, previous=previous)

    def _tell_faults(self, status: FeedStatus, sink: Sink) -> None:
        """Say which faults begin and end."""
        now_ns = self._clock.now_ns()
        open_ns = self._hours.opened_at_ns(now_ns)
        is_late = is_late_open(
            open_ns=open_ns,
            watched_since_ns=self._started_ns,
            last_tick_ns=self._last_tick_ns,
            now_ns=now_ns,
        )
        late = (
            f"no tick since the market opened at {format_rfc3339(open_ns)}" if is_late and open_ns else None
        )
        for kind, detail in (
            (FeedFaultKind.FEEDS_DISAGREE, self._findings.doubt),
            (FeedFaultKind.LATE_OPEN, late),
        ):
            if detail is not None and kind not in self._open_faults:
                self._open_faults[kind] = status.feed
                self._tell_fault(kind, status.feed, detail, status.watermark_ns, sink)
            elif detail is None and kind in self._open_faults:
                self._tell_fault(kind, self._open_faults.pop(kind), None, status.watermark_ns, sink)

    def _tell_fault(self, kind: FeedFaultKind, feed: str, detail: str | None, at_ns: int, sink: Sink) -> None:
        """Say that a fault begins, or, without a detail, that it ends."""
        is_open = detail is not None
        self._metrics.feed_faults.labels(self.instrument, kind).set(is_open)
        log.warning(
            "feed_fault",
            instrument=self.instrument,
            feed=feed,
            fault=kind.value,
            is_open=is_open,
            detail=detail,
        )
        sink.put_feed_fault(
            FeedFault(
                instrument=self.instrument,
                feed=feed,
                fault=kind,
                is_open=is_open,
                at_ns=at_ns,
                detail=detail or "",
            )
        )

    def _count_unused(self, feed: str, count: int) -> None:
        self._metrics.ticks_received.labels(feed).inc(count)
        self._metrics.ticks_standby.labels(feed).inc(count)

    def _publish_metrics(self, statuses: Mapping[str, FeedStatus]) -> None:
        for feed in self._feeds:
            is_chosen = feed == self.present
            self._metrics.feed_authoritative.labels(self.instrument, feed).set(is_chosen)
            self._metrics.feed_disagrees.labels(self.instrument, feed).set(feed in self._findings.odd)
            basis = self._comparison.basis(self.present, feed)
            if basis is not None:
                self._metrics.basis_ratio.labels(self.instrument, feed).set(basis)
            if not is_chosen and feed in statuses:
                is_open = statuses[feed].state in (FeedState.LIVE, FeedState.STALE)
                self._metrics.feed_open.labels(feed, self.instrument).set(is_open)


def _ignore(_: TickBatch) -> None:
    """Look at no tick."""
