"""One notifier per SQLite file: a second one would send everything a second time."""

import fcntl
import os
from pathlib import Path
from typing import Self

from services.notifier.store.connecting import SETTING
from shared.errors import ConfigError


class FileLock:
    """A lock beside the database file; the kernel releases it when the process ends, however it ends.

    Use `take`.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> Self:
        """Lock ``<database>.lock``.

        Raises
        ------
        ConfigError
            If another notifier holds it, or the file cannot be made.
        """
        # One lock, whatever symbolic link leads to the file.
        file = database.resolve()
        path = file.with_name(file.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigError(
                f"{SETTING}: {path} cannot be opened: {error.strerror}; "
                "name a file in an existing folder that this user may write"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ConfigError(
                f"{SETTING}: {database} is in use by another notifier; "
                "stop it first, or let both use PostgreSQL"
            ) from error
        return cls(descriptor)

    def release(self) -> None:
        """Unlock; the file stays, because another process may have opened it already."""
        os.close(self._descriptor)
