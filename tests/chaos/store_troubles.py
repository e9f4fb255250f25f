"""Troubles of a store: a disk that is full at times, a server that restarts or loses its connections."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from psycopg import OperationalError, sql

from tests.support.postgres import PostgresCluster

_DISK_BYTES: Final = 48 << 20


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Make a folder a disk of its own, of 48 MB.

    Raises
    ------
    PermissionError
        If this process may not mount.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        raise PermissionError(f"cannot mount: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def fill_and_free(folder: Path, draw: Random) -> None:
    """Fill a disk to its last byte for a while, again and again, until cancelled; then it is free."""
    filler = folder / "filler"
    try:
        while True:
            await asyncio.sleep(draw.uniform(0.3, 2.0))
            _fill(filler, leave=draw.choice((0, 0, 4_096, 40_000)))
            await asyncio.sleep(draw.uniform(0.3, 3.0))
            filler.unlink()
    finally:
        filler.unlink(missing_ok=True)


def _fill(filler: Path, *, leave: int) -> None:
    piece = bytes(65_536)
    with filler.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(piece) == len(piece):
                pass
        if leave:
            os.truncate(filler, max(file.tell() - leave, 0))


async def cut_connections(cluster: PostgresCluster, draw: Random) -> None:
    """End all connections of notifiers, or now and then restart the server, until cancelled."""
    while True:
        await asyncio.sleep(draw.uniform(0.3, 2.5))
        if draw.random() < 0.1:
            # In order: a crash of the server may forget what was committed softly, which webhooks are.
            await asyncio.to_thread(_restart, cluster)
        else:
            await asyncio.to_thread(_cut, cluster)


def _restart(cluster: PostgresCluster) -> None:
    cluster.stop()
    cluster.start()


def _cut(cluster: PostgresCluster) -> None:
    with contextlib.suppress(OperationalError):
        cluster.execute(
            sql.Composed(
                [
                    sql.SQL(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'convex-notifier'"
                    )
                ]
            )
        )
