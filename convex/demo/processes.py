"""Run each service as in production: in a process of its own, configured by environment variables."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.errors import ConfigError, ServiceError

# The services that read topics, and the one that publishes prices.
SERVICES = ("dashboard", "notifier", "signals")
MARKET = "ingestor"
_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 15.0
# The exit code of a service that refuses its settings or files.
_CONFIGURATION = 2


class ServiceDied(ServiceError):
    """A service of the demo ended by itself."""

    default_reason = "service_died"


class Processes:
    """Every service in its own process, logging to its own file.

    Parameters
    ----------
    environ
        Variables for all of them, on top of the inherited ones.
    logs
        Folder for the log files.
    """

    def __init__(self, environ: Mapping[str, str], logs: Path) -> None:
        # A CONVEX_ variable of the shell would change the demo, and nobody would see why.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CONVEX_")}  # noqa: TID251 - the services' environment is built here
        self._environ = {**inherited, **environ}
        self._logs = logs
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, *services: str) -> None:
        """Start these, in this order; one that was started before gets the same log file."""
        for service in services:
            with (self._logs / f"{service}.log").open("ab") as log:
                self._running[service] = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "convex",
                    service,
                    env=self._environ,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    preexec_fn=_die_with_parent,
                    start_new_session=True,
                )

    async def kill(self, service: str) -> None:
        """Kill a service, as a power failure would."""
        self._running[service].kill()
        await self._running.pop(service).wait()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the services that were started and not killed."""
        return tuple(self._running)

    async def watch(self) -> None:
        """Wait until one of them ends.

        Raises
        ------
        ServiceDied
            When it does, with the end of its log.
        ConfigError
            When it refused its settings or a file.
        """
        ends = {asyncio.create_task(process.wait()): name for name, process in self._running.items()}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        end = done.pop()
        name = ends[end]
        if end.result() == _CONFIGURATION:
            raise ConfigError(self.tail(name).splitlines()[-1].removeprefix("convex: "))
        raise ServiceDied(f"{name} ended; its log ends with:\n{self.tail(name)}")

    async def stop(self) -> None:
        """Ask all of them to stop, and end those that do not."""
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        waits = [asyncio.create_task(process.wait()) for process in self._running.values()]
        if waits:
            await asyncio.wait(waits, timeout=_STOP_SECONDS)
        for process in self._running.values():
            if process.returncode is None:
                process.kill()
                await process.wait()

    def tail(self, name: str) -> str:
        """Return the end of a service's log."""
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])


def _die_with_parent() -> None:
    # Linux: when the demo is killed, its services are killed too.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
