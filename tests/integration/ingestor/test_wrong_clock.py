"""A feed on a machine whose clock is wrong, jumps or is adjusted; time passes twenty times as fast."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
import pytest
from websockets.asyncio.server import ServerConnection

from services.ingestor.core.connection_health import Limits
from services.ingestor.feeds.venues.kraken.protocol import KrakenProtocol
from shared.domain.instants import NS_PER_SECOND, from_ns
from shared.domain.ticks import FeedFaultKind, FeedState
from tests.integration.ingestor.live import TIMING, LiveFeed, live_feed
from tests.support.fake_feeds.kraken import KrakenFormat
from tests.support.fake_feeds.venue import FakeVenue, send

_FASTER = 20.0
_DAY = 86_400.0
# What the estimate of the venue's time may be ahead while ticks take their time.
_BOUND_NS = 5 * NS_PER_SECOND
_TIMING = replace(
    TIMING,
    limits=Limits(ack=20.0, first_data=20.0, idle=20.0, no_data=600.0),
    stale_after=30.0,
)


class _Clock:
    """A machine's clock that is ``wrong_by`` seconds ahead; the true time is that of the venue."""

    def __init__(self, *, wrong_by: float = 0.0, drift: float = 0.0) -> None:
        self.wrong_by = wrong_by
        self._drift = drift
        self._real, self._started_ns = time.monotonic(), time.time_ns()

    def true_ns(self) -> int:
        return self._started_ns + int((time.monotonic() - self._real) * _FASTER * NS_PER_SECOND)

    def suspend(self, seconds: float) -> None:
        self._started_ns += int(seconds * NS_PER_SECOND)

    def now_ns(self) -> int:
        return self.true_ns() + int(self.wrong_by * NS_PER_SECOND)

    def now(self) -> datetime:
        return from_ns(self.now_ns())

    def monotonic(self) -> float:
        return 5_000.0 + (time.monotonic() - self._real) * _FASTER * (1.0 + self._drift)


class _Venue(FakeVenue):
    """Send a quote of the present every half second."""

    def __init__(self, clock: _Clock, *, is_late: float = 0.0, date_ahead: float = 0.0) -> None:
        super().__init__(date_ahead=date_ahead)
        self._clock = clock
        self._is_late = is_late
        self.sent = 0

    async def converse(self, socket: ServerConnection, number: int) -> None:
        wire = KrakenFormat()
        await send(socket, *wire.greeting())
        for _ in range(2):
            await send(socket, *wire.answer(orjson.loads(await socket.recv()), fault=None))
        while True:
            self.sent += 1
            at_ns = self._clock.true_ns() - int(self._is_late * NS_PER_SECOND)
            frame, _ = wire.tick("PAXG/USD", self.sent % 16, at_ns)
            await send(socket, frame)
            await asyncio.sleep(0.5 / _FASTER)


@dataclass
class _Seen:
    """What a feed reported, once a second."""

    ahead_ns: list[int]
    states: list[FeedState]


@asynccontextmanager
async def _running(venue: _Venue, clock: _Clock) -> AsyncIterator[tuple[LiveFeed, _Seen]]:
    seen = _Seen([], [])

    async def report(feed: LiveFeed) -> None:
        while True:
            for status in feed.feed.statuses():
                seen.ahead_ns.append(status.watermark_ns - clock.true_ns())
                seen.states.append(status.state)
            await asyncio.sleep(1.0 / _FASTER)

    async with (
        venue,
        live_feed(
            "kraken",
            url=venue.url,
            make_protocol=lambda: KrakenProtocol("PAXG/USD"),
            backfill=None,
            timing=_TIMING,
            clock=clock,
        ) as feed,
    ):
        reporting = asyncio.create_task(report(feed))
        try:
            yield feed, seen
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)


async def _pass(seconds: float) -> None:
    await asyncio.sleep(seconds / _FASTER)


