"""Several signals workers of one group, each a process of its own, to be killed, joined and parted with."""

import asyncio
import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from convex.demo.processes import Processes
from shared.config import KafkaSettings
from shared.kafka import topics
from shared.kafka.clients import make_admin
from tests.support.paced_feed import PARTITIONS
from tests.support.whole_topic import ends_of


class SignalsFleet:
    """Workers by name; the name is the instance in the group and stays the same over restarts.

    Parameters
    ----------
    bootstrap
        The broker.
    folder
        For logs.
    environ
        Settings of all of them.
    """

    def __init__(self, bootstrap: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._bootstrap = bootstrap
        self._folder = folder
        # The broker may be shared, and a worker that stopped stays in its group for a while.
        self._group = f"signals-{uuid4()}"
        self._environ = {
            "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "CONVEX_SIGNALS_GROUP": self._group,
            **environ,
        }
        self._workers: dict[str, Processes] = {}
        self._begins: dict[str, int] = {}
        self.running: list[str] = []
        self.kills = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in tuple(self.running):
            await self._workers[name].stop()

    async def start(self, name: str) -> None:
        """Start a worker, or start it again."""
        if name not in self._workers:
            logs = self._folder / name
            logs.mkdir()
            self._workers[name] = Processes({**self._environ, "CONVEX_SIGNALS_INSTANCE_ID": name}, logs)
        log = self._log(name)
        self._begins[name] = log.stat().st_size if log.exists() else 0
        await self._workers[name].start("signals")
        self.running.append(name)

    async def kill(self, name: str) -> None:
        """End a worker with SIGKILL."""
        self.kills += 1
        self.running.remove(name)
        await self._workers[name].kill("signals")

    def freeze(self, name: str) -> None:
        """Let a worker stand still, as a machine does whose disk or memory is gone."""
        self._process(name).send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on where it stood."""
        self._process(name).send_signal(signal.SIGCONT)

    async def leave(self, name: str) -> None:
        """Ask a worker to stop and wait until it has."""
        # A process that is not a worker yet would not answer.
        await self.until(lambda: self.owned(name) is not None, what=f"{name} in the group")
        self.running.remove(name)
        await self._workers[name].stop()
        assert self.said(name, "service_stopped"), self.tails()

    def said(self, name: str, *events: str) -> list[dict[str, Any]]:
        """Return what a worker has logged under some names since it was started last."""
        with self._log(name).open("rb") as log:
            log.seek(self._begins[name])
            # The last line may be half written.
            lines = log.read().decode(errors="replace").split("\n")[:-1]
        quoted = tuple(f'"event": "{event}"' for event in events)
        return [json.loads(line) for line in lines if any(event in line for event in quoted)]

    def owned(self, name: str) -> frozenset[int] | None:
        """Return the partitions that a worker took last, also when it has lost them since; None before."""
        taken = self.said(name, "partitions_taken")
        return frozenset(int(partition) for partition in taken[-1]["offsets"]) if taken else None

    def ended_by_themselves(self) -> list[str]:
        """Return the workers that ever crashed or ended although nobody asked them to."""
        self._begins = dict.fromkeys(self._workers, 0)
        return [name for name in self._workers if self.said(name, "process_died", "service_crashed")]

    def _process(self, name: str) -> asyncio.subprocess.Process:
        return self._workers[name]._running["signals"]

    def _log(self, name: str) -> Path:
        return self._folder / name / "signals.log"

    def tails(self) -> str:
        """Return the end of each worker's log."""
        return "\n".join(f"-- {name}\n{worker.tail('signals')}" for name, worker in self._workers.items())

    async def until(self, is_done: Callable[[], bool], *, what: str, timeout_seconds: float = 120.0) -> None:
        """Wait for something that only a log tells.

        Raises
        ------
        AssertionError
            If it does not come, with the end of each log.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while not is_done():  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{what} not seen within {timeout_seconds} s\n{self.tails()}") from None

    async def until_no_lag(self, *, timeout_seconds: float = 300.0) -> None:
        """Wait until the group has acknowledged every record of ``ticks.v1``.

        Raises
        ------
        AssertionError
            If it does not in time, with what is missing.
        """
        for name in self.running:
            await self.until(lambda name=name: self.owned(name) is not None, what=f"{name} in the group")  # type: ignore[misc]  # bound now
        lag: dict[int, int] = {}
        admin = make_admin(KafkaSettings(bootstrap_servers=self._bootstrap))
        await admin.start()
        try:
            ends = await ends_of(self._bootstrap, topics.TICKS.name, partitions=PARTITIONS)
            async with asyncio.timeout(timeout_seconds):
                while True:
                    offsets = await admin.list_consumer_group_offsets(self._group)
                    done = {tp.partition: each.offset for tp, each in offsets.items()}
                    lag = {partition: end - done.get(partition, 0) for partition, end in ends.items()}
                    if not any(lag.values()):
                        return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"still behind after {timeout_seconds} s: {lag}\n{self.tails()}") from None
        finally:
            await admin.close()
