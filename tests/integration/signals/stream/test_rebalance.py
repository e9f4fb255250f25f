"""Partitions go and come back, on the embedded broker, in every order that matters."""

import asyncio

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

    async def test_finishes_the_batch_in_flight_then_releases_then_restores(
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
        mock_broker.append(0, 6)
        everything = frozenset({0, 1, 2, 3})
        async with running(app):
            await begun.wait()
            mock_broker.append(0, 4)
            await asyncio.sleep(0.15)  # they wait as the next batch
            await _revoke(app)
            ((_, in_flight),) = recorder.batches
            assert await committed(mock_broker.bootstrap, 0) == in_flight[-1] + 1
            recorder.checkpoint = {0: in_flight[-1] + 1}
            await _assign(app)
            await until(lambda: len(recorder.records) == 10)
        assert recorder.log == [
            ("restore", everything),
            *(("record", (0, offset)) for offset in in_flight),
            ("release", everything),
            ("restore", everything),
            *(("record", (0, offset)) for offset in range(in_flight[-1] + 1, 10)),
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

        def restores() -> int:
            return sum(kind == "restore" for kind, _ in recorder.log)

        recorder.before_record = breathe
        app = new_app(mock_broker.bootstrap, recorder)
        mock_broker.append(0, 4000)
        rounds = 12
        checkpoints = [0]
        async with running(app):
            for round_ in range(rounds):
                applied = len(recorder.records)
                await until(lambda applied=applied: len(recorder.records) > applied + 15)  # type: ignore[misc]  # bound now
                mock_broker.append(0, 20)
                # Now and then between two steps of a handover, too.
                await asyncio.sleep(0.003 * (round_ % 5))
                await _revoke(app)
                # Far back, so that every record that is buffered anywhere would be a jump ahead.
                next_offset = recorder.records[-1][1] + 1
                checkpoints.append(max(0, next_offset - 40 * (round_ % 3)))
                recorder.checkpoint = {0: checkpoints[-1]}
                await _assign(app)
            # The last record is delivered again after the last restore only.
            last = (0, 4000 + 20 * rounds - 1)
            await until(lambda: restores() == rounds + 1 and recorder.records[-1] == last, seconds=60)
        assert restores() == rounds + 1
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
            ((fetched,),) = kept.result().values()
            assert [record.offset for record in fetched] == [0, 1, 2]
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
