"""Store each event once, in one transaction with the deliveries that were planned for it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import Connection, text

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.routing import DeliveryPlan, PlannedDelivery, RoutingHistory
from services.notifier.store.database import Database
from services.notifier.store.delivery_rows import PENDING, SENDING, encode_replaces
from services.notifier.store.dialects import Dialect, checked_integer, decode_rows, encode_rows, encode_words
from services.notifier.store.earlier_decisions import RoutingHistoryReader
from services.notifier.store.lanes import Earlier, Lanes
from services.notifier.store.positions import LogPosition, move_position


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as it came from Kafka.

    Parameters
    ----------
    value
        The record's value, byte for byte.
    received_at_ns, published_at_ns
        Wall time.
    headers
        The record's headers as text.
    fingerprint, severity, occurred_at_ns
        What a repeat interval asks of earlier events; the instant is event time.
    """

    event_id: str
    value: bytes
    pair: str
    divergence_id: str
    sequence: int
    received_at_ns: int
    published_at_ns: int
    headers: dict[str, str]
    fingerprint: str = ""
    severity: str = ""
    occurred_at_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event that was stored now.

    Parameters
    ----------
    plan
        What was decided.
    deliveries
        The planned deliveries, ready to be sent.
    superseded
        Ids of older deliveries that waited and that these replace.
    """

    plan: DeliveryPlan
    deliveries: tuple[PendingDelivery, ...]
    superseded: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """An event that was stored before.

    Parameters
    ----------
    is_identical
        Its value is the same, byte for byte, as it must be on every replay.
    """

    is_identical: bool


Plan = Callable[[RoutingHistory], DeliveryPlan]
MayBegin = Callable[[PlannedDelivery], bool]


def begin_none(_delivery: PlannedDelivery) -> bool:
    """Let every delivery wait."""
    return False


_INSERT_EVENT: Final = text("""
    INSERT INTO events (event_id, value, pair, divergence_id, sequence, received_at_ns, published_at_ns,
        headers, fingerprint, severity, occurred_at_ns)
    VALUES (:event_id, :value, :pair, :divergence_id, :sequence, :received_at_ns, :published_at_ns,
        :headers, :fingerprint, :severity, :occurred_at_ns)
    ON CONFLICT (event_id) DO NOTHING
""")
_VALUE: Final = text("SELECT value FROM events WHERE event_id = :event_id")
# In the order of the names, so that two notifiers lock the rows in the same order.
_COUNT_ON: Final = """
    INSERT INTO endpoint_sequences (subscription, last)
    SELECT word, 1 FROM {subscriptions} AS s WHERE true ORDER BY word
    ON CONFLICT (subscription) DO UPDATE SET last = endpoint_sequences.last + 1
"""
_NUMBERS: Final = """
    SELECT {collected} FROM {subscriptions} AS s JOIN endpoint_sequences AS n ON n.subscription = s.word
"""
_INSERT_DELIVERIES: Final = """
    INSERT INTO deliveries (delivery_id, event_id, subscription, channel, receiver_id, pair, divergence_id,
        sequence, message_id, state, attempts, last_reason, next_attempt_at_ns, expires_at_ns, audited,
        endpoint_sequence, unknown_attempts, owner, replaces, received_at_ns, sending_since_ns)
    SELECT r.delivery_id, r.event_id, r.subscription, r.channel, r.receiver_id, r.pair, r.divergence_id,
        r.sequence, r.message_id, r.state, r.attempts, '', :received_at_ns, r.expires_at_ns, false,
        r.endpoint_sequence, 0, :owner, r.replaces, :received_at_ns, r.sending_since_ns
    FROM {rows} AS r
"""
_INSERT_SUPPRESSIONS: Final = """
    INSERT INTO suppressions (event_id, subscription, channel, reason, decided_at_ns, audited)
    SELECT :event_id, r.subscription, r.channel, r.reason, :now_ns, false FROM {rows} AS r
