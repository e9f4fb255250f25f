"""Run one feed of daily bars beside a test, against servers on loopback and without Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.ingestor.core.missing_sessions import AskAgain
from services.ingestor.feeds.daily_bars.feed import DailyBarsFeed
from services.ingestor.feeds.daily_bars.ports import BarSource
from services.ingestor.feeds.venues.tiingo.eod import TiingoEod
from services.ingestor.feeds.venues.yahoo.chart import YahooChart
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import ManualClock
from shared.domain.bars import Bar
from tests.support.fake_feeds.daily import NEW_YORK, Day, FakeTiingo, FakeYahoo
from tests.support.fake_feeds.sink import RecordingSink

INSTRUMENT = "IWM.ARCX"
LAST = "2025-11-26"  # a Wednesday; the next session is the early close of Friday the 28th
NEXT = "2025-11-28"
KEY = "tiingo-secret-key"


def make_days(last: str = LAST, count: int = 620) -> dict[str, Day]:
    """Return days whose closes rise by a cent each."""
    calendar = xnys_calendar()
    end = calendar.index_of(last) + 1
    return {
        session: Day(close=200 + number / 100, adj_close=200 + number / 100)
        for number, session in enumerate(calendar.labels[end - count : end])
    }


def clock_at(text: str) -> ManualClock:
    """Return a clock that stands at a time of New York."""
    return ManualClock(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


class RunningBars:
    def __init__(self, feed: DailyBarsFeed, sink: RecordingSink, registry: CollectorRegistry) -> None:
        self.feed = feed
        self.sink = sink
        self.task = asyncio.create_task(feed.run(sink))
        self._registry = registry

    def count(self, outcome: str) -> float | None:
        return self._registry.get_sample_value(
            "convex_ingestor_bars_received_total", {"instrument": INSTRUMENT, "outcome": outcome}
        )

    def detail(self) -> tuple[str, str]:
        (detail,) = self.feed.details()
        return detail.state, detail.words

    def gauge(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(
            f"convex_ingestor_{name}", {"instrument": INSTRUMENT, **labels}
        )

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running_bars(
    source: BarSource, clock: ManualClock, *, known: tuple[Bar, ...] = (), **more: Any
) -> AsyncIterator[RunningBars]:
    """Run a feed into a sink that remembers.

    Parameters
    ----------
    more
        Further arguments of `DailyBarsFeed`.
    """
    registry = CollectorRegistry()

    async def known_bars() -> tuple[Bar, ...]:
        return known

    feed = DailyBarsFeed(
        source,
        instrument=INSTRUMENT,
        known=known_bars,
        sessions=600,
        calendar=xnys_calendar(),
        uniform=lambda: 0.01,
        metrics=IngestorMetrics(registry, feeds=(source.name,), instruments=(INSTRUMENT,), streams={}),
        clock=clock,
        **{"is_history_only": False, "ask_again": AskAgain(), **more},
    )
    running = RunningBars(feed, RecordingSink(), registry)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


@asynccontextmanager
async def yahoo(days: dict[str, Day]) -> AsyncIterator[tuple[FakeYahoo, YahooChart]]:
    """Serve days as Yahoo does."""
    fake = FakeYahoo(days)
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        yield fake, YahooChart(client, symbol="IWM")


@asynccontextmanager
async def tiingo(days: dict[str, Day], key: str = KEY) -> AsyncIterator[tuple[FakeTiingo, TiingoEod]]:
    """Serve days as Tiingo does."""
    fake = FakeTiingo(days, key=KEY)
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        yield fake, TiingoEod(client, ticker="IWM", token=SecretStr(key))


async def history_of(source: BarSource) -> tuple[Bar, ...]:
    """Return what the feed knows in the morning after ``LAST``."""
    async with running_bars(source, clock_at("2025-11-27T10:00")) as running:
        await running.until(lambda: bool(running.sink.histories))
    return running.sink.histories[0]
