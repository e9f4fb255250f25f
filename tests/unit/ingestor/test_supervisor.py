"""The end of one feed, however it comes, is not the end of the process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.ingestor.feeds.ports import Feed, FeedDetail, Sink
from services.ingestor.feeds.transport.secrets import REMOVED, Redactor
from services.ingestor.metrics import IngestorMetrics
from services.ingestor.supervisor import Supervisor
from shared.clock import SystemClock
from shared.domain.ticks import FeedState, FeedStatus
from shared.errors import ConfigError, FeedRefused
from tests.support.fake_feeds.sink import RecordingSink


class _Sink(RecordingSink):
    def __init__(self) -> None:
        super().__init__()
        self._closed = asyncio.Event()

    async def run(self) -> None:
        await self._closed.wait()

    def close(self) -> None:
        self._closed.set()

    def drop(self) -> None:
        raise AssertionError


class _Feed:
    """Fail as told, once for each run, and then run for ever."""

    def __init__(self, name: str, *failures: Exception, status_error: Exception | None = None) -> None:
        self.name = name
        self.instruments: tuple[str, ...] = (f"PAXG/USD.{name.upper()}",)
        self.runs = 0
        self._failures = list(failures)
        self._status_error = status_error

    async def run(self, sink: Sink) -> None:
        assert sink is not None
        self.runs += 1
        if self._failures:
            raise self._failures.pop(0)
        await asyncio.Event().wait()

    def statuses(self) -> Iterable[FeedStatus]:
        if self._status_error is not None:
            raise self._status_error
        return (
            FeedStatus(instrument=self.instruments[0], feed=self.name, state=FeedState.LIVE, watermark_ns=1),
        )

    def details(self) -> Iterable[FeedDetail]:
        return (
            FeedDetail(
                feed=self.name, instrument=self.instruments[0], state="live", since_ns=10**18, words="well"
            ),
        )


class _Running:
    def __init__(self, supervisor: Supervisor, sink: _Sink, registry: CollectorRegistry) -> None:
        self.supervisor = supervisor
        self.sink = sink
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(supervisor.run(self.stop))
        self._registry = registry

    def restarts(self, feed: str) -> float | None:
        return self._registry.get_sample_value("convex_ingestor_feed_restarts_total", {"feed": feed})

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _running(*feeds: Feed, is_live: bool = True) -> AsyncIterator[_Running]:
    async def make_feeds(_: AsyncExitStack) -> Sequence[Feed]:
        return feeds

    registry, sink = CollectorRegistry(), _Sink()
    names = tuple(feed.name for feed in feeds)
    supervisor = Supervisor(
        make_feeds,
        sink,
        lease=None,
        status_interval_seconds=0.01,
        flush_timeout_seconds=1.0,
        is_live=is_live,
        uniform=lambda: 0.01,
        redactor=Redactor(["key-12345"]),
        metrics=IngestorMetrics(registry, feeds=names, instruments=(), streams={}),
        clock=SystemClock(),
    )
    running = _Running(supervisor, sink, registry)
    try:
        yield running
    finally:
        running.stop.set()
        await asyncio.gather(running.task, return_exceptions=True)


async def test_feed_that_fails_is_started_again_and_the_other_never_notices() -> None:
    """Would have caught: one OverflowError in one feed ended the process, and with it every feed."""
    bad, good = _Feed("bad", OverflowError("key-12345"), KeyError("x"), FloatingPointError()), _Feed("good")
    with capture_logs() as logs:
        async with _running(bad, good) as running:
            await running.until(lambda: bad.runs == 4)
            await asyncio.sleep(0.05)
            assert (bad.runs, good.runs) == (4, 1)
            assert (running.restarts("bad"), running.restarts("good")) == (3, 0)
            assert not running.task.done()
    failed = [each for each in logs if each["event"] == "feed_failed"]
    assert [each["feed"] for each in failed] == ["bad"] * 3
    assert f"OverflowError: {REMOVED}" in failed[0]["traceback"]
    assert "key-12345" not in repr(logs)


async def test_status_that_goes_on_failing_is_logged_once_for_each_kind_of_fault_and_counted_each_time() -> (
    None
):
    """Would have caught: a traceback each second, without end, in the log of a feed with one fault."""
    bad = _Feed("bad", status_error=KeyError("x"))
    worse = _Feed("worse", status_error=KeyError("x"))
    with capture_logs() as logs:
        async with _running(bad, worse) as running:
            await running.until(lambda: (running.restarts("bad") or 0) >= 5)
            bad._status_error = ZeroDivisionError()
            await running.until(lambda: (running.restarts("bad") or 0) >= 10)
    logged = [each["feed"] for each in logs if each["event"] == "status_failed"]
    assert sorted(logged) == ["bad", "bad", "worse"]


async def test_wrong_setting_ends_the_process_at_the_start_and_not_later() -> None:
    async with _running(_Feed("bad", ConfigError("no such file"))) as running:
        with pytest.raises(ConfigError, match="no such file"):
            await asyncio.wait_for(running.task, 5)
    later = _Feed("bad", OverflowError(), ConfigError("no such file"))
    async with _running(later) as running:
        await running.until(lambda: later.runs == 3)
        assert not running.task.done()


async def test_fault_of_a_recording_ends_the_process() -> None:
    """Played again from its beginning it would publish everything twice."""
    async with _running(_Feed("replay", OverflowError("row 7")), is_live=False) as running:
        with pytest.raises(OverflowError, match="row 7"):
            await asyncio.wait_for(running.task, 5)


async def test_feed_that_is_refused_waits_for_an_hour_and_the_others_go_on() -> None:
    refused, good = _Feed("bad", FeedRefused("bad key")), _Feed("good")
    with capture_logs() as logs:
        async with _running(refused, good) as running:
            await running.until(lambda: running.restarts("bad") == 1)
            await asyncio.sleep(0.05)
            assert (refused.runs, good.runs) == (1, 1)
    (entry,) = (each for each in logs if each["event"] == "feed_refused")
    assert (entry["words"], entry["asked_again_in_seconds"]) == ("bad key", 3600.0)


async def test_status_that_fails_does_not_stop_the_time_of_the_others() -> None:
    bad, good = _Feed("bad", status_error=OverflowError("year 0001")), _Feed("good")
    async with _running(bad, good) as running:
        await running.until(lambda: len(running.sink.statuses) >= 3)
        assert (running.restarts("bad") or 0) >= 2
    assert {status.feed for status in running.sink.statuses} == {"good"}


async def test_condition_of_each_feed_is_shown_with_its_time_as_text() -> None:
    async with _running(_Feed("good")) as running:
        await running.until(lambda: bool(running.sink.statuses))
        (detail,) = running.supervisor.feed_details()
    assert detail["instrument"] == "PAXG/USD.GOOD"
    assert (detail["state"], detail["words"]) == ("live", "well")
    assert detail["since"] == "2001-09-09T01:46:40.000000Z"
    assert "since_ns" not in detail
