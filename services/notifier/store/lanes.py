"""A newer message of a divergence takes the place of an older one that could not be delivered.

An older one that was not attempted yet keeps its place: where a receiver is well, both arrive, in order.

Whoever adds a message to a lane or ends one there holds the row of its subscription in
``endpoint_sequences``: otherwise two notifiers, of which one adds the end while the other puts the opening
back, would not see each other's message. The rows are locked in the order of their names, so that two
notifiers never wait for each other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import Replaced
from services.notifier.store.dialects import Dialect, decode_rows, encode_words
from shared.domain.deliveries import Outcome

# A receiver that has missed more learns it from GET /v1/events.
MOST_REPLACED: Final = 20

_LOCK: Final = """
    SELECT count(*) FROM (
        SELECT subscription FROM endpoint_sequences
        WHERE subscription IN (SELECT word FROM {subscriptions} AS s)
        ORDER BY subscription {lock}) AS locked
"""
_WAITING: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id FROM deliveries
        WHERE divergence_id = :divergence_id AND sequence < :sequence AND state = 'pending' AND attempts > 0
            AND subscription IN (SELECT word FROM {subscriptions} AS s)
        ORDER BY delivery_id {lock}) AS waiting
"""
_SUPERSEDE: Final = """
    UPDATE deliveries SET state = 'superseded', last_reason = :reason, ended_at_ns = :now_ns
    WHERE delivery_id IN (SELECT word FROM {ids} AS i)
"""
_EARLIER: Final = """
    SELECT {collected} FROM (
        SELECT subscription, endpoint_sequence, state FROM deliveries
        WHERE divergence_id = :divergence_id AND sequence < :sequence
            AND state IN ('pending', 'sending', 'delivered', 'expired', 'superseded', 'rejected')
        ORDER BY sequence) AS earlier
"""
_NOT_ENDED: Final = frozenset({"pending", "sending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What came of the earlier messages of a divergence.

    Parameters
    ----------
    missed
        By subscription, those that were not delivered since the last one that was, oldest first.
    waiting
        Subscriptions of which one has not ended.
    """

    missed: Mapping[str, tuple[Replaced, ...]]
    waiting: frozenset[str]


class Lanes:
    """The statements about earlier messages of a divergence."""

    def __init__(self, dialect: Dialect) -> None:
        self._is_shared = not dialect.is_sqlite
        self._lock = dialect.statement(_LOCK, subscriptions=dialect.words("subscriptions"))
        self._waiting = dialect.statement(
            _WAITING, collected=dialect.collected("delivery_id"), subscriptions=dialect.words("subscriptions")
        )
        self._supersede = dialect.statement(_SUPERSEDE, ids=dialect.words("ids"))
        self._earlier = dialect.statement(
            _EARLIER, collected=dialect.collected("subscription", "endpoint_sequence", "state")
        )

    def lock(self, connection: Connection, subscriptions: Iterable[str]) -> None:
        """Keep other notifiers out of the lanes of subscriptions until the transaction ends."""
        if self._is_shared:
            connection.execute(self._lock, {"subscriptions": encode_words(subscriptions)})

    def supersede(
        self,
        connection: Connection,
        subscriptions: Iterable[str],
        *,
        divergence_id: str,
        sequence: int,
        now_ns: int,
    ) -> tuple[str, ...]:
        """End the messages before a sequence that wait for another attempt, and return their ids."""
        lane = {"divergence_id": divergence_id, "sequence": sequence}
        waiting = connection.scalar(self._waiting, {**lane, "subscriptions": encode_words(subscriptions)})
        ids = tuple(delivery_id for (delivery_id,) in decode_rows(waiting))
        if ids:
            self.end(connection, ids, now_ns=now_ns)
        return ids

    def end(self, connection: Connection, delivery_ids: Iterable[str], *, now_ns: int) -> None:
        """End deliveries as superseded."""
        asked = {
            "ids": encode_words(delivery_ids),
            "reason": FailureReason.SUPERSEDED.value,
            "now_ns": now_ns,
        }
        connection.execute(self._supersede, asked)

    def earlier(self, connection: Connection, *, divergence_id: str, sequence: int) -> Earlier:
        """Return what came of the messages of a divergence before a sequence."""
        rows = connection.scalar(self._earlier, {"divergence_id": divergence_id, "sequence": sequence})
        missed: defaultdict[str, list[Replaced]] = defaultdict(list)
        waiting: set[str] = set()
        for subscription, number, state in decode_rows(rows):
            if state in _NOT_ENDED:
                waiting.add(subscription)
            elif state == Outcome.DELIVERED:
                missed[subscription].clear()
            else:
                missed[subscription].append(Replaced(endpoint_sequence=number, outcome=Outcome(state)))
        return Earlier(
            missed={name: tuple(each[-MOST_REPLACED:]) for name, each in missed.items()},
            waiting=frozenset(waiting),
        )
