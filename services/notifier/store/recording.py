"""Store what came of attempts: many results in one transaction, each on its own."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import Replaced
from services.notifier.core.retry import DeliveryEnded, RetryAt
from services.notifier.store.attempt_records import AttemptRecord, Recorded
from services.notifier.store.delivery_rows import PENDING, SENDING, decode_replaces, encode_replaces
from services.notifier.store.dialects import Dialect, decode_rows, encode_rows, encode_words
from services.notifier.store.lanes import MOST_REPLACED, Lanes
from services.notifier.store.receivers import change_receiver, retire_receiver
from shared.domain.deliveries import Outcome

_LARGEST: Final = 2**63 - 1
_REASON_CHARACTERS: Final = 32
_ANSWER_CHARACTERS: Final = 16
_NOT_DELIVERED: Final = frozenset({Outcome.EXPIRED, Outcome.REJECTED, Outcome.SUPERSEDED})


@dataclass(slots=True, kw_only=True)
class _Change:
    """The new values of one row."""

    record: AttemptRecord
    attempts: int
    state: str
    reason: str
    next_attempt_at_ns: int
    endpoint_sequence: int
    also_ended: list[str] = field(default_factory=list)
    newer: str | None = None
    newer_replaces: tuple[Replaced, ...] = ()


_CURRENT: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id, state, attempts, endpoint_sequence FROM deliveries
        WHERE delivery_id IN (SELECT word FROM {ids} AS i) AND state IN ('pending', 'sending')
            AND owner IN (SELECT word FROM {mine} AS m)
        ORDER BY delivery_id {lock}) AS d
"""
_NEWER: Final = """
    SELECT {collected} FROM (
        SELECT o.delivery_id AS older, n.delivery_id AS newer, n.replaces FROM deliveries AS o
        JOIN deliveries AS n ON n.divergence_id = o.divergence_id AND n.subscription = o.subscription
            AND n.sequence > o.sequence AND n.state IN ('pending', 'sending')
        WHERE o.delivery_id IN (SELECT word FROM {ids} AS i)
        ORDER BY o.sequence, n.sequence {lock}) AS pairs
"""
_GONE: Final = """
    SELECT {collected} FROM receivers WHERE is_gone AND receiver_id IN (SELECT word FROM {receivers} AS r)
"""
_INSERT_ATTEMPTS: Final = """
    INSERT INTO attempts (delivery_id, attempt, started_at_ns, duration_seconds, answer, reason, detail)
    SELECT r.delivery_id, r.attempt, r.started_at_ns, r.duration_seconds, r.answer, r.reason, r.detail
    FROM {rows} AS r WHERE true
    ON CONFLICT (delivery_id, attempt) DO NOTHING
"""
_UPDATE: Final = """
    UPDATE deliveries SET state = r.state, attempts = r.attempts, unknown_attempts = r.unknown_attempts,
        last_reason = r.last_reason, next_attempt_at_ns = r.next_attempt_at_ns, ended_at_ns = r.ended_at_ns,
        sending_since_ns = NULL, owner = :owner
    FROM {rows} AS r WHERE deliveries.delivery_id = r.delivery_id
"""
_UPDATE_REPLACES: Final = """
    UPDATE deliveries SET replaces = r.replaces FROM {rows} AS r WHERE deliveries.delivery_id = r.delivery_id
"""
_WAITING: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id FROM deliveries WHERE receiver_id = :receiver_id AND state = 'pending'
        ORDER BY delivery_id {lock}) AS d
"""
_END: Final = """
    UPDATE deliveries SET state = :state, last_reason = :reason, ended_at_ns = :now_ns
    WHERE delivery_id IN (SELECT word FROM {ids} AS i)
