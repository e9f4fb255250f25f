"""Which errors say that the database cannot be used now, and which are about the values at hand."""

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

# https://www.sqlite.org/rescode.html: the file, its disk or its locks, or a table that is missing.
_SQLITE_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_INTERNAL,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_ABORT,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOTADB,
    }
)
_SQLITE_PRIMARY: Final = 0xFF
# A table, a column or a right that is missing: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_SCHEMA: Final = "42"


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database cannot be used now, whatever the values are.

    Locked, full, read-only, damaged, out of reach, or without the tables; the same transaction may succeed
    later. A value that the database cannot keep is another kind: it never succeeds.
    """
    origin = error.orig
    if error.connection_invalidated:
        return True
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", None)
        if code is None:
            return False
        return code & _SQLITE_PRIMARY in _SQLITE_UNAVAILABLE
    if isinstance(origin, psycopg.DataError | psycopg.IntegrityError | psycopg.NotSupportedError):
        return False
    if isinstance(origin, psycopg.ProgrammingError):
        return (origin.sqlstate or "").startswith(_POSTGRESQL_SCHEMA)
    return True


def is_busy(error: DBAPIError) -> bool:
    """Return whether the settings are right and the database only has to be waited for."""
    origin = error.orig
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", None)
        return code is not None and code & _SQLITE_PRIMARY in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return isinstance(origin, psycopg.errors.CannotConnectNow | psycopg.errors.TooManyConnections)


def is_conflict(error: DBAPIError) -> bool:
    """Return whether another notifier's transaction was in the way: repeated at once, it may succeed."""
    return isinstance(error.orig, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def in_one_line(error: BaseException) -> str:
    """Return an error's text without line breaks."""
    return " ".join(str(error).split())
