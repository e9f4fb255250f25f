"""What the app delivers, and from where, on the embedded broker."""

import asyncio
import threading
import time
from typing import Any

import pytest

from services.signals.stream.faust_app import run
from services.signals.stream.lag import consumer_lag, sample_progress
from services.signals.stream.start_offsets import CheckpointAheadOfLog
from services.signals.stream.watchdog import Sample
from tests.integration.signals.stream.harness import MockBroker, Recorder, committed, new_app, running, until


async def test_restore_runs_before_the_first_record_and_decides_where_to_start(
    mock_broker: MockBroker,
) -> None:
    for partition in range(4):
        mock_broker.append(partition, 20)
    recorder = Recorder({0: 7, 1: 20, 2: None})
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await until(lambda: len(recorder.records) == 13 + 0 + 20 + 20)
        await asyncio.sleep(0.2)
    assert recorder.log[0] == ("restore", frozenset({0, 1, 2, 3}))
    expected = {0: list(range(7, 20)), 1: [], 2: list(range(20)), 3: list(range(20))}
    assert {p: [o for q, o in recorder.records if q == p] for p in range(4)} == expected
    assert recorder.deaths == []


async def test_record_arrives_as_it_was_written(mock_broker: MockBroker) -> None:
    mock_broker.append_one(2, b'{"v": 1}', [("trace", b"abc")])
    mock_broker.append_one(2, None, [])
    recorder = Recorder()
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await until(lambda: len(recorder.records) == 2)
    assert recorder.values == [
        (b'{"v": 1}', (("trace", b"abc"),), 1_400_000_000_500),
        (None, (), 1_400_000_000_500),
    ]


async def test_checkpoint_beats_the_offset_committed_to_kafka(mock_broker: MockBroker) -> None:
    mock_broker.append(0, 10)
    recorder = Recorder()
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await until(lambda: len(recorder.records) == 10)
    assert await committed(mock_broker.bootstrap, 0) == 10
    again = Recorder({0: 4})
    async with running(new_app(mock_broker.bootstrap, again)):
        await until(lambda: len(again.records) == 6)
        await asyncio.sleep(0.1)
    assert again.records == [(0, offset) for offset in range(4, 10)]


async def test_stop_is_quick_and_commits_what_was_applied(mock_broker: MockBroker) -> None:
    recorder = Recorder()
    async with running(new_app(mock_broker.bootstrap, recorder, commit_interval_seconds=60.0)):
        await until(lambda: recorder.log)
        mock_broker.append(3, 17)
        await until(lambda: len(recorder.records) == 17)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0
    assert await committed(mock_broker.bootstrap, 3) == 17


async def test_stop_finishes_the_batch_in_flight_and_begins_no_other(mock_broker: MockBroker) -> None:
    mock_broker.append(0, 5)
    recorder = Recorder()
    begun = asyncio.Event()

    async def slow(_: int, offset: int) -> None:
        if offset == 2:
            begun.set()
            await asyncio.sleep(0.5)

    recorder.before_record = slow
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await begun.wait()
        mock_broker.append(0, 5)
        await asyncio.sleep(0.2)  # the next batch waits behind the one in flight
    assert recorder.batches[0][0] == 0
    first = recorder.batches[0][1]
    assert recorder.records == [(0, offset) for offset in first]
    assert await committed(mock_broker.bootstrap, 0) == first[-1] + 1


async def test_what_one_fetch_brought_of_a_partition_is_one_batch(mock_broker: MockBroker) -> None:
    """A message for each record costs Faust as much as decoding 500 ticks."""
    for partition in (0, 1):
        mock_broker.append(partition, 400)
    recorder = Recorder()
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await until(lambda: len(recorder.records) == 800)
    assert max(len(offsets) for _, offsets in recorder.batches) > 50
    assert len(recorder.batches) < 40
    for partition in (0, 1):
        delivered = [offset for p, offsets in recorder.batches if p == partition for offset in offsets]
        assert delivered == list(range(400))


