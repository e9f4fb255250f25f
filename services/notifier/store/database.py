"""One database, whose schema is brought up to date at the start, and one thread that uses it.

A transaction is a function that runs entirely in that thread. So the event loop never waits inside a
transaction, transactions run one after the other instead of conflicting, and each needs one switch between
threads rather than one per statement.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from typing import Any, Self, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from shared.errors import ConfigError

T = TypeVar("T")


class Database:
    """Run transactions one after the other, durably.

    Use `open`, which migrates.

    Parameters
    ----------
    engine
        SQLAlchemy's engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._is_reachable = False

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and bring the schema up to date.

        Parameters
        ----------
        url
            Such as ``sqlite:////var/lib/convex/notifier.db`` (four slashes: an absolute path).

        Raises
        ------
        ConfigError
            If the URL names no usable database.
        """
        database = cls(_engine(url))
        try:
            await database.run(_migrate)
        except DatabaseError as error:
            await database.close()
            raise ConfigError(
                f"CONVEX_NOTIFIER_DATABASE_URL: {_shown(url)} cannot be opened: {error.orig}; "
                "name a file in an existing folder that this user may write"
            ) from error
        return database

    @property
    def is_reachable(self) -> bool:
        """Return whether the newest transaction reached the database."""
        return self._is_reachable

    async def run(self, transaction: Callable[[Connection], T]) -> T:
        """Return what a transaction returns, after its commit is on disk.

        An error in it rolls all of it back. A caller that is cancelled does not stop it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, transaction)

    async def close(self) -> None:
        """Finish the transactions that were started and disconnect."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    def _run(self, transaction: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                answer = transaction(connection)
        except OperationalError:
            self._is_reachable = False
            raise
        self._is_reachable = True
        return answer


def _engine(url: str) -> Engine:
    try:
        if make_url(url).get_dialect().is_async:
            raise ConfigError(
                f"CONVEX_NOTIFIER_DATABASE_URL: {_shown(url)} names an asynchronous driver; "
                "write sqlite:///FILE (the store has a thread of its own)"
            )
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"CONVEX_NOTIFIER_DATABASE_URL: {error}; write for example sqlite:///notifier.db"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _make_durable)
    return engine


def _make_durable(connection: Any, _record: Any) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        # With NORMAL a power cut may lose the last commits, and their offsets may be committed already.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.execute("PRAGMA foreign_keys = ON")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("services.notifier.store").joinpath("migrations")))
    # Only one separator is an option at all: there is one folder.
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
