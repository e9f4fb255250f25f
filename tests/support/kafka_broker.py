"""A real Apache Kafka for the tests that only a real broker can settle.

It is the broker of ``deploy/kafka``, so Java 17 and Maven are needed. Without them there is nothing to run,
and the tests that asked for it are skipped with that reason; with them, a broker that does not
start is an error.

A broker takes seconds to start, so the tests of one process share one. A test that kills its broker, or
gives it other settings, has one of its own.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shared.config import KafkaSettings
from shared.kafka.admin import create_topics

# The second compiler pays off after minutes; these brokers live shorter, and it takes a third of their start.
_JAVA_OPTS = "-Xmx512m -Xms256m -XX:TieredStopAtLevel=1"

_SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka"

# PR_SET_PDEATHSIG follows the *thread* that forked, so one that lives as long as the process has to do it.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-spawner")


class KafkaUnavailable(Exception):
    """Java or Maven is not on this machine, so there is no broker to run."""


class KafkaBroker:
    """One broker that can be killed and started again on the same port and records.

    Parameters
    ----------
    data_dir
        Where the records and the broker's log are kept; created when missing.
    settings
        Broker properties to add, as ``{"group.max.session.timeout.ms": "6000"}``.
    start_timeout_seconds
        How long a start may take; 3 to 6 s is usual, more on a busy machine or after a kill.

    Raises
    ------
    KafkaUnavailable
        If Java or Maven is missing.

    Notes
    -----
    ``start``, ``kill`` and ``stop`` block; inside a running loop call them through ``asyncio.to_thread``.
    The broker dies with the process that started it, however that one ends.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: dict[str, str] | None = None,
        start_timeout_seconds: float = 90.0,
    ) -> None:
        missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
        if missing:
            raise KafkaUnavailable(f"Apache Kafka needs Java 17+ and Maven; missing: {', '.join(missing)}")
        self._data_dir = data_dir
        self._settings = settings or {}
        self._start_timeout_seconds = start_timeout_seconds
        self._port, self._controller_port = _free_ports()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Return the address for clients, ``127.0.0.1:port``; it stays the same over restarts."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Return the broker's process id, or None while it is not running."""
        return self._process.pid if self._process is not None else None

    def start(self) -> Self:
        """Start the broker and return once it answers as its own controller.

        Raises
        ------
        RuntimeError
            If it is already running, ends by itself, or is not ready in time; with the end of its log.
        """
        if self._process is not None:
            raise RuntimeError(f"the broker at {self.bootstrap} is already running")
        self._process = _spawner.submit(self._spawn).result()
        deadline = time.monotonic() + self._start_timeout_seconds
        while not self._is_ready():
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                why = f"ended with code {code}" if code is not None else "was not ready in time"
                self.kill()
                raise RuntimeError(f"Apache Kafka at {self.bootstrap} {why}:\n{self._log_tail()}")
            time.sleep(0.1)
        return self

    def kill(self) -> None:
        """End the broker with SIGKILL, as a power cut would; do nothing when it is not running."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the broker in order, by SIGTERM, and by SIGKILL after 30 s."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        """Start the broker."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        ports = ["--port", str(self._port), "--controller-port", str(self._controller_port)]
        sets = [part for key, value in self._settings.items() for part in ("--set", f"{key}={value}")]
        setpriv = shutil.which("setpriv")  # util-linux; elsewhere only an orderly end stops the broker
        with_us = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        with (self._data_dir / "terminal.log").open("wb") as log:
            return subprocess.Popen(
                [*with_us, str(_SCRIPT), "start", "--data-dir", str(self._data_dir), *ports, *sets],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"KAFKA_JAVA_OPTS": _JAVA_OPTS, **os.environ},
                start_new_session=True,  # Ctrl-C ends the tests first, then they end the broker
            )

    def _is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1.0).close()
        except OSError:
            return False
        with ThreadPoolExecutor(max_workers=1) as own_loop:  # the caller's loop may be running
            return own_loop.submit(asyncio.run, _has_controller(self.bootstrap)).result()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_tail(self) -> str:
        logs = (self._data_dir / name for name in ("terminal.log", "server.log"))
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the Apache Kafka that the tests of this process share.

    Use topics and groups of your own, or one of the fixtures below.
    """
    with broker_or_skip(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap


@pytest.fixture
def empty_kafka(apache_kafka: str) -> str:
    """Return the address of the shared Apache Kafka without any topic; use groups of your own."""
    remove_topics(apache_kafka)
    return apache_kafka


@pytest.fixture
def fresh_kafka(empty_kafka: str) -> str:
    """Return the address of the shared Apache Kafka with every topic, all empty; use groups of your own."""
    asyncio.run(create_topics(KafkaSettings(bootstrap_servers=empty_kafka, partitions=4)))
    return empty_kafka


def broker_or_skip(data_dir: Path, *, settings: dict[str, str] | None = None) -> KafkaBroker:
    """Return a broker that is not started yet, or skip the test where none can run."""
    try:
        return KafkaBroker(data_dir, settings=settings)
    except KafkaUnavailable as error:
        pytest.skip(str(error))


def remove_topics(bootstrap: str) -> None:
    """Remove every topic but Kafka's own, with what groups have committed on it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    deadline = time.monotonic() + 30
    while names := [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]:
        assert time.monotonic() < deadline, f"{names} are still there"
        for removal in admin.delete_topics(names).values():
            # A topic that went since it was listed needs no removal.
            with contextlib.suppress(KafkaException):
                removal.result()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


async def _has_controller(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return len(cluster["brokers"]) == 1 and cluster["controller_id"] >= 0