"""


class Recording:
    """The statements that store results."""

    def __init__(self, dialect: Dialect) -> None:
        ids = dialect.words("ids")
        self._lanes = Lanes(dialect)
        self._current = dialect.statement(
            _CURRENT,
            collected=dialect.collected("delivery_id", "state", "attempts", "endpoint_sequence"),
            ids=ids,
            mine=dialect.words("mine"),
        )
        self._newer = dialect.statement(
            _NEWER, collected=dialect.collected("older", "newer", "replaces"), ids=ids
        )
        self._gone = dialect.statement(
            _GONE,
            collected=dialect.collected("receiver_id", "gone_reason"),
            receivers=dialect.words("receivers"),
        )
        self._insert_attempts = dialect.statement(
            _INSERT_ATTEMPTS,
            rows=dialect.rows(
                delivery_id="text",
                attempt="integer",
                started_at_ns="bigint",
                duration_seconds="double precision",
                answer="text",
                reason="text",
                detail="text",
            ),
        )
        self._update = dialect.statement(
            _UPDATE,
            rows=dialect.rows(
                delivery_id="text",
                state="text",
                attempts="integer",
                unknown_attempts="integer",
                last_reason="text",
                next_attempt_at_ns="bigint",
                ended_at_ns="bigint",
            ),
        )
        self._update_replaces = dialect.statement(
            _UPDATE_REPLACES, rows=dialect.rows(delivery_id="text", replaces="text")
        )
        self._waiting = dialect.statement(_WAITING, collected=dialect.collected("delivery_id"))
        self._end = dialect.statement(_END, ids=ids)

    def record(
        self,
        connection: Connection,
        results: Sequence[AttemptRecord],
        *,
        now_ns: int,
        mine: Sequence[str],
    ) -> tuple[Recorded, ...]:
        """Store results and what follows from them; ``mine`` are the names under which we own deliveries."""
        self._lanes.lock(connection, {each.delivery.subscription for each in results})
        changes = self._changes(connection, results, mine)
        for change in {
            each.receiver.receiver_id: each.receiver for each in results if each.receiver
        }.values():
            change_receiver(connection, change, now_ns=now_ns)
        self._retire(connection, changes.values(), now_ns)
        self._end_of_gone_receivers(connection, changes.values())
        self._replace(connection, changes)
        if changes:
            self._store(connection, changes.values(), now_ns, owner=mine[-1])
            self._end_waiting(connection, changes.values(), now_ns)
        # Of two results for one delivery only the first has changed it.
        return tuple(_recorded(each, changes.pop(each.delivery.delivery_id, None)) for each in results)

    def _changes(
        self, connection: Connection, results: Sequence[AttemptRecord], mine: Sequence[str]
    ) -> dict[str, _Change]:
        asked = {
            "ids": encode_words(each.delivery.delivery_id for each in results),
            "mine": encode_words(mine),
        }
        current = {row[0]: row[1:] for row in decode_rows(connection.scalar(self._current, asked))}
        changes: dict[str, _Change] = {}
        for record in results:
            row = current.pop(record.delivery.delivery_id, None)
            if row is not None:
                state, attempts, number = row
                # It has begun when it was marked as being sent.
                attempts += record.attempt is not None and state != SENDING
                changes[record.delivery.delivery_id] = _change(record, attempts, number)
        return changes

    def _retire(self, connection: Connection, changes: Iterable[_Change], now_ns: int) -> None:
        for change in changes:
            reason = _retires(change.record)
            if reason:
                delivery = change.record.delivery
                retire_receiver(
                    connection, delivery.receiver_id, delivery.subscription, reason=reason, now_ns=now_ns
                )

    def _end_of_gone_receivers(self, connection: Connection, changes: Iterable[_Change]) -> None:
        """End what would be attempted again at a receiver that is gone."""
        retried = [each for each in changes if each.state == PENDING]
        if not retried:
            return
        asked = {"receivers": encode_words({each.record.delivery.receiver_id for each in retried})}
        gone = dict(decode_rows(connection.scalar(self._gone, asked)))
        for change in retried:
            reason = gone.get(change.record.delivery.receiver_id)
            if reason is not None:
                change.state, change.reason = Outcome.GONE, reason

    def _replace(self, connection: Connection, changes: Mapping[str, _Change]) -> None:
        """End what a newer message replaces, and note in the newer one what it replaces."""
        pairs = decode_rows(connection.scalar(self._newer, {"ids": encode_words(changes)})) if changes else []
        ends = {each.record.delivery.delivery_id for each in changes.values() if each.state != PENDING}
        newest = {older: (newer, kept) for older, newer, kept in pairs if newer not in ends}
        replaces = {newer: decode_replaces(kept) for newer, kept in newest.values()}
        before = dict(replaces)
        for older, (newer, _) in newest.items():
            change = changes[older]
            delivery = change.record.delivery
            if change.state == PENDING and delivery.is_interrupted and delivery.attempts <= 1:
                # It did not fail: it is repeated, and the newer ones follow in order.
                continue
            if change.state == PENDING:
                change.state, change.reason = Outcome.SUPERSEDED, FailureReason.SUPERSEDED.value
            replaces[newer] = _replaces_after(replaces[newer], change)
            if replaces[newer] != before[newer]:
                change.newer, change.newer_replaces = newer, replaces[newer]
        rows = [(newer, encode_replaces(now)) for newer, now in replaces.items() if now != before[newer]]
        if rows:
            connection.execute(self._update_replaces, {"rows": encode_rows(rows)})

    def _store(self, connection: Connection, changes: Iterable[_Change], now_ns: int, *, owner: str) -> None:
        attempts = [row for each in changes for row in _attempt_rows(each)]
        if attempts:
            connection.execute(self._insert_attempts, {"rows": encode_rows(attempts)})
        rows = encode_rows(_row(each, now_ns) for each in changes)
        connection.execute(self._update, {"rows": rows, "owner": owner})

    def _end_waiting(self, connection: Connection, changes: Iterable[_Change], now_ns: int) -> None:
        for change in changes:
            reason = _retires(change.record)
            if not reason:
                continue
            asked = {"receiver_id": change.record.delivery.receiver_id}
            waiting = [delivery_id for (delivery_id,) in decode_rows(connection.scalar(self._waiting, asked))]
            if waiting:
                end = {"state": Outcome.GONE.value, "reason": reason, "now_ns": now_ns}
                connection.execute(self._end, {**end, "ids": encode_words(waiting)})
                change.also_ended += waiting


def _change(record: AttemptRecord, attempts: int, number: int) -> _Change:
    decision = record.decision
    if isinstance(decision, RetryAt):
        state, next_attempt_at_ns = PENDING, _in_range(decision.next_attempt_at_ns)
    else:
        state, next_attempt_at_ns = decision.outcome.value, record.delivery.next_attempt_at_ns
    return _Change(
        record=record,
        attempts=attempts,
        state=state,
        reason=_storable(decision.reason, _REASON_CHARACTERS),
        next_attempt_at_ns=next_attempt_at_ns,
        endpoint_sequence=number,
    )


def _retires(record: AttemptRecord) -> str:
    """Return why its receiver wants no more messages; empty if it does."""
    decision = record.decision
    if isinstance(decision, DeliveryEnded):
        if decision.outcome is Outcome.GONE:
            return _storable(decision.reason, _REASON_CHARACTERS) or FailureReason.GONE.value
        if decision.disables_receiver:
            return FailureReason.DISABLED.value
    if record.receiver is not None and record.receiver.is_gone:
        return record.receiver.reason or FailureReason.GONE.value
    return ""


def _replaces_after(replaces: tuple[Replaced, ...], change: _Change) -> tuple[Replaced, ...]:
    number = change.endpoint_sequence
    if change.state == Outcome.DELIVERED:
        return tuple(each for each in replaces if each.endpoint_sequence > number)
    if change.state not in _NOT_DELIVERED or any(each.endpoint_sequence == number for each in replaces):
        return replaces
    gained = (*replaces, Replaced(endpoint_sequence=number, outcome=Outcome(change.state)))
    return tuple(sorted(gained, key=lambda each: each.endpoint_sequence))[-MOST_REPLACED:]


def _attempt_rows(change: _Change) -> list[tuple[object, ...]]:
    attempt = change.record.attempt
    if attempt is None:
        return []
    return [
        (
            change.record.delivery.delivery_id,
            change.attempts,
            _in_range(attempt.started_at_ns),
            attempt.duration_seconds if math.isfinite(attempt.duration_seconds) else 0.0,
            _storable(attempt.answer, _ANSWER_CHARACTERS),
            _storable(attempt.reason, _REASON_CHARACTERS),
            _storable(attempt.detail, None),
        )
    ]


def _row(change: _Change, now_ns: int) -> tuple[object, ...]:
    delivery = change.record.delivery
    was_made = change.record.attempt is not None or delivery.is_interrupted
    is_unknown = was_made and change.record.decision.reason == FailureReason.UNKNOWN
    return (
        delivery.delivery_id,
        change.state,
        change.attempts,
        delivery.unknown_attempts + is_unknown,
        change.reason,
        change.next_attempt_at_ns,
        None if change.state == PENDING else now_ns,
    )


def _recorded(record: AttemptRecord, change: _Change | None) -> Recorded:
    if change is None:
        return Recorded(delivery_id=record.delivery.delivery_id, state=None)
    return Recorded(
        delivery_id=record.delivery.delivery_id,
        state=change.state,
        also_ended=tuple(change.also_ended),
        newer=change.newer,
        newer_replaces=change.newer_replaces,
    )


def _in_range(number: int) -> int:
    """Return an instant that every database keeps."""
    return max(-_LARGEST, min(number, _LARGEST))


def _storable(text: str, most: int | None) -> str:
    """Return a text that every database keeps: what an answer contains must not stop other results."""
    if not text.isprintable():
        text = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    return text[:most]
