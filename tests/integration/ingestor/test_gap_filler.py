"""Missed trades: one paced request for many gaps, tried again, published once, and told when lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import orjson
from structlog.testing import capture_logs

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.core.missing_trades import MAX_TRIES
from services.ingestor.feeds.streaming.events import Trade
from services.ingestor.feeds.streaming.gap_filler import FillTiming
from services.ingestor.feeds.transport.http_errors import Throttled, Unanswered
from services.ingestor.feeds.transport.rate_limiter import RateLimiter
from shared.clock import SystemClock
from shared.errors import FeedUnavailable
from tests.integration.ingestor.live import TIMING, LiveFeed, planned_feed
from tests.support.fake_feeds.scripted_venue import PRICE, ScriptedVenue

SYMBOL = "PAXG/USD"
_LONG = replace(TIMING, limits=replace(TIMING.limits, ack=5.0, first_data=5.0, idle=30.0))


def _trade(trade_id: int) -> Trade:
    return Trade(ts_event_ns=time.time_ns(), price=PRICE, size=1.0, trade_id=trade_id)


class _Rest:
    """A venue's REST service that allows one call in an interval.

    Parameters
    ----------
    interval_seconds
        A call sooner after the last one is answered with 429.
    fail
        Called before each answer with its number from 1; may raise.
    """

    def __init__(
        self, *, interval_seconds: float = 0.0, fail: Callable[[int], None] = lambda _: None
    ) -> None:
        self._interval_seconds = interval_seconds
        self._fail = fail
        self._free_at = 0.0
        self._limiter = RateLimiter(interval_seconds, clock=SystemClock())
        self.calls: list[Gap] = []
        self.throttled = 0
        self.lost: set[int] = set()

    async def trades_in(self, gap: Gap) -> list[Trade]:
        # What the client of a venue does before each request.
        await self._limiter(httpx.Request("GET", "http://venue.example"))
        now = time.monotonic()
        self.calls.append(gap)
        if now < self._free_at - 0.005:
            self.throttled += 1
            raise Throttled("HTTP 429", retry_after_seconds=0.1)
        self._free_at = now + self._interval_seconds
        self._fail(len(self.calls))
        return [_trade(each) for each in range(gap.after_id + 1, gap.before_id) if each not in self.lost]


class _Slow(_Rest):
    """Answers once it is released."""

    def __init__(self, release: asyncio.Event) -> None:
        super().__init__()
        self._release = release

    async def trades_in(self, gap: Gap) -> list[Trade]:
        await self._release.wait()
        return await super().trades_in(gap)


@asynccontextmanager
async def _running(
    rest: _Rest, *, fill: FillTiming | None = None
) -> AsyncIterator[tuple[LiveFeed, ScriptedVenue]]:
    venue = ScriptedVenue(lambda channel, _: channel.put(f"ack {SYMBOL}"))
    timing = replace(_LONG, fill=fill or TIMING.fill)
    async with planned_feed(
        "test", plan=venue.plan(SYMBOL), symbols=(SYMBOL,), backfill=rest, timing=timing
    ) as feed:
        await feed.until(lambda: bool(venue.channels))
        yield feed, venue


def _send(venue: ScriptedVenue, *trade_ids: int) -> None:
    venue.channels[0].put(*(f"trade {SYMBOL} {trade_id}" for trade_id in trade_ids))


async def test_every_sixth_trade_missing_is_filled_with_few_calls_at_the_venues_pace() -> None:
    """Would have caught: sixty gaps made sixty calls, of which one was let through and 59 were given up."""
    rest = _Rest(interval_seconds=0.25)
    async with _running(rest, fill=FillTiming(collect=0.05)) as (feed, venue):
        for trade_id in range(1, 361):
            if trade_id % 6:
                _send(venue, trade_id)
                await asyncio.sleep(0.005)
        await feed.until(lambda: len(feed.sink.trade_ids()) >= 359)
        await feed.until(lambda: feed.detail().missing_trades == 0)
    # The last one is missed by nobody: no later id shows it.
    assert sorted(map(int, feed.sink.trade_ids())) == list(range(1, 360))
    assert feed.count("trade_gaps_total", outcome="filled") == 59
    assert feed.count("trade_gaps_total", outcome="unfillable") == 0
    assert rest.throttled == 0
    assert len(rest.calls) <= 16
    assert feed.count("missing_trades", instrument=feed.feed.instruments[0]) == 0


async def test_fill_that_fails_is_tried_again_until_it_succeeds() -> None:
    def fail(number: int) -> None:
        if number == 1:
            raise Throttled("HTTP 429", retry_after_seconds=0.3)
        if number == 2:
            raise Unanswered("HTTP 503", reason="server_error")
        if number == 3:
            raise FeedUnavailable("cut off")
        if number == 4:
            raise ZeroDivisionError("a fault of the adapter")

    rest = _Rest(fail=fail)
    fill = FillTiming(collect=0.01, retry_base=0.01, retry_cap=0.02)
    with capture_logs() as logs:
        async with _running(rest, fill=fill) as (feed, venue):
            began = time.monotonic()
            _send(venue, 1, 4)
            await feed.until(lambda: feed.count("trade_gaps_total", outcome="filled") == 1)
    # What the venue asks for is waited for.
    assert time.monotonic() - began >= 0.3
    assert sorted(feed.sink.trade_ids()) == ["1", "2", "3", "4"]
    assert len(rest.calls) == 5
    assert feed.sink.rejected == []
    (failed,) = (each for each in logs if each["event"] == "backfill_failed")
    assert "ZeroDivisionError: a fault of the adapter" in failed["traceback"]


async def test_gap_that_cannot_be_filled_is_counted_told_shown_and_kept_as_a_dead_letter() -> None:
    rest = _Rest()
    rest.lost = {3}
    with capture_logs() as logs:
        async with _running(rest) as (feed, venue):
            _send(venue, 1, 5)
            await feed.until(lambda: feed.count("trade_gaps_total", outcome="unfillable") == 1)
            assert feed.detail().trades_given_up == 1
            assert feed.detail().missing_trades == 0
    assert sorted(feed.sink.trade_ids()) == ["1", "2", "4", "5"]
    assert len(rest.calls) == MAX_TRIES
    ((reason, raw),) = feed.sink.rejected
    assert reason == "trade_gap"
    assert orjson.loads(raw) == {
        "instrument": feed.feed.instruments[0],
        "after_id": 1,
        "before_id": 5,
        "missing": 1,
    }
    (told,) = (each for each in logs if each["event"] == "trade_gap_left_open")
    assert (told["after_id"], told["before_id"], told["missing"]) == (1, 5, 1)
    assert told["why"] == "the venue no longer has them"


async def test_trade_that_comes_late_is_published_once_and_not_asked_for() -> None:
    rest = _Rest()
    async with _running(rest, fill=FillTiming(collect=0.2)) as (feed, venue):
        _send(venue, 1, 4, 2, 3, 3)
        await feed.until(lambda: feed.count("trade_gaps_total", outcome="filled") == 1)
        await asyncio.sleep(0.3)
    assert feed.sink.trade_ids() == ["1", "4", "2", "3"]
    assert rest.calls == []


async def test_trade_that_comes_while_it_is_asked_for_is_published_once() -> None:
    release = asyncio.Event()
    rest = _Slow(release)
    async with _running(rest) as (feed, venue):
        _send(venue, 1, 4)
        await asyncio.sleep(0.1)
        _send(venue, 2)
        await feed.until(lambda: "2" in feed.sink.trade_ids())
        release.set()
        await feed.until(lambda: "3" in feed.sink.trade_ids())
        await asyncio.sleep(0.05)
    assert feed.sink.trade_ids() == ["1", "4", "2", "3"]


async def test_watermark_waits_for_trades_that_are_asked_for_and_goes_on_when_they_are_there() -> None:
    release = asyncio.Event()
    async with _running(_Slow(release)) as (feed, venue):
        _send(venue, 1)
        await feed.until(lambda: feed.sink.trade_ids() == ["1"])
        first_ns = int(feed.sink.batches[0].ts_event_ns[0])
        await asyncio.sleep(0.2)
        _send(venue, 4)
        await feed.until(lambda: "4" in feed.sink.trade_ids())
        await asyncio.sleep(0.3)
        (held,) = feed.feed.statuses()
        assert held.watermark_ns <= first_ns - 2 * 10**9 + 3 * 10**8
        release.set()
        await feed.until(lambda: "3" in feed.sink.trade_ids())
        await asyncio.sleep(0.1)
        (status,) = feed.feed.statuses()
        assert status.watermark_ns > first_ns - 2 * 10**9 + 4 * 10**8


async def test_status_shows_how_many_trades_are_asked_for() -> None:
    release = asyncio.Event()
    async with _running(_Slow(release)) as (feed, venue):
        _send(venue, 1, 4, 9)
        await feed.until(lambda: feed.detail().missing_trades == 6)
        assert feed.count("missing_trades", instrument=feed.feed.instruments[0]) == 6
        release.set()
        await feed.until(lambda: feed.detail().missing_trades == 0)
