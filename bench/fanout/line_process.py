"""A process of a contestant or a receiver that takes a line as an order and answers with a line of JSON."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import orjson

from bench.processes import clean_environ

_ROOT = Path(__file__).resolve().parents[2]
# A check of the others between two waits for the line.
_WAIT_SECONDS = 0.5


class LineProcess:
    """Run a module for as long as the block lasts.

    Parameters
    ----------
    log
        Where its errors are written.
    """

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        self._arguments = ("-m", module, *arguments)
        self._log = log
        self._process: Process

    async def __aenter__(self) -> Self:
        """Start it."""
        with self._log.open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=_ROOT,
                env=clean_environ(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill it: it has nothing to keep."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def require_running(self) -> None:
        """Raise with the end of its errors when it has ended by itself."""
        if self._process.returncode is not None:
            raise RuntimeError(f"{self._arguments} ended:\n{self._log.read_text()[-3000:]}")

    async def order(self) -> None:
        """Send an empty line, which starts a turn."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()

    async def answer(
        self, *, seconds: float = 60.0, check: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Return the next line, as long as what it depends on is running."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while True:
            check()
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    line = await self._process.stdout.readline()
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self._arguments}: no answer after {seconds:g} s") from None
                continue
            if not line:
                raise RuntimeError(f"{self._arguments} ended:\n{self._log.read_text()[-3000:]}")
            found: dict[str, Any] = orjson.loads(line)
            return found


async def orders() -> asyncio.StreamReader:
    """Return the lines that the process's starter sends; it ends when the starter does."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def send_answer(**fields: object) -> None:
    """Send the process's starter a line."""
    print(orjson.dumps(fields).decode(), flush=True)
