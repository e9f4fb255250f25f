"""Connect to the database that a URL names, so that no wait in it is endless."""

from contextlib import closing
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from services.notifier.store.dialects import POSTGRESQL, SQLITE
from shared.errors import ConfigError

SETTING: Final = "CONVEX_NOTIFIER_DATABASE_URL"
_EXAMPLES: Final = "sqlite:///notifier.db or postgresql://USER:PASSWORD@HOST/DATABASE"
_POSTGRESQL_DRIVER: Final = "postgresql+psycopg"
LOCK_WAIT_MS = 10_000
_STATEMENT_MS: Final = 30_000
# A server that is gone is noticed within about 15 seconds, also in the middle of a statement.
_POSTGRESQL_ARGUMENTS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "convex-notifier",
}
_POSTGRESQL_SETTINGS: Final = {
    "statement_timeout": str(_STATEMENT_MS),
    "idle_in_transaction_session_timeout": str(_STATEMENT_MS),
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}


def parse_database_url(text: str) -> URL:
    """Return the URL of a database that the store can use.

    Raises
    ------
    ConfigError
        If it names another one. The text may hold a password, so it is not repeated.
    """
    try:
        url = make_url(text)
        dialect = url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise ConfigError(f"{SETTING} is no URL of a database; write for example {_EXAMPLES}") from error
    if dialect.is_async:
        raise ConfigError(
            f"{SETTING}: {shown(url)} names an asynchronous driver; "
            f"write {_EXAMPLES} (the store has a thread of its own)"
        )
    if dialect.name not in (SQLITE, POSTGRESQL):
        raise ConfigError(f"{SETTING}: {shown(url)} is neither SQLite nor PostgreSQL; write {_EXAMPLES}")
    if dialect.name == SQLITE and url.database in (None, "", ":memory:"):
        raise ConfigError(f"{SETTING}: {shown(url)} names no file, so it keeps nothing; write {_EXAMPLES}")
    if dialect.name == POSTGRESQL:
        # The one driver that is installed, whatever the default of SQLAlchemy is.
        return url.set(drivername=_POSTGRESQL_DRIVER)
    return url


def make_engine(url: URL, *, is_reader: bool = False) -> Engine:
    """Return SQLAlchemy's engine for a URL; it connects at its first use.

    Parameters
    ----------
    is_reader
        Its transactions cannot write, and no transaction waits for them.
    """
    if url.get_backend_name() == SQLITE:
        engine = create_engine(url)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_to_read if is_reader else _begin_to_write)
        return engine
    # The URL's own parameters win.
    arguments = {name: value for name, value in _POSTGRESQL_ARGUMENTS.items() if name not in url.query}
    if "options" not in url.query:
        settings = _POSTGRESQL_SETTINGS | {"lock_timeout": str(LOCK_WAIT_MS)}
        if is_reader:
            settings["default_transaction_read_only"] = "on"
        arguments["options"] = " ".join(f"-c {name}={_quoted(text)}" for name, text in settings.items())
    return create_engine(url, connect_args=arguments)


def shown(url: URL) -> str:
    """Return a URL without its password."""
    return url.render_as_string(hide_password=True)


def _quoted(value: str) -> str:
    return value.replace(" ", "\\ ")


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # Without this the driver would begin transactions itself, and such that fail when they first write.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        # First, because the next line may have to wait too.
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Keys are hashes, so every row touches other pages: the default of 2 MB reads them again and again.
        # The cache fills and then stays; what it does not hold is in the system's own cache. 64 MiB stored
        # nothing faster, and took some 8 MiB more for each event to 10,000 receivers until it was full.
        cursor.execute("PRAGMA cache_size = -16384")
        # Copying the log back into the file at every 4 MB would hold up the deliveries too often.
        cursor.execute("PRAGMA wal_autocheckpoint = 8192")


def _begin_to_read(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
