"""Send again what was given up, because a person says so; the notifier that runs is asked in one transaction.

============================= ================================================================
a delivery that               becomes
============================= ================================================================
is pending                    due now
was rejected, or is unknown   pending and due now, if it has not expired and is the newest
                              message of its divergence for this subscription
ended because the receiver    the same, when the receiver is enabled
was gone
is anything else              stays as it is
============================= ================================================================

An older message of a divergence is never sent after a newer one: it would say what is no longer so.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database
from services.notifier.store.requests import RequestKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request will do.

    Parameters
    ----------
    request_id
        Is in the store until a notifier takes it; None if there was nothing to ask for.
    due
        Deliveries that were pending and are due now.
    revived
        Deliveries that had ended and are pending again.
    """

    request_id: int | None
    due: int
    revived: int


_DUE: Final = """
    UPDATE deliveries SET next_attempt_at_ns = :now_ns
    WHERE state = 'pending' AND expires_at_ns > :now_ns {and_where}
"""
# Whoever sent it may have ended long ago: any notifier takes what nobody owns.
_REVIVE: Final = """
    UPDATE deliveries SET state = 'pending', owner = NULL, next_attempt_at_ns = :now_ns, ended_at_ns = NULL,
        audited = false
    WHERE state IN ({states}) AND expires_at_ns > :now_ns {and_where}
        AND NOT EXISTS (
            SELECT 1 FROM deliveries AS newer
            WHERE newer.divergence_id = deliveries.divergence_id
                AND newer.subscription = deliveries.subscription AND newer.sequence > deliveries.sequence)
"""
_ASK: Final = text("""
    INSERT INTO requests (kind, subscription, delivery_id, made_at_ns)
    VALUES (:kind, :subscription, :delivery_id, :now_ns) RETURNING id
""")
_IS_GONE: Final = text("""
    SELECT count(*) FROM receivers WHERE is_gone AND (subscription = :subscription OR receiver_id IN
        (SELECT receiver_id FROM deliveries WHERE subscription = :subscription))
""")
_IS_TAKEN: Final = text("SELECT count(*) FROM requests WHERE id = :id")


class Resending:
    """Ask for deliveries to be sent again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def retry(
        self, *, now_ns: int, subscription: str | None = None, delivery_id: str | None = None
    ) -> Asked:
        """Ask for everything of a subscription, for one delivery, or for all if neither is given.

        Raises
        ------
        StoreUnavailable
            If the database cannot be written now.
        """
        return await self._database.run(
            lambda connection: _retry(connection, now_ns, subscription, delivery_id)
        )

    async def enable(self, subscription: str, *, now_ns: int) -> Asked:
        """Ask for a receiver that is gone to be sent messages again, those that ended by it included.

        Raises
        ------
        StoreUnavailable
            If the database cannot be written now.
        """
        return await self._database.run(lambda connection: _enable(connection, now_ns, subscription))

    async def is_taken(self, request_id: int) -> bool:
        """Return whether a notifier has taken a request."""
        return not await self._database.run(
            lambda connection: connection.scalar(_IS_TAKEN, {"id": request_id})
        )


def _retry(connection: Connection, now_ns: int, subscription: str | None, delivery_id: str | None) -> Asked:
    asked: dict[str, Any] = {"now_ns": now_ns}
    where = ""
    if subscription is not None:
        where, asked["subscription"] = "AND subscription = :subscription", subscription
    if delivery_id is not None:
        where, asked["delivery_id"] = "AND delivery_id = :delivery_id", delivery_id
    due = connection.execute(text(_DUE.format(and_where=where)), asked).rowcount
    revived = _revive(connection, "'rejected', 'unknown'", where, asked)
    if not due and not revived:
        return Asked(request_id=None, due=0, revived=0)
    name = subscription or _subscription_of(connection, delivery_id)
    request_id = _ask(connection, RequestKind.RETRY, now_ns, subscription=name, delivery_id=delivery_id or "")
    return Asked(request_id=request_id, due=due, revived=revived)


def _enable(connection: Connection, now_ns: int, subscription: str) -> Asked:
    if not connection.scalar(_IS_GONE, {"subscription": subscription}):
        return Asked(request_id=None, due=0, revived=0)
    asked = {"now_ns": now_ns, "subscription": subscription}
    revived = _revive(connection, "'gone'", "AND subscription = :subscription", asked)
    request_id = _ask(connection, RequestKind.ENABLE, now_ns, subscription=subscription, delivery_id="")
    return Asked(request_id=request_id, due=0, revived=revived)


def _revive(connection: Connection, states: str, where: str, asked: dict[str, Any]) -> int:
    return connection.execute(text(_REVIVE.format(states=states, and_where=where)), asked).rowcount


def _subscription_of(connection: Connection, delivery_id: str | None) -> str:
    if delivery_id is None:
        return ""
    query = text("SELECT subscription FROM deliveries WHERE delivery_id = :delivery_id")
    return str(connection.scalar(query, {"delivery_id": delivery_id}))


def _ask(
    connection: Connection, kind: RequestKind, now_ns: int, *, subscription: str, delivery_id: str
) -> int:
    row = {"kind": kind.value, "subscription": subscription, "delivery_id": delivery_id, "now_ns": now_ns}
    return int(connection.scalar(_ASK, row))
