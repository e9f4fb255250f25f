"""The simulated market as a feed: the seed determines the sequence, the feed publishes it on time."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.simulated.market import simulate
from services.ingestor.feeds.simulated.scenario import FEED, Scenario, Scheduled, ticks_of
from shared.clock import Clock
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.gold_hours import spot_gold_state
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch


class SimulatedFeed:
    """Publish a scenario in wall time."""

    name = FEED

    def __init__(self, scenario: Scenario, *, calendar: SessionCalendar, clock: Clock) -> None:
        self.instruments = ticks_of(scenario.pairs)
        self._lead = scenario.lead
        # In the constructor, so that a wrong setting is refused before anything is started.
        self._sequence = simulate(scenario, calendar=calendar)
        self._clock = clock
        self._watermark_ns: int | None = None

    def statuses(self) -> Iterable[FeedStatus]:
        """Return the status of each leg that ticks; none before the first tick.

        The sequence is in the order of event time over all legs, so they share one watermark.
        """
        watermark_ns = self._watermark_ns
        if watermark_ns is None:
            return ()
        # The lead has the hours of spot gold; the others trade round the clock.
        lead_state = spot_gold_state(watermark_ns)
        return tuple(
            FeedStatus(
                instrument=instrument,
                feed=FEED,
                state=lead_state if instrument == self._lead else FeedState.LIVE,
                watermark_ns=watermark_ns,
            )
            for instrument in self.instruments
        )

    async def run(self, sink: Sink) -> None:
        """Emit until cancelled."""
        started = self._clock.monotonic()
        previous: Scheduled | None = None
        for scheduled in self._sequence:
            if not _is_at_once(previous, scheduled):
                # Also when the item is late already, so that the sender's task can run.
                await asyncio.sleep(max(0.0, started + scheduled.wall_seconds - self._clock.monotonic()))
            previous = scheduled
            match scheduled.item:
                case QuoteBatch() as quotes:
                    received = np.full(len(quotes.ts_event_ns), self._clock.now_ns(), dtype=np.int64)
                    sink.put_ticks(replace(quotes, ts_received_ns=received))
                case BarBatch(bars=bars, mode=BarsMode.HISTORY):
                    sink.put_bars(bars, is_history=True)
                    continue
                case BarBatch(bars=bars):
                    sink.put_bars(bars, is_history=False)
                case FeedStatus() as status:
                    sink.put_status(status)
            self._watermark_ns = scheduled.event_ns


def _is_at_once(previous: Scheduled | None, scheduled: Scheduled) -> bool:
    """Return whether two bars become known at one instant: no status may come between them."""
    return (
        previous is not None
        and isinstance(previous.item, BarBatch)
        and isinstance(scheduled.item, BarBatch)
        and scheduled.item.mode is BarsMode.LIVE
        and previous.event_ns == scheduled.event_ns
    )
