"""A record that fails ends the process, and its offset is never committed."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from services.signals.stream.fatal import fatal_on_error
from services.signals.stream.ports import Headers
from tests.integration.signals.stream.harness import GROUP, TOPIC, MockBroker, committed

_ROOT = Path(__file__).parents[4]


async def test_process_ends_with_70_before_the_failing_record_is_acknowledged(
    mock_broker: MockBroker, tmp_path: Path
) -> None:
    mock_broker.append(0, 10)
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.signals.stream.worker"),
        *("--bootstrap", mock_broker.bootstrap, "--topic", TOPIC, "--group", GROUP, "--instance", "w0"),
        *("--dir", str(tmp_path), "--commit-interval", "0.05", "--fail-at", "5", "--record-seconds", "0.1"),
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(30):
        output, _ = await worker.communicate()
    assert worker.returncode == 70, output.decode()
    assert b"record_failed" in output
    assert b"cannot apply offset 5" in output
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if line.startswith("record")] == [f"record w0 0 {o}" for o in range(5)]
    # Applied records were committed at the short interval, the failing one was not.
    assert await committed(mock_broker.bootstrap, 0) == 5


async def _process(partition: int, offset: int, _: bytes | None, __: Headers, ___: float) -> None:
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
    async def test_returns_when_the_record_was_applied(self) -> None:
        deaths: list[str] = []
        await fatal_on_error(_process, die=lambda reason, _=None: deaths.append(reason))(0, 0, None, (), 0.0)
        assert deaths == []

    @pytest.mark.parametrize(("offset", "kind"), [(1, LookupError), (2, asyncio.CancelledError)])
    async def test_never_returns_when_it_was_not(self, offset: int, kind: type[BaseException]) -> None:
        deaths: list[tuple[str, BaseException | None]] = []
        guarded = fatal_on_error(_process, die=lambda reason, error=None: deaths.append((reason, error)))
        task = asyncio.create_task(guarded(0, offset, None, (), 0.0))
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
        task = asyncio.create_task(guarded(0, 3, None, (), 0.0))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert deaths == []
