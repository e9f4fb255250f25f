"""Each override of Faust's private seams, against the fault it is there for."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver

from services.signals.stream.transport import HardenedConsumer
from tests.integration.signals.stream.harness import (
    MockBroker,
    Recorder,
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
            await until(lambda count=count: len(recorder.records) == count)  # type: ignore[misc]  # bound now
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


async def test_stop_ends_the_thread_when_a_fetch_is_waiting_to_try_again(mock_broker: MockBroker) -> None:
    """The client's stop was cancelled by the fetch: the thread went on, and the worker never ended."""
    before = set(threading.enumerate())
    async with _flowing(mock_broker) as consumer:
        client = consumer._thread._consumer
        asyncio.run_coroutine_threadsafe(_retry_a_fetch(client), consumer._thread.thread_loop)
        await until(lambda: any(task.get_name() == "retry" for task in client._fetcher._pending_tasks))
        connections = list(client._client._conns.values())
        began = time.monotonic()
    assert time.monotonic() - began < 4.0
    await until(lambda: set(threading.enumerate()) <= before)
    assert not any(connection.connected() for connection in connections)


async def test_stop_does_not_wait_for_a_producer_that_no_broker_answers() -> None:
    """The client was closed under the start, which waited for ever."""
    asked = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as silent:
        host, port = silent.sockets[0].getsockname()
        async with running(new_app(f"{host}:{port}", Recorder())):
            await asked.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 4.0


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


async def _retry_a_fetch(client: AIOKafkaConsumer) -> None:
    client._fetcher._pending_tasks.add(asyncio.create_task(asyncio.sleep(60.0), name="retry"))


@asynccontextmanager
async def _flowing(mock_broker: MockBroker) -> AsyncIterator[HardenedConsumer]:
    recorder = Recorder()
    app = new_app(mock_broker.bootstrap, recorder)
    async with running(app):
        await until(lambda: app.consumer._is_flowing() and app.consumer._is_settled)
        consumer: HardenedConsumer = app.consumer
        yield consumer
