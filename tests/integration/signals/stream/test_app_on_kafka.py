"""What only a real broker settles: two workers, a join, a leave, a kill; a log whose beginning is gone."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from structlog.testing import capture_logs

from tests.integration.signals.stream.harness import Recorder, committed, new_app, running, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

_ROOT = Path(__file__).parents[4]
_PARTITIONS = 4


@pytest.fixture
async def topic(apache_kafka: str) -> str:
    name = f"ticks-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=apache_kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, _PARTITIONS, 1)])
    finally:
        await admin.close()
    return name


async def test_log_that_begins_after_the_checkpoint_is_read_from_its_beginning_and_reported(
    apache_kafka: str, topic: str
) -> None:
    await _append(apache_kafka, topic, 20)
    admin = AIOKafkaAdminClient(bootstrap_servers=apache_kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(12)})
    await admin.close()
    recorder = Recorder({0: 5, 1: 18})
    app = new_app(apache_kafka, recorder, input_topic=topic, group=topic)
    with capture_logs() as logs:
        async with running(app):
            await until(lambda: len(recorder.records) == 8 + 2 + 20 + 20)
    assert [offset for partition, offset in recorder.records if partition == 0] == list(range(12, 20))
    assert [offset for partition, offset in recorder.records if partition == 1] == [18, 19]
    assert [line for line in logs if line["event"] == "checkpoint_below_log"] == [
        {"event": "checkpoint_below_log", "log_level": "error", "partition": 0, "wanted": 5, "actual": 12}
    ]


async def test_rebalance_commits_what_was_applied_before_partitions_move(
    apache_kafka: str, topic: str, tmp_path: Path
) -> None:
    await _append(apache_kafka, topic, 10)
    workers = _Workers(apache_kafka, topic, tmp_path, commit_interval=60.0)
    async with workers:
        await workers.start("w0")
        await until(lambda: len(workers.lines("record")) == 40, 30)
        assert await committed(apache_kafka, 0, topic=topic, group=topic) is None
        await workers.start("w1")
        await until(lambda: workers.owner_count() == 2, 30)
        for partition in range(_PARTITIONS):
            assert await committed(apache_kafka, partition, topic=topic, group=topic) == 10


@pytest.mark.chaos
async def test_join_leave_and_kill_lose_nothing_and_keep_order(
    apache_kafka: str, topic: str, tmp_path: Path
) -> None:
    workers = _Workers(apache_kafka, topic, tmp_path)
    async with workers, _appending(apache_kafka, topic) as appended:
        await workers.start("w0")
        await until(lambda: workers.owner_count() == 1 and len(workers.lines("record")) > 50, 30)

        await workers.start("w1")
        await until(lambda: workers.owner_count() == 2, 30)
        await workers.progress()

        assert await workers.stop("w1") < 2.0
        await until(lambda: set(workers.owners().values()) == {"w0"}, 30)
        await workers.progress()

        await workers.start("w1")
        await until(lambda: workers.owner_count() == 2, 30)
        await workers.progress()

        workers.kill("w0")
        await until(lambda: set(workers.owners().values()) == {"w1"}, 30)
        await workers.progress()

        appended.stop()
        await appended.stopped.wait()
        ends = appended.ends
        await until(lambda: workers.applied_ends() == ends, 30)
        assert await workers.stop("w1") < 2.0

    for partition in range(_PARTITIONS):
        _assert_follows_checkpoints(workers.history(partition))
        offsets = {int(offset) for kind, _, offset in workers.history(partition) if kind == "record"}
        assert offsets == set(range(ends[partition]))
        assert await committed(apache_kafka, partition, topic=topic, group=topic) == ends[partition]


def _assert_follows_checkpoints(history: list[tuple[str, str, str]]) -> None:
    """Hold a partition's history against the promise.

    Only the worker that restored last applies records, without a gap, from its checkpoint on; a checkpoint is
    at most one record behind what was applied.
    """
    owner, expected, applied = "", 0, 0
    for kind, worker, offset in history:
        if kind == "restore":
            owner, expected = worker, int(offset)
            assert applied - 1 <= expected <= applied
        elif kind == "release":
            owner = "" if worker == owner else owner
        else:
            assert (worker, int(offset)) == (owner, expected)
            expected += 1
            applied = max(applied, expected)


class _Workers:
    def __init__(self, bootstrap: str, topic: str, directory: Path, *, commit_interval: float = 0.5) -> None:
        self._arguments = [
            *("--bootstrap", bootstrap, "--topic", topic, "--group", topic, "--dir", str(directory)),
            *("--commit-interval", str(commit_interval)),
        ]
        self._log = directory / "log"
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        for worker in self._running.values():
            worker.kill()
            await worker.wait()

    async def start(self, name: str) -> None:
        self._running[name] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.signals.stream.worker", *self._arguments),
            *("--instance", name),
            cwd=_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def stop(self, name: str) -> float:
        worker = self._running.pop(name)
        began = time.monotonic()
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        return time.monotonic() - began

    def kill(self, name: str) -> None:
        worker = self._running.pop(name)
        os.kill(worker.pid, signal.SIGKILL)

    def lines(self, kind: str) -> list[list[str]]:
        if not self._log.exists():
            return []
        rows = [line.split() for line in self._log.read_text().splitlines()]
        return [row for row in rows if row[0] == kind]

    def history(self, partition: int) -> list[tuple[str, str, str]]:
        rows = [line.split() for line in self._log.read_text().splitlines()]
        return [(kind, worker, offset) for kind, worker, p, offset in rows if int(p) == partition]

    def owners(self) -> dict[int, str]:
        return {int(partition): worker for _, worker, partition, _ in self.lines("restore")}

    def owner_count(self) -> int:
        owners = self.owners()
        return len(set(owners.values())) if len(owners) == _PARTITIONS else 0

    def applied_ends(self) -> dict[int, int]:
        ends = dict.fromkeys(range(_PARTITIONS), 0)
        for _, _, partition, offset in self.lines("record"):
            ends[int(partition)] = max(ends[int(partition)], int(offset) + 1)
        return ends

    async def progress(self) -> None:
        before = self.applied_ends()
        await until(lambda: all(end > before[p] + 10 for p, end in self.applied_ends().items()), 30)


class _Appended:
    def __init__(self) -> None:
        self.ends = dict.fromkeys(range(_PARTITIONS), 0)
        self.stopped = asyncio.Event()
        self.is_stopping = False

    def stop(self) -> None:
        self.is_stopping = True


@asynccontextmanager
async def _appending(bootstrap: str, topic: str) -> AsyncIterator[_Appended]:
    appended = _Appended()

    async def append() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
        await producer.start()
        try:
            while not appended.is_stopping:
                for partition in range(_PARTITIONS):
                    sent = await producer.send_and_wait(topic, b"tick", partition=partition)
                    appended.ends[partition] = sent.offset + 1
                await asyncio.sleep(0.01)
        finally:
            await producer.stop()
            appended.stopped.set()

    task = asyncio.create_task(append())
    try:
        yield appended
    finally:
        appended.stop()
        await task


async def _append(bootstrap: str, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for partition in range(_PARTITIONS):
            for _ in range(count):
                await producer.send_and_wait(topic, b"tick", partition=partition)
    finally:
        await producer.stop()
