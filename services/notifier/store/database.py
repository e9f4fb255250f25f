"""One database, whose schema is brought up to date at the start, and one thread that uses it.

A transaction is a function that runs entirely in that thread. So the event loop never waits inside a
transaction, transactions run one after the other instead of conflicting, and each needs one switch between
threads rather than one per statement.

A *soft* commit returns before the data is on the disk. It survives the end of this process, not yet a power
cut; the next commit that waits for the disk, or `Database.flush`, takes it along.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import structlog
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from services.notifier.store.connecting import SETTING, make_engine, parse_database_url, shown
from services.notifier.store.dialects import Dialect
from services.notifier.store.failures import in_one_line, is_busy, is_conflict, is_unavailable
from services.notifier.store.file_lock import FileLock
from services.notifier.store.hanging import HangingConnections
from services.notifier.store.migrating import migrate
from services.notifier.store.ownership import announce
from shared.errors import ConfigError, StoreUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

# At the start, each time after the driver's own wait of ten seconds.
_BUSY_TRIES: Final = 30
_BUSY_SECONDS: Final = 1.0
# Two notifiers that lock rows of each other: one has to start again, and seldom twice.
_CONFLICT_TRIES: Final = 5
_SOFT_COMMIT: Final = text("SET LOCAL synchronous_commit = off")
# Writes to the log of changes without changing anything, so that the commit waits for the disk.
_MARK: Final = text("SELECT pg_logical_emit_message(true, 'convex', '')")


class Database:
    """Run transactions one after the other.

    Use `open`, which migrates.

    Parameters
    ----------
    url
        As `parse_database_url` returned it.
    is_notifier
        Whether it sends deliveries, and so must be distinguished from others that do.
    is_reader
        Its transactions only read.
    """

    def __init__(self, url: URL, *, is_notifier: bool = True, is_reader: bool = False) -> None:
        self._url = url
        self._engine = make_engine(url, is_reader=is_reader)
        self._is_reader = is_reader
        self._is_notifier = is_notifier
        self.dialect: Final = Dialect(self._engine.dialect.name)
        self.on_reconnect: Callable[[], None] = lambda: None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._lock: FileLock | None = None
        self._connection: Connection | None = None
        self._instances: tuple[str, ...] = ()
        self._is_on_disk = True
        self._is_reachable = False
        self._marks = 0
        self._flush: asyncio.Task[None] | None = None
        self._next_flush: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hangs = HangingConnections()
        if not self.dialect.is_sqlite:
            self._hangs.listen(self._engine)
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, *, is_notifier: bool = True) -> Self:
        """Connect and bring the schema up to date.

        Parameters
        ----------
        url
            Such as ``sqlite:////var/lib/convex/notifier.db`` (four slashes: an absolute path) or
            ``postgresql://user:password@host/database``.
        is_notifier
            False for a tool that looks at the store or leaves a request while a notifier may be running.

        Raises
        ------
        ConfigError
            If the URL names no usable database, or a file that another notifier uses.
        """
        database = cls(parse_database_url(url), is_notifier=is_notifier)
        try:
            await database._start()
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    async def open_reader(cls, url: str) -> Self:
        """Connect to a store that exists, to read it while a notifier writes; neither waits for the other.

        Parameters
        ----------
        url
            As for `open`.

        Raises
        ------
        ConfigError
            If the URL names no usable database.
        """
        database = cls(parse_database_url(url), is_notifier=False, is_reader=True)
        try:
            await database._start()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def instance(self) -> str:
        """Return the name under which this connection owns deliveries; a new connection has a new one."""
        return self._instances[-1]

    @property
    def instances(self) -> tuple[str, ...]:
        """Return the names of all connections of this object; the newest is the last."""
        return self._instances

    @property
    def is_reachable(self) -> bool:
        """Return whether the newest transaction reached the database."""
        return self._is_reachable

    async def run(self, transaction: Callable[[Connection], T], *, on_disk: bool = True) -> T:
        """Return what a transaction returns, after its commit.

        An error in it rolls all of it back. A caller that is cancelled does not stop it.

        Parameters
        ----------
        transaction
            May be called again after a conflict with another notifier.
        on_disk
            Wait until it is on disk. False is a soft commit.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now. Nothing of the transaction is kept, except when the connection
            was lost during the commit: then it is unknown.
        """
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._run, transaction, on_disk)
        return await asyncio.shield(running)

    async def flush(self) -> None:
        """Return when everything that was committed before the call is on disk.

        Calls that come while one is working share the next one.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        if self._next_flush is None:
            self._next_flush = asyncio.create_task(self._flush_after(self._flush))
        await asyncio.shield(self._next_flush)

    async def close(self) -> None:
        """Finish the transactions that were started and disconnect."""
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        await asyncio.to_thread(self._thread.shutdown)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self.dialect.is_sqlite:
            self._watching = asyncio.create_task(self._hangs.watch())
        if self.dialect.is_sqlite and self._is_notifier:
            self._lock = FileLock.take(Path(str(self._url.database)))
        try:
            for tries_left in reversed(range(_BUSY_TRIES)):
                if await self._loop.run_in_executor(self._thread, self._opens, tries_left):
                    break
                await asyncio.sleep(_BUSY_SECONDS)
        except CommandError as error:
            raise ConfigError(
                f"{SETTING}: {shown(self._url)} was written by a newer version: {in_one_line(error)}; "
                "install that version again"
            ) from error
        except DBAPIError as error:
            remedy = (
                "name a file in an existing folder that this user may write"
                if self.dialect.is_sqlite
                else "check host, port, database, user and password"
            )
            why = in_one_line(error.orig or error)
            raise ConfigError(f"{SETTING}: {shown(self._url)} cannot be opened: {why}; {remedy}") from error

    async def _flush_after(self, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        self._flush, self._next_flush = self._next_flush, None
        await self.run(self._mark)

    def _mark(self, connection: Connection) -> None:
        if self.dialect.is_sqlite:
            self._marks += 1
            connection.exec_driver_sql(f"PRAGMA user_version = {self._marks % 2**31}")
        else:
            connection.execute(_MARK)

    def _opens(self, tries_left: int) -> bool:
        """Open; return False if the database is busy and a notifier should wait for it."""
        try:
            self._open()
        except DBAPIError as error:
            if not (tries_left and self._is_notifier and is_busy(error)):
                raise
            log.warning("store_busy", detail=in_one_line(error.orig or error))
            return False
        return True

    def _open(self) -> None:
        if not self._is_reader:
            with self._engine.begin() as connection:
                migrate(connection)
        with self._hangs.watched():
            self._connect()
        self._is_reachable = True

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        self._connection, self._is_on_disk = connection, True
        is_again = bool(self._instances)
        if self.dialect.is_sqlite and is_again:
            # The file's lock was held all the time: it is still the same owner.
            return connection
        instance = secrets.token_hex(16)
        try:
            if self._is_notifier and not self.dialect.is_sqlite:
                with connection.begin():
                    announce(connection, instance)
        except BaseException:
            self._drop(connection)
            raise
        self._instances = (*self._instances, instance)
        if is_again:
            log.warning("store_reconnected", instance=instance)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._reconnected)
        return connection

    def _reconnected(self) -> None:
        self.on_reconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._engine.dispose()

    def _run(self, transaction: Callable[[Connection], T], on_disk: bool) -> T:
        tries = 1
        while True:
            try:
                with self._hangs.watched():
                    answer = self._commit(transaction, on_disk)
            except DBAPIError as error:
                if is_conflict(error) and tries < _CONFLICT_TRIES:
                    tries += 1
                    continue
                if not is_unavailable(error):
                    raise
                self._is_reachable = False
                raise StoreUnavailable(
                    f"the delivery store failed: {in_one_line(error.orig or error)}"
                ) from error
            self._is_reachable = True
            return answer

    def _commit(self, transaction: Callable[[Connection], T], on_disk: bool) -> T:
        connection = self._connection or self._connect()
        try:
            if self.dialect.is_sqlite:
                self._set_synchronous(connection, on_disk)
            with connection.begin():
                if not on_disk and not self.dialect.is_sqlite:
                    connection.execute(_SOFT_COMMIT)
                return transaction(connection)
        except SQLAlchemyError:
            if connection.invalidated or connection.in_transaction():
                self._drop(connection)
            raise

    def _set_synchronous(self, connection: Connection, on_disk: bool) -> None:
        if on_disk is not self._is_on_disk:
            driver: Any = connection.connection.driver_connection
            # With NORMAL a power cut may lose the last commits.
            driver.execute("PRAGMA synchronous = FULL" if on_disk else "PRAGMA synchronous = NORMAL")
            self._is_on_disk = on_disk

    def _drop(self, connection: Connection) -> None:
        """Forget a connection that is of no use; the next transaction makes a new one."""
        self._connection = None
        connection.invalidate()
        connection.close()
