"""A worker that stands still is ended; one that has nothing to do is left alone."""

import asyncio
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from services.signals.stream.lag import sample_progress
from services.signals.stream.watchdog import ProgressLog, Sample, Stalled, is_stalled, watching
from shared.clock import ManualClock, SystemClock
from tests.integration.signals.stream.harness import MockBroker, Recorder, new_app, running, until

_START = datetime(2025, 11, 28, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("next_offset", "end_offset", "idle", "expected"),
    [
        (None, 9, 60.0, True),
        (None, None, 60.0, True),
        (None, 9, 59.9, False),
        (5, None, 3600.0, False),
        (9, 9, 3600.0, False),
        (10, 9, 3600.0, False),
        (8, 9, 60.0, True),
        (8, 9, 59.9, False),
    ],
)
def test_is_stalled(next_offset: int | None, end_offset: int | None, idle: float, expected: bool) -> None:
    sample = Sample(next_offset=next_offset, end_offset=end_offset)
    assert is_stalled(sample, idle_seconds=idle, limit_seconds=60.0) is expected


class TestProgressLog:
    def test_partition_that_stands_still_with_lag_stalls_after_the_limit(self) -> None:
        progress = ProgressLog(limit_seconds=60.0)
        behind = {0: Sample(next_offset=5, end_offset=9), 1: Sample(next_offset=9, end_offset=9)}
        assert [sorted(progress.stalled(behind, now=now)) for now in (0.0, 30.0, 59.0, 60.0)] == [
            [],
            [],
            [],
            [0],
        ]

    def test_any_progress_starts_the_wait_anew(self) -> None:
        progress = ProgressLog(limit_seconds=60.0)
        for now, next_offset in ((0.0, 5), (50.0, 6), (100.0, 6)):
            assert not progress.stalled({0: Sample(next_offset=next_offset, end_offset=9)}, now=now)
        assert progress.stalled({0: Sample(next_offset=6, end_offset=9)}, now=110.0) == {0}

    def test_first_record_after_a_quiet_night_is_not_late(self) -> None:
        progress = ProgressLog(limit_seconds=60.0)
        progress.stalled({0: Sample(next_offset=5, end_offset=5)}, now=0.0)
        progress.stalled({0: Sample(next_offset=5, end_offset=5)}, now=30_000.0)
        assert not progress.stalled({0: Sample(next_offset=5, end_offset=6)}, now=30_005.0)

    def test_broker_outage_is_not_held_against_the_worker(self) -> None:
        progress = ProgressLog(limit_seconds=60.0)
        progress.stalled({0: Sample(next_offset=5, end_offset=9)}, now=0.0)
        progress.stalled({0: Sample(next_offset=5, end_offset=None)}, now=300.0)
        assert not progress.stalled({0: Sample(next_offset=5, end_offset=9)}, now=305.0)
        assert progress.stalled({0: Sample(next_offset=5, end_offset=9)}, now=360.0) == {0}

    def test_partition_that_went_and_came_back_starts_anew(self) -> None:
        progress = ProgressLog(limit_seconds=60.0)
        behind = {0: Sample(next_offset=5, end_offset=9)}
        progress.stalled(behind, now=0.0)
        progress.stalled({}, now=30.0)
        assert not progress.stalled(behind, now=70.0)


class _Deaths:
    def __init__(self) -> None:
        self.seen: list[tuple[str, BaseException | None, str]] = []

    def __call__(self, reason: str, error: BaseException | None = None) -> None:
        self.seen.append((reason, error, threading.current_thread().name))


async def test_standing_still_with_lag_ends_the_process() -> None:
    clock = ManualClock(_START)
    deaths = _Deaths()

    async def sample() -> Mapping[int, Sample]:
        clock.advance(timedelta(seconds=20))
        return {3: Sample(next_offset=5, end_offset=9)}

    async with watching(sample, clock=clock, die=deaths, limit_seconds=60.0, interval_seconds=0.01):
        await until(lambda: deaths.seen)
    reason, error, _ = deaths.seen[0]
    assert reason == "no_progress"
    assert isinstance(error, Stalled)
    assert "3: Sample(next_offset=5, end_offset=9)" in str(error)


async def test_event_loop_that_does_not_turn_ends_the_process_from_a_thread() -> None:
    deaths = _Deaths()

    async def sample() -> Mapping[int, Sample]:
        return {}

    async with watching(sample, clock=SystemClock(), die=deaths, limit_seconds=0.5, interval_seconds=0.1):
        await asyncio.sleep(0.7)
        assert deaths.seen == []
        time.sleep(1.0)  # noqa: ASYNC251  # this is the fault
        seen = [(reason, thread) for reason, _, thread in deaths.seen]
    assert seen == [("loop_blocked", "loop-guard")]


async def test_watchdog_that_cannot_look_ends_the_process() -> None:
    deaths = _Deaths()

    async def sample() -> Mapping[int, Sample]:
        raise LookupError("no app")

    async with watching(sample, clock=SystemClock(), die=deaths):
        await until(lambda: deaths.seen)
    assert deaths.seen[0][0] == "watchdog_failed"


async def test_worker_whose_record_hangs_is_ended(mock_broker: MockBroker) -> None:
    mock_broker.append(2, 3)
    recorder = Recorder()
    gate = asyncio.Event()

    async def hang(_: int, offset: int) -> None:
        if offset == 3:
            await gate.wait()

    recorder.before_record = hang
    app = new_app(mock_broker.bootstrap, recorder)
    deaths = _Deaths()
    async with running(app):
        await until(lambda: len(recorder.records) == 3)
        mock_broker.append(2, 2)
        async with watching(
            lambda: sample_progress(app),
            clock=SystemClock(),
            die=deaths,
            limit_seconds=1.0,
            interval_seconds=0.1,
        ):
            await until(lambda: deaths.seen)
        gate.set()
    assert "2: Sample(next_offset=3, end_offset=5)" in str(deaths.seen[0][1])
