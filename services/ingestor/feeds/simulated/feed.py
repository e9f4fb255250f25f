"""The made-up market as a feed: its sequence is fixed by the seed, this hands it out on time."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from services.ingestor.core.inbox import Bars
from services.ingestor.core.simulation.market import FEED, Scenario, simulate
from services.ingestor.feeds.ports import Sink
from shared.clock import Clock
from shared.domain.gold_hours import spot_gold_state
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedStatus, QuoteBatch


class SimulatedFeed:
    """Hand out a scenario in wall time."""

    name = FEED

    def __init__(self, scenario: Scenario, *, calendar: SessionCalendar, clock: Clock) -> None:
        self._scenario = scenario
        # Wrong settings are told before anything is started.
        self._sequence = simulate(scenario, calendar=calendar)
        self._clock = clock
        self._watermark_ns: int | None = None

    def statuses(self) -> Iterable[FeedStatus]:
        """Return how far the market has come; nothing before its first tick."""
        if self._watermark_ns is None:
            return ()
        return (
            FeedStatus(
                instrument=self._scenario.pair.lead,
                feed=FEED,
                state=spot_gold_state(self._watermark_ns),
                watermark_ns=self._watermark_ns,
            ),
        )

    async def run(self, sink: Sink) -> None:
        """Emit until cancelled."""
        started = self._clock.monotonic()
        for scheduled in self._sequence:
            # Also when it is late already: the sender needs its turn.
            await asyncio.sleep(max(0.0, started + scheduled.wall_seconds - self._clock.monotonic()))
            match scheduled.item:
                case QuoteBatch() as quotes:
                    received = np.full(len(quotes.ts_event_ns), self._clock.now_ns(), dtype=np.int64)
                    sink.put_ticks(replace(quotes, ts_received_ns=received))
                case Bars(bars=bars, is_history=True):
                    sink.put_bars(bars, is_history=True)
                    continue
                case Bars(bars=bars):
                    sink.put_bars(bars, is_history=False)
                case FeedStatus() as status:
                    sink.put_status(status)
            self._watermark_ns = scheduled.event_ns
