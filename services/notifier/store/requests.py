"""What the command line asks of a running notifier."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database


class RequestKind(StrEnum):
    """``retry``: attempt now what waits. ``enable``: send to a receiver again that was gone."""

    RETRY = "retry"
    ENABLE = "enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Parameters
    ----------
    subscription, delivery_id
        What it is about; empty for all.
    """

    kind: RequestKind
    subscription: str = ""
    delivery_id: str = ""
    made_at_ns: int


_ADD: Final = text("""
    INSERT INTO requests (kind, subscription, delivery_id, made_at_ns)
    VALUES (:kind, :subscription, :delivery_id, :made_at_ns)
""")
_ALL: Final = "SELECT id, kind, subscription, delivery_id, made_at_ns FROM requests ORDER BY id {lock_free}"
_DELETE: Final = text("DELETE FROM requests WHERE id = :id")


class Requests:
    """Leave requests in the store and take them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = database.dialect.statement(_ALL)

    async def add(self, request: Request) -> None:
        """Leave a request for the notifier, which looks for them about once a second."""
        row = {
            "kind": request.kind.value,
            "subscription": request.subscription,
            "delivery_id": request.delivery_id,
            "made_at_ns": request.made_at_ns,
        }
        await self._database.run(lambda connection: connection.execute(_ADD, row))

    async def take(self) -> tuple[Request, ...]:
        """Return the requests in the order in which they were made, and delete them."""
        return await self._database.run(self._take)

    def _take(self, connection: Connection) -> tuple[Request, ...]:
        rows = connection.execute(self._all).all()
        if rows:
            connection.execute(_DELETE, [{"id": row.id} for row in rows])
        return tuple(
            Request(
                kind=RequestKind(row.kind),
                subscription=row.subscription,
                delivery_id=row.delivery_id,
                made_at_ns=row.made_at_ns,
            )
            for row in rows
        )