@pytest.mark.parametrize("wrong_by", [2 * _DAY, -2 * _DAY, 60.0, -60.0])
async def test_a_clock_that_is_wrong_for_twenty_seconds_moves_no_watermark_and_is_a_fault_until_it_is_right(
    wrong_by: float,
) -> None:
    clock = _Clock()
    venue = _Venue(clock)
    async with _running(venue, clock) as (feed, seen):
        await feed.until(lambda: len(feed.sink.bids()) > 30)
        clock.wrong_by = wrong_by
        await _pass(20.0)
        clock.wrong_by = 0.0
        await feed.until(lambda: len(feed.sink.faults) == 2)
        before = len(feed.sink.bids())
        await feed.until(lambda: len(feed.sink.bids()) > before + 10)
        after = seen.ahead_ns[-1]

    assert max(seen.ahead_ns) < 0
    assert after > -_BOUND_NS
    assert set(seen.states[10:]) == {FeedState.LIVE}
    assert feed.sink.rejected == []
    begin, end = feed.sink.faults
    assert (begin.fault, begin.is_open, end.is_open) == (FeedFaultKind.CLOCK_DISAGREES, True, False)
    assert str(round(abs(wrong_by))) in begin.detail
    assert abs(begin.at_ns - clock.true_ns()) < 60 * NS_PER_SECOND
    # No record says when we received a tick by a clock that cannot be right.
    received = [int(each) for batch in feed.sink.batches for each in batch.ts_received_ns]
    assert max(abs(each - clock.true_ns()) for each in received) < 180 * NS_PER_SECOND


@pytest.mark.parametrize("wrong_by", [2 * _DAY, -2 * _DAY])
async def test_a_clock_that_is_wrong_from_the_start_loses_no_tick_of_a_venue_that_sends_a_date(
    wrong_by: float,
) -> None:
    clock = _Clock(wrong_by=wrong_by)
    async with _running(_Venue(clock), clock) as (feed, seen):
        await feed.until(lambda: len(feed.sink.faults) == 1)

    assert feed.sink.rejected == []
    assert max(each for each in seen.ahead_ns) < _BOUND_NS
    assert seen.states[-1] is FeedState.LIVE


async def test_a_clock_that_steps_back_again_and_again_is_followed_by_nothing() -> None:
    clock = _Clock()
    async with _running(_Venue(clock), clock) as (feed, seen):
        await feed.until(lambda: len(feed.sink.bids()) > 10)
        for step in range(20):
            clock.wrong_by = -3_600.0 if step % 2 else 3_600.0
            await _pass(1.5)
        clock.wrong_by = 0.0
        await _pass(5.0)

    assert max(seen.ahead_ns) < 0
    assert seen.ahead_ns[-1] > -_BOUND_NS
    assert feed.sink.rejected == []


async def test_a_monotonic_clock_that_is_adjusted_stays_within_the_stated_bound() -> None:
    clock = _Clock(drift=500e-6)
    async with _running(_Venue(clock), clock) as (feed, seen):
        await _pass(60.0)

    assert feed.sink.faults == []
    assert max(seen.ahead_ns) < 0
    assert seen.ahead_ns[-1] > -_BOUND_NS


async def test_data_that_is_always_late_is_used_and_said_to_be_late() -> None:
    clock = _Clock()
    async with _running(_Venue(clock, is_late=900.0), clock) as (feed, _):
        await feed.until(lambda: len(feed.sink.faults) == 1)
        count = len(feed.sink.bids())
        await feed.until(lambda: len(feed.sink.bids()) > count + 10)

    assert {reason for reason, _ in feed.sink.rejected} == {"too_old"}
    assert "delayed" in feed.sink.faults[0].detail
    assert abs(clock.true_ns() - feed.sink.faults[0].at_ns - 900 * NS_PER_SECOND) < 60 * NS_PER_SECOND


@pytest.mark.parametrize("date_ahead", [2 * _DAY, -2 * _DAY, 254 * 365 * _DAY])
async def test_a_wrong_date_of_the_handshake_refuses_no_tick_and_moves_no_watermark(
    date_ahead: float,
) -> None:
    clock = _Clock()
    venue = _Venue(clock, date_ahead=date_ahead)
    async with _running(venue, clock) as (feed, seen):
        await feed.until(lambda: len(feed.sink.bids()) > 60)

    assert feed.sink.rejected == []
    assert max(seen.ahead_ns) < 0
    assert seen.ahead_ns[-1] > -_BOUND_NS
    assert feed.sink.faults == []


async def test_after_the_machine_was_suspended_the_first_tick_is_taken_by_the_present_time() -> None:
    clock = _Clock()
    async with _running(_Venue(clock), clock) as (feed, seen):
        await feed.until(lambda: len(feed.sink.bids()) > 20)
        # The monotonic clock stood still for two hours; the wall clock and the venue's did not.
        clock.suspend(7_200.0)
        count = len(feed.sink.bids())
        await feed.until(lambda: len(feed.sink.bids()) > count + 20)
        await _pass(3.0)

    assert feed.sink.rejected == []
    assert feed.sink.faults == []
    assert -_BOUND_NS < seen.ahead_ns[-1] < 0
