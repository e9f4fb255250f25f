"""Up to where the log's records are in this store.

A store that was deleted, or restored from an older copy, is behind the offset that was committed to Kafka.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """Where a record is in the log."""

    topic: str
    partition: int
    offset: int


_MOVE: Final = text("""
    INSERT INTO log_positions (topic, partition, next_offset) VALUES (:topic, :partition, :next_offset)
    ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
""")
_READ: Final = text("SELECT partition, next_offset FROM log_positions WHERE topic = :topic")


def move_position(connection: Connection, position: LogPosition) -> None:
    """Note that a record is in the store."""
    connection.execute(
        _MOVE,
        {"topic": position.topic, "partition": position.partition, "next_offset": position.offset + 1},
    )


class LogPositions:
    """Read and move the positions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, topic: str) -> dict[int, int]:
        """Return, by partition, the offset after the last record that is in the store."""
        rows = await self._database.run(lambda connection: connection.execute(_READ, {"topic": topic}).all())
        return {row.partition: row.next_offset for row in rows}

    async def move(self, position: LogPosition) -> None:
        """Note that a record is dealt with though nothing of it is stored; a soft commit."""
        await self._database.run(lambda connection: move_position(connection, position), on_disk=False)
