"""Each override of Faust's private seams, against the fault it is there for."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from services.signals.stream.faust_app import HardenedApp
from services.signals.stream.transport import HardenedConsumer
from tests.integration.signals.stream.harness import (
    TOPIC,
    MockBroker,
    Recorder,
    committed,
    new_app,
    running,
    until,
)


async def test_fetch_wait_is_the_configured_one_and_not_a_second_and_a_half(mock_broker: MockBroker) -> None:
    recorder = Recorder()
    app = new_app(mock_broker.bootstrap, recorder, fetch_max_wait_ms=20)
    async with running(app):
        await until(lambda: recorder.log)
        assert app.consumer._thread._consumer._fetcher._fetch_max_wait_ms == 20
        waits = []
        for count in range(1, 6):
            await asyncio.sleep(0.1)
            began = time.monotonic()
            mock_broker.append(1, 1)
            await until(lambda count=count: len(recorder.records) == count)  # type: ignore[misc]
            waits.append(time.monotonic() - began)
    # The mock holds each fetch for its whole wait: 1.5 s would show in the median.
    assert sorted(waits)[2] < 0.5


async def test_producer_is_idempotent_and_waits_for_all_replicas(mock_broker: MockBroker) -> None:
    recorder = Recorder()
    app = new_app(mock_broker.bootstrap, recorder)
    async with running(app):
        await until(lambda: recorder.log)
        client = app.producer._producer
        assert client._sender._acks == -1
        assert client._txn_manager.producer_id >= 0
        sent = await app.producer.send_and_wait("divergences.v1", b"gold-iwm", b"{}", 0, None, None)
    assert sent.offset == 0


async def test_livelock_detector_does_not_crash_a_consumer_that_has_not_started(
    mock_broker: MockBroker,
) -> None:
    app = new_app(mock_broker.bootstrap, Recorder())
    app.finalize()
    consumer = app.consumer
    with pytest.raises(Exception, match="not yet started"):
        await driver.Consumer.verify_all_partitions_active(consumer)
    await consumer.verify_all_partitions_active()
    await asyncio.get_running_loop().run_in_executor(None, consumer._thread.thread_loop.close)


async def test_full_buffers_do_not_stop_reading_for_a_second(mock_broker: MockBroker) -> None:
    recorder = Recorder()
    app = new_app(mock_broker.bootstrap, recorder)
    async with running(app):
        await until(lambda: app.consumer._is_flowing() and app.consumer._is_settled)
        consumer: HardenedConsumer = app.consumer
        tps = consumer.assignment()
        for tp in tps:
            consumer.on_buffer_full(tp)
        await asyncio.sleep(0.3)
        for tp in tps:
            consumer.on_buffer_drop(tp)
        began = time.monotonic()
        mock_broker.append(0, 1)
        await until(lambda: recorder.records)
    assert time.monotonic() - began < 0.5


class TestWaitFirst:
    async def test_makes_no_task_while_records_flow(self, mock_broker: MockBroker) -> None:
        async with _flowing(mock_broker) as consumer:
            tasks = asyncio.all_tasks()
            seen: list[set[asyncio.Task[Any]]] = []
            await consumer.wait_first(self._note_tasks(seen), consumer.suspend_flow.wait())
            assert seen == [tasks]

    async def test_is_interrupted_when_records_must_not_flow(self, mock_broker: MockBroker) -> None:
        async with _flowing(mock_broker) as consumer:
            consumer.stop_flow()
            async with asyncio.timeout(2.0):
                await consumer.wait_first(asyncio.Event().wait(), consumer.suspend_flow.wait())
            consumer.resume_flow()

    async def test_raises_what_the_callback_raises(self, mock_broker: MockBroker) -> None:
        async def fail() -> None:
            raise LookupError("callback")

        async with _flowing(mock_broker) as consumer:
            with pytest.raises(LookupError, match="callback"):
                await consumer.wait_first(fail(), consumer.suspend_flow.wait())

    @staticmethod
    def _note_tasks(seen: list[set[asyncio.Task[Any]]]) -> Coroutine[Any, Any, None]:
        async def note() -> None:
            seen.append(asyncio.all_tasks())

        return note()


@asynccontextmanager
async def _flowing(mock_broker: MockBroker) -> AsyncIterator[HardenedConsumer]:
    recorder = Recorder()
    app = new_app(mock_broker.bootstrap, recorder)
    async with running(app):
        await until(lambda: app.consumer._is_flowing() and app.consumer._is_settled)
        consumer: HardenedConsumer = app.consumer
        yield consumer


class TestRebalance:
    """The client's rebalance listener is called in the client's thread, as its coordinator does."""

    async def test_commits_what_was_applied_before_partitions_go(self, mock_broker: MockBroker) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder, commit_interval_seconds=60.0)
        async with running(app):
            await until(lambda: recorder.log)
            mock_broker.append(0, 8)
            await until(lambda: len(recorder.records) == 8)
            assert await committed(mock_broker.bootstrap, 0) is None
            await _revoke(app)
            assert await committed(mock_broker.bootstrap, 0) == 8
            recorder.checkpoint = {0: 8}
            await _assign(app)

    async def test_finishes_the_record_in_flight_then_releases_then_restores(
        self, mock_broker: MockBroker
    ) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder)
        begun = asyncio.Event()

        async def slow(_: int, offset: int) -> None:
            if offset == 3 and not begun.is_set():
                begun.set()
                await asyncio.sleep(0.3)

        recorder.before_record = slow
        mock_broker.append(0, 10)
        everything = frozenset({0, 1, 2, 3})
        async with running(app):
            await begun.wait()
            await _revoke(app)
            recorder.checkpoint = {0: 4}
            await _assign(app)
            await until(lambda: len(recorder.records) == 10)
        assert recorder.log == [
            ("restore", everything),
            *(("record", (0, offset)) for offset in range(4)),
            ("release", everything),
            ("restore", everything),
            *(("record", (0, offset)) for offset in range(4, 10)),
        ]

    async def test_revoking_cancels_a_restore_that_is_not_done(self, mock_broker: MockBroker) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder)
        mock_broker.append(0, 5)
        cancelled = asyncio.Event()

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        recorder.before_restore = hang
        async with running(app):
            await until(lambda: recorder.log)
            await _revoke(app)
            assert cancelled.is_set()
            assert [kind for kind, _ in recorder.log] == ["restore", "release"]
            recorder.before_restore = None
            await _assign(app)
            await until(lambda: len(recorder.records) == 5)
        assert [kind for kind, _ in recorder.log] == ["restore", "release", "restore", *["record"] * 5]
        assert recorder.deaths == []

    async def test_record_fetched_before_a_rebalance_is_never_delivered_after_it(
        self, mock_broker: MockBroker
    ) -> None:
        """After each restore the records follow the checkpoint without a gap, whatever was buffered."""
        recorder = Recorder()

        async def breathe(*_: int) -> None:
            await asyncio.sleep(0.0005)

        recorder.before_record = breathe
        app = new_app(mock_broker.bootstrap, recorder)
        mock_broker.append(0, 4000)
        rounds = 12
        checkpoints = [0]
        async with running(app):
            for round_ in range(rounds):
                applied = len(recorder.records)
                await until(lambda applied=applied: len(recorder.records) > applied + 15)  # type: ignore[misc]
                mock_broker.append(0, 20)
                # Now and then between two steps of a handover, too.
                await asyncio.sleep(0.003 * (round_ % 5))
                await _revoke(app)
                # Far back, so that every record that is buffered anywhere would be a jump ahead.
                next_offset = recorder.records[-1][1] + 1
                checkpoints.append(max(0, next_offset - 40 * (round_ % 3)))
                recorder.checkpoint = {0: checkpoints[-1]}
                await _assign(app)
            await until(lambda: len(recorder.records) > 700)
        assert sum(kind == "restore" for kind, _ in recorder.log) == rounds + 1
        _assert_contiguous_from_each_checkpoint(recorder, checkpoints)
        assert recorder.deaths == []

    async def test_flow_does_not_resume_in_the_middle_of_a_handover(self, mock_broker: MockBroker) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder)
        async with running(app):
            await until(lambda: recorder.log and app.consumer._is_settled)
            await _revoke(app)
            # What Faust's recovery does when it was about to resume as the revocation came.
            app.flow_control.resume()
            app.consumer.resume_flow()
            assert not app.consumer.flow_active
            assert not app.flow_control.is_active()
            await _assign(app)
            await until(lambda: app.consumer.flow_active and app.flow_control.is_active())

    async def test_records_of_a_fetch_that_a_revocation_overtook_are_dropped(
        self, mock_broker: MockBroker
    ) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder)
        async with running(app):
            await until(lambda: recorder.log and app.consumer._is_settled)
            consumer: HardenedConsumer = app.consumer
            await app._fetcher.stop()
            await asyncio.sleep(0.4)  # its last fetch goes on in the client's thread
            tps = consumer.assignment()
            mock_broker.append(0, 3)
            kept = asyncio.create_task(consumer._getmany(tps, 2.0))
            await until(kept.done)
            assert [record.offset for records in kept.result().values() for record in records] == [0, 1, 2]
            mock_broker.append(0, 3)
            dropped = asyncio.create_task(consumer._getmany(tps, 2.0))
            await asyncio.sleep(0)
            consumer._epoch += 1
            assert await dropped == {}

    async def test_fetch_that_was_under_way_when_the_consumer_sought_is_dropped(
        self, mock_broker: MockBroker
    ) -> None:
        recorder = Recorder()
        app = new_app(mock_broker.bootstrap, recorder)
        async with running(app):
            await until(lambda: recorder.log)
            consumer: HardenedConsumer = app.consumer
            await asyncio.sleep(0.1)
            assert consumer._fetching.locked()  # the fetcher waits for records, as it always does
            seek = asyncio.create_task(consumer.start_at({0: 0}))
            await asyncio.sleep(0)
            mock_broker.append(0, 6)
            await seek
            app.flow_control.resume()
            consumer.resume_flow()
            await until(lambda: len(recorder.records) == 6)
        assert recorder.records == [(0, offset) for offset in range(6)]


async def _revoke(app: HardenedApp) -> None:
    await _in_client_thread(app, "on_partitions_revoked")


async def _assign(app: HardenedApp) -> None:
    await _in_client_thread(app, "on_partitions_assigned")


async def _in_client_thread(app: HardenedApp, method: str) -> None:
    thread = app.consumer._thread
    tps = {TP(TOPIC, partition) for partition in range(4)}

    async def call() -> None:
        await getattr(thread._rebalance_listener, method)(tps)

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), thread.thread_loop))


def _assert_contiguous_from_each_checkpoint(recorder: Recorder, checkpoints: list[int]) -> None:
    starts = iter(checkpoints)
    expected = 0
    for kind, what in recorder.log:
        if kind == "restore":
            expected = next(starts)
        elif kind == "record":
            assert what == (0, expected)
            expected += 1
