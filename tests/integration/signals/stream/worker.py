"""One worker as a process: checkpoints are files, and all workers append what happens to one log.

A line of the log is one ``write`` to a file opened for appending, so lines of several workers do not mix and
stand in the order in which they happened.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.signals.stream.faust_app import StreamSettings, build_app, run
from shared.kafka.clients import Record


class Worker:
    def __init__(self, options: argparse.Namespace) -> None:
        self._name: str = options.instance
        self._dir = Path(options.dir)
        self._fail_at: int | None = options.fail_at
        self._record_seconds: float = options.record_seconds
        self._log = os.open(self._dir / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def restore(self, partitions: frozenset[int]) -> Mapping[int, int | None]:
        offsets = {partition: self._checkpoint(partition) for partition in partitions}
        for partition, offset in sorted(offsets.items()):
            self._write(f"restore {self._name} {partition} {offset or 0}")
        return offsets

    async def release(self, partitions: frozenset[int]) -> None:
        for partition in sorted(partitions):
            self._write(f"release {self._name} {partition} -")

    async def process(self, partition: int, records: Sequence[Record]) -> None:
        for record in records:
            await self._apply(partition, record.offset)

    async def _apply(self, partition: int, offset: int) -> None:
        await asyncio.sleep(self._record_seconds)
        if offset == self._fail_at:
            raise LookupError(f"cannot apply offset {offset}")
        self._write(f"record {self._name} {partition} {offset}")
        # Here a kill makes the record come again: it was written down, but not checkpointed.
        path = self._dir / f"checkpoint-{partition}"
        temporary = path.with_suffix(f".{self._name}")
        temporary.write_text(str(offset + 1))
        temporary.replace(path)

    def _checkpoint(self, partition: int) -> int | None:
        try:
            return int((self._dir / f"checkpoint-{partition}").read_text())
        except FileNotFoundError:
            return None

    def _write(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())


async def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "topic", "group", "instance", "dir"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--commit-interval", type=float, default=0.5)
    parser.add_argument("--record-seconds", type=float, default=0.0)
    parser.add_argument("--fail-at", type=int)
    options = parser.parse_args()
    worker = Worker(options)
    app = build_app(
        StreamSettings(
            bootstrap_servers=options.bootstrap,
            group=options.group,
            instance_id=options.instance,
            input_topic=options.topic,
            session_timeout_seconds=3.0,
            rebalance_timeout_seconds=6.0,
            commit_interval_seconds=options.commit_interval,
            fetch_max_wait_ms=20,
        ),
        restore=worker.restore,
        release=worker.release,
        process=worker.process,
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await run(app, stopping=stopping)


if __name__ == "__main__":
    asyncio.run(main())
