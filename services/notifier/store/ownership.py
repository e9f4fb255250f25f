"""Which notifiers that share a PostgreSQL are alive.

A notifier holds an advisory lock for as long as it is connected, and PostgreSQL releases it when the
connection ends. So an owner whose lock can be taken is dead, and what it left may be taken over.
"""

import hashlib

from sqlalchemy import Connection, text

_HOLD = text("SELECT pg_advisory_lock(:key)")
_ENTER = text("INSERT INTO notifiers (instance) VALUES (:instance)")
_OTHERS = text("SELECT instance FROM notifiers")
_TRY = text("SELECT pg_try_advisory_xact_lock(:key)")


def announce(connection: Connection, instance: str) -> None:
    """Hold the lock of an instance from now on, and list it."""
    connection.execute(_HOLD, {"key": lock_key(instance)})
    connection.execute(_ENTER, {"instance": instance})


def dead_owners(connection: Connection, *, alive: frozenset[str]) -> tuple[str, ...]:
    """Return the listed instances whose connection has ended.

    Until this transaction ends no other notifier finds the same ones.

    Parameters
    ----------
    alive
        Instances that are known to be alive: this connection could take its own lock a second time.
    """
    others = [name for name in connection.scalars(_OTHERS) if name not in alive]
    return tuple(name for name in sorted(others) if connection.scalar(_TRY, {"key": lock_key(name)}))


def lock_key(instance: str) -> int:
    """Return the number of an instance's advisory lock."""
    return int.from_bytes(hashlib.sha256(instance.encode()).digest()[:8], "big", signed=True)
