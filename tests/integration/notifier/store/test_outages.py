"""A store that cannot be used says so, keeps nothing by halves, and goes on when it can be used again."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.store import connecting
from services.notifier.store import database as database_module
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.events import StoredEvent
from services.notifier.store.positions import LogPosition, LogPositions
from services.notifier.store.queue import DeliveryQueue
from shared.errors import ConfigError, StoreUnavailable
from tests.support.builders import divergence
from tests.support.postgres import PostgresCluster
from tests.support.stored_events import (
    DELIVERED,
    DESK,
    OPS,
    add,
    added,
    attempt,
    begin,
    execute,
    scalar,
    states,
)

POSITION = LogPosition(topic="divergences.v1", partition=0, offset=8)
ANOTHER = divergence(onset="another", sequence=2)


class Outage:
    """A store with one attempt in flight and one delivery that waits, before, in and after an outage."""

    def __init__(self, database: Database, begun: PendingDelivery, waits: PendingDelivery) -> None:
        self.database = database
        self._queue = DeliveryQueue(database)
        self._begun = begun
        self._waits = waits

    @classmethod
    async def prepare(cls, database: Database) -> "Outage":
        begun, waits = await added(database, divergence(), DESK, OPS)
        await begin(database, begun)
        return cls(database, begun, waits)

    async def check_that_nothing_is_stored(self) -> None:
        """Try everything that writes; each says that the store is away."""
        big = attempt(detail="x" * 300_000)
        with pytest.raises(StoreUnavailable):
            await self._queue.record(
                [AttemptRecord(delivery=self._begun, decision=DELIVERED, attempt=big)], now_ns=9
            )
        assert not self.database.is_reachable
        with pytest.raises(StoreUnavailable):
            await add(self.database, ANOTHER, DESK, OPS, position=POSITION)
        for on_disk in (True, False):
            with pytest.raises(StoreUnavailable):
                await self._queue.begin([self._waits.delivery_id], now_ns=1, on_disk=on_disk)

    async def check_that_it_goes_on(self) -> None:
        """Everything is as it was before, and works."""
        database = self.database
        assert await states(database) == {
            self._begun.delivery_id: "sending",
            self._waits.delivery_id: "pending",
        }
        assert database.is_reachable
        assert await scalar(database, "SELECT count(*) FROM events") == 1
        assert await scalar(database, "SELECT count(*) FROM attempts") == 0
        assert await LogPositions(database).read("divergences.v1") == {}
        result = AttemptRecord(delivery=self._begun, decision=DELIVERED, attempt=attempt())
        (recorded,) = await self._queue.record([result], now_ns=9)
        assert recorded.state == "delivered"
        assert await begin(database, self._waits) == {self._waits.delivery_id}
        stored = await add(database, ANOTHER, DESK, OPS, position=POSITION)
        assert isinstance(stored, StoredEvent)
        assert {each.endpoint_sequence for each in stored.deliveries} == {2}
        assert await LogPositions(database).read("divergences.v1") == {0: 9}
        await database.flush()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: the disk is full."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


async def test_full_disk(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")
    outage = await Outage.prepare(database)
    written = (tmp_path / "store.db-wal").stat().st_size

    with largest_file(written):
        await outage.check_that_nothing_is_stored()
    await outage.check_that_it_goes_on()
    await database.close()


async def test_full_database_file(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")
    outage = await Outage.prepare(database)
    pages = await scalar(database, "PRAGMA page_count")
    await scalar(database, f"PRAGMA max_page_count = {pages}")

    async def fill() -> None:
        for number in range(100):
            await add(database, divergence(onset=str(number), sequence=number), at_ns=number)

    with pytest.raises(StoreUnavailable, match="full"):
        await fill()

    await scalar(database, "PRAGMA max_page_count = 1000000")
    others = "DELETE FROM events WHERE event_id NOT IN (SELECT event_id FROM deliveries)"
    await execute(database, others)
    await outage.check_that_it_goes_on()
    await database.close()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "LOCK_WAIT_MS", 300)


@pytest.mark.usefixtures("short_waits")
async def test_file_that_another_program_has_locked(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")
    outage = await Outage.prepare(database)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    await outage.check_that_nothing_is_stored()
    other.execute("ROLLBACK")
    other.close()
    await outage.check_that_it_goes_on()
    await database.close()


@pytest.mark.usefixtures("short_waits")
async def test_tables_that_another_program_has_locked(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    outage = await Outage.prepare(database)
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE events, deliveries IN ACCESS EXCLUSIVE MODE")

        await outage.check_that_nothing_is_stored()
    await outage.check_that_it_goes_on()
    await database.close()


@pytest.mark.usefixtures("short_waits")
async def test_file_that_is_locked_at_the_start_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.05)
    path = tmp_path / "store.db"
    await (await Database.open(f"sqlite:///{path}")).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with capture_logs() as logs:
        opening = asyncio.create_task(Database.open(f"sqlite:///{path}"))
        for _ in range(1_000):
            if any(line["event"] == "store_busy" for line in logs):
                break
            await asyncio.sleep(0.02)
        other.execute("ROLLBACK")
        other.close()
        database = await opening

    assert database.is_reachable
    await database.close()


async def test_lock_that_is_released_in_time_is_waited_for(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")
    outage = await Outage.prepare(database)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.5, other.rollback)

    await outage.check_that_it_goes_on()
    other.close()
    await database.close()


async def test_file_that_became_read_only(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")
    outage = await Outage.prepare(database)
    await execute(database, "PRAGMA query_only = ON")

    await outage.check_that_nothing_is_stored()

    def allow_writing() -> None:
        assert database._connection is not None
        driver = database._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("PRAGMA query_only = OFF")

    await asyncio.get_running_loop().run_in_executor(database._thread, allow_writing)
    await outage.check_that_it_goes_on()
    await database.close()


async def test_server_that_became_read_only(postgres_url: str) -> None:
    """As after a failover to a server that does not write yet."""
    database = await Database.open(postgres_url)
    outage = await Outage.prepare(database)
    read_only = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
    await execute(database, read_only)

    await outage.check_that_nothing_is_stored()
    write = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"
    await execute(database, write)
    await outage.check_that_it_goes_on()
    await database.close()


async def test_server_that_crashed_has_what_was_flushed(
    postgres_cluster: PostgresCluster, postgres_url: str
) -> None:
    database = await Database.open(postgres_url)
    outage = await Outage.prepare(database)
    await database.flush()

    await asyncio.to_thread(postgres_cluster.stop, mode="immediate")
    try:
        await outage.check_that_nothing_is_stored()
    finally:
        await asyncio.to_thread(postgres_cluster.start)
    await outage.check_that_it_goes_on()
    assert len(database.instances) == 2
    await database.close()


async def test_server_that_hangs_is_given_up(postgres_cluster: PostgresCluster, postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    outage = await Outage.prepare(database)
    await database.flush()
    database._hangs.most_seconds = 0.5

    postgres_cluster.pause()
    try:
        async with asyncio.timeout(30):
            with pytest.raises(StoreUnavailable):
                await begin(database)
    finally:
        postgres_cluster.resume()
    assert not database.is_reachable
    await outage.check_that_it_goes_on()
    await database.close()


async def test_file_that_was_damaged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    await (await Database.open(url)).close()
    whole = (tmp_path / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(whole[:4_096] + b"\xff" * (len(whole) - 4_096))

    async def use() -> None:
        database = await Database.open(url)
        try:
            await added(database, divergence(), DESK)
        finally:
            await database.close()

    with pytest.raises((ConfigError, StoreUnavailable), match=r"malformed|not a database"):
        await use()
