"""What a person asks about deliveries: how many are in each state, which, and which receivers fail."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    """How many deliveries of a subscription are in a state."""

    subscription: str
    channel: str
    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One delivery.

    Parameters
    ----------
    state
        ``pending``, ``sending``, or how it ended.
    last_reason
        Why the last attempt did not deliver, or how it ended.
    next_attempt_at_ns
        Of a pending one; None for any other.
    ended_at_ns
        None if it has not ended.
    """

    delivery_id: str
    event_id: str
    subscription: str
    channel: str
    pair: str
    endpoint_sequence: int
    state: str
    attempts: int
    last_reason: str
    received_at_ns: int
    next_attempt_at_ns: int | None
    expires_at_ns: int
    ended_at_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledReceiver:
    """A receiver that is failing, has asked to be left alone, or wants no more messages."""

    subscription: str
    receiver_id: str
    is_gone: bool
    gone_reason: str
    gone_at_ns: int | None
    failing_since_ns: int | None
    not_before_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The answer to one question.

    Parameters
    ----------
    subscriptions
        Every name in the store, in order.
    deliveries
        Those that wait first, then those that ended last.
    """

    subscriptions: tuple[str, ...]
    counts: tuple[StateCount, ...]
    deliveries: tuple[DeliveryRow, ...]
    receivers: tuple[TroubledReceiver, ...]


_NAMES: Final = text("SELECT subscription FROM endpoint_sequences ORDER BY subscription")
_COUNTS: Final = """
    SELECT subscription, channel, state, count(*) AS deliveries FROM deliveries {where}
    GROUP BY subscription, channel, state ORDER BY subscription, channel, state
"""
_DELIVERIES: Final = """
    SELECT delivery_id, event_id, subscription, channel, pair, endpoint_sequence, state, attempts,
        last_reason, received_at_ns, next_attempt_at_ns, expires_at_ns, ended_at_ns
    FROM deliveries {where}
    ORDER BY CASE WHEN ended_at_ns IS NULL THEN 0 ELSE 1 END, ended_at_ns DESC, received_at_ns DESC,
        delivery_id
    LIMIT :limit
"""
_RECEIVERS: Final = """
    SELECT subscription, receiver_id, is_gone, gone_reason, gone_at_ns, failing_since_ns, not_before_ns
    FROM receivers WHERE (is_gone OR failing_since_ns IS NOT NULL OR not_before_ns > :now_ns) {and_where}
    ORDER BY subscription, receiver_id
"""
_OF_SUBSCRIPTION: Final = """(subscription = :subscription OR receiver_id IN
    (SELECT receiver_id FROM deliveries WHERE subscription = :subscription))"""


class DeliveryOverview:
    """Read deliveries for a person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self, *, now_ns: int, subscription: str | None = None, state: str | None = None, limit: int
    ) -> Overview:
        """Return an overview, in one transaction.

        Parameters
        ----------
        subscription, state
            Leave out everything else; all when None.
        limit
            Most deliveries.

        Raises
        ------
        StoreUnavailable
            If the database cannot be read now.
        """
        return await self._database.run(
            lambda connection: _read(connection, now_ns, subscription, state, limit)
        )


def _read(
    connection: Connection, now_ns: int, subscription: str | None, state: str | None, limit: int
) -> Overview:
    conditions: list[str] = []
    asked: dict[str, Any] = {"limit": limit, "now_ns": now_ns}
    if subscription is not None:
        conditions.append("subscription = :subscription")
        asked["subscription"] = subscription
    counts = _COUNTS.format(where=_where(conditions))
    if state is not None:
        conditions.append("state = :state")
        asked["state"] = state
    deliveries = _DELIVERIES.format(where=_where(conditions))
    receivers = _RECEIVERS.format(and_where=f"AND {_OF_SUBSCRIPTION}" if subscription is not None else "")
    return Overview(
        subscriptions=tuple(connection.scalars(_NAMES)),
        counts=tuple(
            StateCount(
                subscription=row.subscription, channel=row.channel, state=row.state, count=row.deliveries
            )
            for row in connection.execute(text(counts), asked)
        ),
        deliveries=tuple(_delivery(row) for row in connection.execute(text(deliveries), asked)),
        receivers=tuple(
            TroubledReceiver(
                subscription=row.subscription,
                receiver_id=row.receiver_id,
                is_gone=bool(row.is_gone),
                gone_reason=row.gone_reason,
                gone_at_ns=row.gone_at_ns,
                failing_since_ns=row.failing_since_ns,
                not_before_ns=row.not_before_ns,
            )
            for row in connection.execute(text(receivers), asked)
        ),
    )


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _delivery(row: Any) -> DeliveryRow:
    return DeliveryRow(
        delivery_id=row.delivery_id,
        event_id=row.event_id,
        subscription=row.subscription,
        channel=row.channel,
        pair=row.pair,
        endpoint_sequence=row.endpoint_sequence,
        state=row.state,
        attempts=row.attempts,
        last_reason=row.last_reason,
        received_at_ns=row.received_at_ns,
        next_attempt_at_ns=row.next_attempt_at_ns if row.state == "pending" else None,
        expires_at_ns=row.expires_at_ns,
        ended_at_ns=row.ended_at_ns,
    )
