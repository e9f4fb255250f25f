"""What is known of receivers beyond their deliveries: gone, failing, or left alone until an instant."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from services.notifier.store.database import Database
from services.notifier.store.dialects import encode_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverState:
    """What is known of one receiver.

    Parameters
    ----------
    subscription
        The one by which it was last reached.
    gone_at_ns
        Since when it wants no more messages; None while it does.
    not_before_ns
        It asked to be left alone until then; None if it did not.
    failing_since_ns
        When its first attempt failed after which none succeeded; None if the last one succeeded.
    """

    receiver_id: str
    subscription: str
    is_gone: bool
    gone_reason: str
    gone_at_ns: int | None
    not_before_ns: int | None
    failing_since_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverChange:
    """The new state of one receiver.

    Parameters
    ----------
    is_gone
        It wants no more messages. False leaves a receiver that is gone as it is: `ReceiverLog.enable` is its
        way back.
    reason
        Why it is gone.
    """

    receiver_id: str
    subscription: str
    not_before_ns: int | None = None
    failing_since_ns: int | None = None
    is_gone: bool = False
    reason: str = ""


_ALL: Final = text("""
    SELECT receiver_id, subscription, is_gone, gone_reason, gone_at_ns, not_before_ns, failing_since_ns
    FROM receivers ORDER BY receiver_id
""")
_CHANGE: Final = text("""
    INSERT INTO receivers
        (receiver_id, subscription, is_gone, gone_reason, gone_at_ns, not_before_ns, failing_since_ns)
    VALUES (:receiver_id, :subscription, false, '', NULL, :not_before_ns, :failing_since_ns)
    ON CONFLICT (receiver_id) DO UPDATE SET subscription = excluded.subscription,
        not_before_ns = excluded.not_before_ns, failing_since_ns = excluded.failing_since_ns
""")
_RETIRE: Final = text("""
    INSERT INTO receivers (receiver_id, subscription, is_gone, gone_reason, gone_at_ns)
    VALUES (:receiver_id, :subscription, true, :reason, :now_ns)
    ON CONFLICT (receiver_id) DO UPDATE
        SET is_gone = true, gone_reason = excluded.gone_reason, gone_at_ns = excluded.gone_at_ns
        WHERE NOT receivers.is_gone
""")
_ENABLE: Final = """
    UPDATE receivers
    SET is_gone = false, gone_reason = '', gone_at_ns = NULL, not_before_ns = NULL, failing_since_ns = NULL
    WHERE receiver_id IN (SELECT word FROM {receivers} AS r)
"""


def change_receiver(connection: Connection, change: ReceiverChange, *, now_ns: int) -> None:
    """Store the new state of a receiver."""
    connection.execute(
        _CHANGE,
        {
            "receiver_id": change.receiver_id,
            "subscription": change.subscription,
            "not_before_ns": change.not_before_ns,
            "failing_since_ns": change.failing_since_ns,
        },
    )
    if change.is_gone:
        retire_receiver(
            connection, change.receiver_id, change.subscription, reason=change.reason, now_ns=now_ns
        )


def retire_receiver(
    connection: Connection, receiver_id: str, subscription: str, *, reason: str, now_ns: int
) -> None:
    """Note that a receiver wants no more messages; the first reason is kept."""
    connection.execute(
        _RETIRE,
        {"receiver_id": receiver_id, "subscription": subscription, "reason": reason, "now_ns": now_ns},
    )


class ReceiverLog:
    """Read and change what is known of receivers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._enable = database.dialect.statement(_ENABLE, receivers=database.dialect.words("receivers"))

    async def all(self) -> tuple[ReceiverState, ...]:
        """Return every receiver of which something is known."""
        rows = await self._database.run(lambda connection: connection.execute(_ALL).all())
        return tuple(
            ReceiverState(
                receiver_id=row.receiver_id,
                subscription=row.subscription,
                is_gone=bool(row.is_gone),
                gone_reason=row.gone_reason,
                gone_at_ns=row.gone_at_ns,
                not_before_ns=row.not_before_ns,
                failing_since_ns=row.failing_since_ns,
            )
            for row in rows
        )

    async def change(self, change: ReceiverChange, *, now_ns: int = 0) -> None:
        """Store the new state of a receiver.

        Parameters
        ----------
        now_ns
            When it is gone, if it is.
        """
        await self._database.run(
            lambda connection: change_receiver(connection, change, now_ns=now_ns), on_disk=change.is_gone
        )

    async def enable(self, receiver_ids: Collection[str]) -> int:
        """Send to receivers again that were gone or failing, and return how many were known as such."""
        asked = {"receivers": encode_words(receiver_ids)}
        return await self._database.run(lambda connection: connection.execute(self._enable, asked).rowcount)