"""


class EventLog:
    """Keep each event once, together with its deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = _Statements(database.dialect)

    async def add(
        self,
        event: ReceivedEvent,
        plan: Plan,
        *,
        position: LogPosition | None = None,
        now_ns: int | None = None,
        receivers_with_interval: Collection[str] = (),
        may_begin: MayBegin = begin_none,
    ) -> StoredEvent | Repeated:
        """Store an event and its deliveries in one transaction, which also reads what the plan needs.

        The commit is soft: `Database.flush` puts it on the disk.

        Parameters
        ----------
        plan
            Pure; called in the transaction, and again after a conflict with another notifier.
        position
            Of the record in the log, which is thereby in the store; None for an event from elsewhere.
        now_ns
            When deliveries are superseded and suppressed; when the event was received, if not given.
        receivers_with_interval
            Receivers whose last message about the fingerprint the plan needs.
        may_begin
            Whether a delivery's first attempt is made at once: then it is stored as being sent, if no earlier
            one of its lane waits. Called in the store's thread.

        Returns
        -------
        StoredEvent or Repeated
            The latter if the event was there before; then only the position is changed.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        at_ns = event.received_at_ns if now_ns is None else now_ns
        return await self._database.run(
            lambda connection: self._statements.add(
                connection,
                event,
                plan,
                position=position,
                now_ns=at_ns,
                owner=self._database.instance,
                receivers_with_interval=receivers_with_interval,
                may_begin=may_begin,
            ),
            on_disk=False,
        )


class _Statements:
    def __init__(self, dialect: Dialect) -> None:
        self._lanes = Lanes(dialect)
        self._is_shared = not dialect.is_sqlite
        self._history = RoutingHistoryReader(dialect)
        subscriptions = dialect.words("subscriptions")
        self._count_on = dialect.statement(_COUNT_ON, subscriptions=subscriptions)
        self._numbers = dialect.statement(
            _NUMBERS, collected=dialect.collected("n.subscription", "n.last"), subscriptions=subscriptions
        )
        self._insert_deliveries = dialect.statement(
            _INSERT_DELIVERIES,
            rows=dialect.rows(
                delivery_id="text",
                event_id="text",
                subscription="text",
                channel="text",
                receiver_id="text",
                pair="text",
                divergence_id="text",
                sequence="bigint",
                message_id="text",
                expires_at_ns="bigint",
                endpoint_sequence="bigint",
                replaces="text",
                state="text",
                attempts="integer",
                sending_since_ns="bigint",
            ),
        )
        self._insert_suppressions = dialect.statement(
            _INSERT_SUPPRESSIONS, rows=dialect.rows(subscription="text", channel="text", reason="text")
        )

    def add(
        self,
        connection: Connection,
        event: ReceivedEvent,
        plan: Plan,
        *,
        position: LogPosition | None,
        now_ns: int,
        owner: str,
        receivers_with_interval: Collection[str],
        may_begin: MayBegin,
    ) -> StoredEvent | Repeated:
        if position is not None:
            move_position(connection, position)
        if connection.execute(_INSERT_EVENT, _event_row(event)).rowcount == 0:
            known = connection.scalar(_VALUE, {"event_id": event.event_id})
            return Repeated(is_identical=known is not None and bytes(known) == event.value)
        history = self._history.read(
            connection,
            divergence_id=event.divergence_id,
            fingerprint=event.fingerprint,
            receivers_with_interval=receivers_with_interval,
        )
        made = plan(history)
        if made.suppressed:
            rows = encode_rows((each.subscription, each.channel, each.reason) for each in made.suppressed)
            asked = {"event_id": event.event_id, "now_ns": now_ns, "rows": rows}
            connection.execute(self._insert_suppressions, asked)
        if not made.deliveries:
            return StoredEvent(plan=made, deliveries=(), superseded=())
        # Counting locks the lanes, so that what is read next is what will be.
        numbers = self._next_numbers(connection, made.deliveries)
        superseded: tuple[str, ...] = ()
        earlier = Earlier(missed={}, waiting=frozenset())
        if history.notified or self._is_shared:
            superseded = self._lanes.supersede(
                connection,
                [each.subscription for each in made.deliveries],
                divergence_id=event.divergence_id,
                sequence=event.sequence,
                now_ns=now_ns,
            )
            earlier = self._lanes.earlier(
                connection, divergence_id=event.divergence_id, sequence=event.sequence
            )
        deliveries = tuple(
            _pending(
                each,
                event,
                numbers[each.subscription],
                earlier.missed.get(each.subscription, ()),
                begins=each.subscription not in earlier.waiting and may_begin(each),
            )
            for each in made.deliveries
        )
        rows = encode_rows(_delivery_row(each, now_ns) for each in deliveries)
        asked = {"received_at_ns": event.received_at_ns, "owner": owner, "rows": rows}
        connection.execute(self._insert_deliveries, asked)
        return StoredEvent(plan=made, deliveries=deliveries, superseded=superseded)

    def _next_numbers(self, connection: Connection, deliveries: Sequence[PlannedDelivery]) -> dict[str, int]:
        asked = {"subscriptions": encode_words(each.subscription for each in deliveries)}
        connection.execute(self._count_on, asked)
        return dict(decode_rows(connection.scalar(self._numbers, asked)))


def _event_row(event: ReceivedEvent) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "value": event.value,
        "pair": event.pair,
        "divergence_id": event.divergence_id,
        "sequence": event.sequence,
        "received_at_ns": event.received_at_ns,
        "published_at_ns": event.published_at_ns,
        "headers": orjson.dumps(event.headers).decode(),
        "fingerprint": event.fingerprint,
        "severity": event.severity,
        "occurred_at_ns": event.occurred_at_ns,
    }


def _pending(
    planned: PlannedDelivery,
    event: ReceivedEvent,
    number: int,
    replaces: tuple[Replaced, ...],
    *,
    begins: bool,
) -> PendingDelivery:
    return PendingDelivery(
        delivery_id=planned.delivery_id,
        event_id=planned.event_id,
        subscription=planned.subscription,
        channel=planned.channel,
        receiver_id=planned.receiver_id,
        pair=planned.pair,
        divergence_id=planned.divergence_id,
        sequence=planned.sequence,
        endpoint_sequence=number,
        message_id=planned.message_id,
        attempts=1 if begins else 0,
        has_begun=begins,
        last_reason="",
        next_attempt_at_ns=event.received_at_ns,
        expires_at_ns=planned.expires_at_ns,
        received_at_ns=event.received_at_ns,
        published_at_ns=event.published_at_ns,
        replaces=replaces,
    )


def _delivery_row(delivery: PendingDelivery, now_ns: int) -> tuple[object, ...]:
    return (
        delivery.delivery_id,
        delivery.event_id,
        delivery.subscription,
        delivery.channel,
        delivery.receiver_id,
        delivery.pair,
        delivery.divergence_id,
        checked_integer(delivery.sequence),
        delivery.message_id,
        checked_integer(delivery.expires_at_ns),
        delivery.endpoint_sequence,
        encode_replaces(delivery.replaces),
        SENDING if delivery.has_begun else PENDING,
        delivery.attempts,
        now_ns if delivery.has_begun else None,
    )
