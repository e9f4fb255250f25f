"""A throwaway PostgreSQL for one test session, from Debian's packages, and a fresh database for each test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

ABSENT: Final = "needs PostgreSQL: install the Debian package postgresql"
_SECONDS: Final = 60


class PostgresCluster:
    """A running server with all its data in one folder.

    Parameters
    ----------
    programs
        The folder of ``initdb`` and ``pg_ctl``.
    folder
        Does not exist yet. It belongs to the user ``postgres`` if this process is root's, because the server
        refuses to run as root.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._log = folder / "log"
        self._folder = folder
        self.port: Final = _free_port()
        folder.mkdir(mode=0o700)
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._call(
            "initdb",
            "-D",
            self._data,
            "-U",
            "convex",
            "--auth=scram-sha-256",
            "-E",
            "UTF8",
            *self._password(),
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._call("pg_ctl", "-D", self._data, "-l", self._log, "-w", "-o", options, "start")

    def stop(self, *, mode: str = "fast") -> None:
        """Stop the server; ``immediate`` is a crash, after which it recovers at the next start."""
        self._call("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def pause(self) -> None:
        """Let the whole server hang: it keeps its connections and answers nothing."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://convex:convex@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.Composed, *, database: str = "postgres") -> None:
        """Run one statement as the server's owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _processes(self) -> list[int]:
        server = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return [server, *map(int, children)]

    def _password(self) -> tuple[str, ...]:
        file = self._folder / "password"
        file.write_text("convex")
        file.chmod(0o644)
        return ("--pwfile", str(file))

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command,
            check=False,
            # The server keeps its standard output open for as long as it runs.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            cwd="/",
        )
        if done.returncode:
            log = self._log.read_text() if self._log.exists() else ""
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{log[-2_000:]}")


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's; None if there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """Run a server for the session, or skip where PostgreSQL is not installed."""
    programs = find_programs()
    if programs is None:
        pytest.skip(ABSENT)
    # Not pytest's own folder: the user postgres may not enter it. A socket's path is short.
    parent = Path(tempfile.mkdtemp(prefix="convex-pg-"))
    parent.chmod(0o755)
    cluster = PostgresCluster(programs, parent / "cluster")
    try:
        cluster.start()
        yield cluster
        cluster.stop(mode="immediate")
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """Return the URL of an empty database."""
    name = f"test_{uuid4().hex}"
    postgres_cluster.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield postgres_cluster.url(name)
    postgres_cluster.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
