"""The database is opened with one clear complaint or none, and it says when it cannot be used."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from services.notifier.store.database import Database
from services.notifier.store.queue import DeliveryQueue
from shared.errors import ConfigError, StoreUnavailable
from tests.support.builders import divergence
from tests.support.postgres import PostgresCluster
from tests.support.stored_events import DESK, added, begin, scalar, states, waiting


async def complaint_about(url: str) -> str:
    with pytest.raises(ConfigError) as caught:
        await Database.open(url)
    text = str(caught.value)
    assert "\n" not in text
    assert "S3cret" not in text
    return text


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:////nowhere/at/all/store.db", "cannot be opened: No such file or directory"),
        ("notifier.db", "write for example sqlite:///notifier.db"),
        ("oracel://x", "write for example sqlite:///notifier.db"),
        ("", "write for example sqlite:///notifier.db"),
        ("postgresql://convex:S3cret@localhost:port/convex", "write for example sqlite:///notifier.db"),
        ("sqlite+aiosqlite:///notifier.db", "asynchronous driver; write sqlite:///notifier.db"),
        ("postgresql+asyncpg://convex:S3cret@localhost/convex", "asynchronous driver"),
        ("mysql://convex:S3cret@localhost/convex", "neither SQLite nor PostgreSQL"),
        ("sqlite:///:memory:", "keeps nothing"),
        ("sqlite://", "keeps nothing"),
        ("postgresql://convex:S3cret@127.0.0.1:1/convex", "Connection refused"),
        ("postgresql+psycopg2://convex:S3cret@127.0.0.1:1/convex", "Connection refused"),
        ("postgresql://convex:S3cret@127.0.0.1:1/convex?sslmode=never", 'invalid sslmode value: "never"'),
        ("postgresql://convex:S3cret@127.0.0.1:1/convex?nonsense=1", "check host, port"),
        ("postgresql://convex:S3cret@no.such.host.invalid/convex", "check host, port"),
    ],
)
async def test_unusable_url_is_one_clear_error(url: str, complaint: str) -> None:
    text = await complaint_about(url)

    assert text.startswith("CONVEX_NOTIFIER_DATABASE_URL")
    assert complaint in text


async def test_wrong_password_or_database_is_one_clear_error(postgres_cluster: PostgresCluster) -> None:
    wrong = f"postgresql://convex:S3cret@127.0.0.1:{postgres_cluster.port}/postgres"
    unknown = postgres_cluster.url("no_such_database")

    assert "password authentication failed" in await complaint_about(wrong)
    assert 'database "no_such_database" does not exist' in await complaint_about(unknown)


async def test_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("this is not a database" * 100)

    complaint = await complaint_about(f"sqlite:///{tmp_path}/store.db")

    assert "cannot be opened: file is not a database" in complaint


async def test_folder_in_place_of_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()

    assert "cannot be opened" in await complaint_about(f"sqlite:///{tmp_path}/store.db")


async def test_second_notifier_on_one_file_refuses(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    first = await Database.open(url)

    complaint = await complaint_about(url)
    # By another name of the same file, too.
    (tmp_path / "link").symlink_to(tmp_path)
    same = await complaint_about(f"sqlite:///{tmp_path}/link/store.db")
    (tmp_path / "other.db").symlink_to(tmp_path / "store.db")
    same_file = await complaint_about(f"sqlite:///{tmp_path}/other.db")

    for text in (complaint, same, same_file):
        assert "is in use by another notifier; stop it first, or let both use PostgreSQL" in text
    tool = await Database.open(url, is_notifier=False)
    assert await states(tool) == {}
    await tool.close()
    await first.close()
    await (await Database.open(url)).close()


async def test_lock_of_a_killed_notifier_is_free(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    program = (
        "import asyncio, sys\n"
        "from services.notifier.store.database import Database\n"
        "async def main():\n"
        "    await Database.open(sys.argv[1])\n"
        "    print('open', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    assert "is in use by another notifier" in await complaint_about(url)
    process.kill()
    await process.wait()

    await (await Database.open(url)).close()


async def test_commits_are_on_disk_before_they_count_unless_they_are_soft(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/store.db")

    async def synchronous(*, on_disk: bool) -> object:
        return await database.run(
            lambda connection: connection.exec_driver_sql("PRAGMA synchronous").scalar(), on_disk=on_disk
        )

    assert await scalar(database, "PRAGMA journal_mode") == "wal"
    assert await scalar(database, "PRAGMA foreign_keys") == 1
    assert [await synchronous(on_disk=on_disk) for on_disk in (True, False, False, True)] == [2, 1, 1, 2]
    await database.close()


async def test_soft_commit_of_postgresql_does_not_wait_for_its_disk(postgres_url: str) -> None:
    database = await Database.open(postgres_url)

    async def synchronous(*, on_disk: bool) -> object:
        return await database.run(
            lambda connection: connection.exec_driver_sql("SHOW synchronous_commit").scalar(), on_disk=on_disk
        )

    assert [await synchronous(on_disk=on_disk) for on_disk in (True, False, True)] == ["on", "off", "on"]
    await database.close()


async def test_flush_puts_soft_commits_on_the_disk_of_postgresql(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    await added(database, divergence(), DESK)
    behind = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())::bigint"
    written = await scalar(database, "SELECT pg_current_wal_insert_lsn()::text")

    await database.flush()

    flushed = f"SELECT pg_current_wal_flush_lsn() >= '{written}'::pg_lsn"
    assert await scalar(database, flushed) is True, await scalar(database, behind)
    await database.close()


async def test_flushes_of_the_same_moment_share_one(database: Database) -> None:
    runs = 0
    run = database.run

    async def counted(*arguments: object, **options: object) -> object:
        nonlocal runs
        runs += 1
        return await run(*arguments, **options)  # type: ignore[arg-type]  # passed on

    database.run = counted  # type: ignore[method-assign, assignment]  # counts calls

    await asyncio.gather(*(database.flush() for _ in range(20)))

    assert runs == 1
    await database.flush()
    assert runs == 2


async def test_flush_during_another_covers_what_was_committed_in_between(
    database: Database,
) -> None:
    first = asyncio.create_task(database.flush())
    await asyncio.sleep(0)
    await added(database, divergence(), DESK)

    second = asyncio.create_task(database.flush())
    await asyncio.gather(first, second)

    assert await waiting(database) == [("desk", 1)]


async def test_error_about_a_value_is_not_the_store_being_away(database: Database) -> None:
    def insert(number: int) -> object:
        return database.run(
            lambda connection: connection.exec_driver_sql(
                f"INSERT INTO endpoint_sequences (subscription, last) VALUES ('desk', {number})"  # noqa: S608 - numbers of the test
            )
        )

    await insert(1)  # type: ignore[misc]  # defined in the test
    with pytest.raises(IntegrityError):
        await insert(2)  # type: ignore[misc]  # defined in the test

    assert database.is_reachable
    assert await scalar(database, "SELECT last FROM endpoint_sequences") == 1


async def test_store_without_its_tables_says_that_it_is_not_reachable(database: Database) -> None:
    assert database.is_reachable
    await database.run(lambda connection: connection.exec_driver_sql("DROP TABLE receivers"))

    with pytest.raises(StoreUnavailable, match=r"no such table|does not exist"):
        await added(database, divergence(), DESK)

    assert not database.is_reachable
    assert await scalar(database, "SELECT count(*) FROM events") == 0


async def test_error_in_a_transaction_undoes_all_of_it(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)

    def fails(connection: object) -> None:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'gone'")  # type: ignore[attr-defined]  # any
        raise LookupError("in the middle")

    with pytest.raises(LookupError):
        await database.run(fails)

    assert await states(database) == {delivery.delivery_id: "pending"}
    assert await begin(database, delivery) == {delivery.delivery_id}


async def test_cancelled_caller_does_not_stop_its_transaction(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)
    queue = DeliveryQueue(database)
    beginning = asyncio.create_task(queue.begin([delivery.delivery_id], now_ns=1, on_disk=True))
    await asyncio.sleep(0)

    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning

    assert await states(database) == {delivery.delivery_id: "sending"}