async def test_stop_does_not_wait_for_a_restore_that_hangs(mock_broker: MockBroker) -> None:
    recorder = Recorder()
    recorder.before_restore = asyncio.Event().wait
    async with running(new_app(mock_broker.bootstrap, recorder)):
        await until(lambda: recorder.log)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0
    assert recorder.deaths == []


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.01, 0.02, 0.05, 0.5, 1.5])
async def test_stop_while_starting_leaves_no_thread_behind(
    broker_of_slow_joins: MockBroker, seconds: float
) -> None:
    """A thread that is left behind keeps the process from ending."""
    before = set(threading.enumerate())
    began = time.monotonic()
    async with running(new_app(broker_of_slow_joins.bootstrap, Recorder())):
        await asyncio.sleep(seconds)
    # This broker answers a first join after three seconds, and the client cannot leave in the middle of one.
    assert time.monotonic() - began < seconds + 4.0
    await until(lambda: set(threading.enumerate()) <= before)


async def test_restore_that_fails_ends_the_process_before_any_record(mock_broker: MockBroker) -> None:
    mock_broker.append(0, 3)
    recorder = Recorder()
    failure = RuntimeError("state.v1 cannot be read")

    async def fail() -> None:
        raise failure

    recorder.before_restore = fail
    await _run_until_dead(mock_broker, recorder)
    assert recorder.deaths == [("restore_failed", failure)]
    assert recorder.records == []


async def test_checkpoint_above_the_end_of_the_log_ends_the_process(mock_broker: MockBroker) -> None:
    mock_broker.append(1, 3)
    recorder = Recorder({1: 4})
    await _run_until_dead(mock_broker, recorder)
    (reason, error), *others = recorder.deaths
    assert (reason, others) == ("restore_failed", [])
    assert isinstance(error, CheckpointAheadOfLog)
    assert recorder.records == []


async def test_restore_must_answer_for_every_partition(mock_broker: MockBroker) -> None:
    recorder = Recorder()

    async def forgetful(_: frozenset[int]) -> dict[int, int | None]:
        return {0: 0}

    recorder.restore = forgetful  # type: ignore[assignment]  # an answer the recorder never gives
    await _run_until_dead(mock_broker, recorder)
    assert "was [0]" in str(recorder.deaths[0][1])


async def test_lag_counts_what_was_not_applied(mock_broker: MockBroker) -> None:
    mock_broker.append(0, 4)
    recorder = Recorder({1: None})
    gate = asyncio.Event()

    async def hold(_: int, offset: int) -> Any:
        return await gate.wait() if offset == 4 else None

    recorder.before_record = hold
    app = new_app(mock_broker.bootstrap, recorder)
    assert consumer_lag(app) == {}
    assert await sample_progress(app) == {}
    async with running(app):
        await until(lambda: len(recorder.records) == 4)
        mock_broker.append(0, 6)
        await until(lambda: consumer_lag(app).get(0) == 6)
        samples = await sample_progress(app)
        assert samples[0] == Sample(next_offset=4, end_offset=10)
        assert samples[3] == Sample(next_offset=0, end_offset=0)
        gate.set()
        await until(lambda: consumer_lag(app).get(0) == 0)


async def _run_until_dead(mock_broker: MockBroker, recorder: Recorder) -> None:
    stopping = asyncio.Event()
    task = asyncio.create_task(run(new_app(mock_broker.bootstrap, recorder), stopping=stopping))
    # Here the injected ``die`` returns, so Faust crashes with the same error.
    with pytest.raises(type(await _first_death(recorder))):
        await task
    assert not stopping.is_set()


async def _first_death(recorder: Recorder) -> BaseException:
    await until(lambda: recorder.deaths)
    error = recorder.deaths[0][1]
    assert error is not None
    return error
