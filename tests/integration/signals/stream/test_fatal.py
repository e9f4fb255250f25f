"""A record that fails ends the process, and its offset is never committed."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.signals.stream.fatal import fatal_on_error
from shared.kafka.clients import Record
from tests.integration.signals.stream.harness import GROUP, TOPIC, MockBroker, committed, until
from tests.support.log_records import LogRecord

_ROOT = Path(__file__).parents[4]


async def test_process_ends_with_70_before_the_failing_record_is_acknowledged(
    mock_broker: MockBroker, tmp_path: Path
) -> None:
    mock_broker.append(0, 4)
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.signals.stream.worker"),
        *("--bootstrap", mock_broker.bootstrap, "--topic", TOPIC, "--group", GROUP, "--instance", "w0"),
        *("--dir", str(tmp_path), "--commit-interval", "0.05", "--fail-at", "5", "--record-seconds", "0.1"),
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    applied = tmp_path / "checkpoint-0"
    await until(lambda: applied.exists() and applied.read_text() == "4", 30)
    # A batch of its own in which the failing record is neither the first nor the last.
    mock_broker.append(0, 6)
    async with asyncio.timeout(30):
        output, _ = await worker.communicate()
    assert worker.returncode == 70, output.decode()
    assert b"record_failed" in output
    assert b"cannot apply offset 5" in output
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if line.startswith("record")] == [f"record w0 0 {o}" for o in range(5)]
    # The batch before was committed at the short interval, the failing one was not, up to no record of it.
    assert await committed(mock_broker.bootstrap, 0) == 4


async def _process(_: int, records: Sequence[Record]) -> None:
    offset = records[-1].offset
    if offset == 1:
        raise LookupError("offset 1")
    if offset == 2:
        # A future that someone else cancelled: no one asked this task to stop.
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
    if offset == 3:
        await asyncio.Event().wait()


class TestFatalOnError:
    async def test_returns_when_the_batch_was_applied(self) -> None:
        deaths: list[str] = []
        await fatal_on_error(_process, die=lambda reason, _=None: deaths.append(reason))(
            0, [LogRecord(0, None)]
        )
        assert deaths == []

    @pytest.mark.parametrize(("offset", "kind"), [(1, LookupError), (2, asyncio.CancelledError)])
    async def test_never_returns_when_it_was_not(self, offset: int, kind: type[BaseException]) -> None:
        deaths: list[tuple[str, BaseException | None]] = []
        guarded = fatal_on_error(_process, die=lambda reason, error=None: deaths.append((reason, error)))
        task = asyncio.create_task(guarded(0, [LogRecord(offset, None)]))
        await asyncio.sleep(0.05)
        assert not task.done()
        ((reason, error),) = deaths
        assert reason == "record_failed"
        assert isinstance(error, kind)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_being_stopped_is_not_an_error(self) -> None:
        deaths: list[str] = []
        guarded = fatal_on_error(_process, die=lambda reason, _=None: deaths.append(reason))
        task = asyncio.create_task(guarded(0, [LogRecord(3, None)]))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert deaths == []
