"""Bring the schema of a database up to date."""

from importlib.resources import files
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from services.notifier.store.dialects import POSTGRESQL

# Any constant: two notifiers that start at the same time migrate one after the other.
_LOCK: Final = 3_417_665_208_126_711


def migrate(connection: Connection, *, revision: str = "head") -> None:
    """Apply the migrations that are missing up to a revision, in the transaction of a connection."""
    if connection.dialect.name == POSTGRESQL:
        # Rewriting a large table takes longer than any other transaction may.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    command.upgrade(migrations_of(connection), revision)


def migrations_of(connection: Connection) -> Config:
    """Return Alembic's configuration for a connection."""
    config = Config()
    config.set_main_option("script_location", str(files("services.notifier.store").joinpath("migrations")))
    # Only one separator is an option at all: there is one folder.
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
