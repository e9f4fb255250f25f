"""The deliveries that have not ended: read them, begin attempts, and store the results."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from services.notifier.core.deliveries import Backlog, PendingDelivery
from services.notifier.store.attempt_records import AttemptRecord, Recorded
from services.notifier.store.claiming import Claiming
from services.notifier.store.database import Database
from services.notifier.store.delivery_rows import collected_deliveries, decode_deliveries
from services.notifier.store.dialects import decode_rows, encode_words
from services.notifier.store.recording import Recording
from shared.domain.deliveries import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What waits.

    Parameters
    ----------
    deliveries
        Of each receiver the newest, and all that were interrupted.
    receivers_with_more
        Receivers of which more waits than is among them.
    """

    deliveries: tuple[PendingDelivery, ...]
    receivers_with_more: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContent:
    """What an event says.

    Parameters
    ----------
    value
        Byte for byte.
    received_at_ns, published_at_ns
        Wall time.
    """

    value: bytes
    received_at_ns: int
    published_at_ns: int


_BY_ID: Final = """
    SELECT {collected} FROM deliveries AS d JOIN events AS e ON e.event_id = d.event_id
    WHERE d.delivery_id IN (SELECT word FROM {ids} AS i)
"""
_NEWEST: Final = """
    SELECT {collected} FROM (
        SELECT deliveries.*, row_number() OVER (
            PARTITION BY receiver_id ORDER BY received_at_ns DESC, sequence DESC) AS place
        FROM deliveries WHERE state = 'pending' AND owner IN (SELECT word FROM {mine} AS m)) AS d
    JOIN events AS e ON e.event_id = d.event_id
    WHERE d.place <= :limit
"""
_MORE: Final = """
    SELECT {collected} FROM (
        SELECT * FROM deliveries
        WHERE receiver_id = :receiver_id AND state = 'pending' AND owner IN (SELECT word FROM {mine} AS m)
            AND delivery_id NOT IN (SELECT word FROM {without} AS w)
        ORDER BY received_at_ns DESC, sequence DESC LIMIT :limit) AS d
    JOIN events AS e ON e.event_id = d.event_id
"""
_STARTABLE: Final = """
    SELECT {collected} FROM (
        SELECT d.delivery_id, d.subscription, d.divergence_id, d.sequence FROM deliveries AS d
        WHERE d.delivery_id IN (SELECT word FROM {ids} AS i) AND d.state = 'pending'
            AND d.owner IN (SELECT word FROM {mine} AS m)
            AND NOT EXISTS (
                SELECT 1 FROM deliveries AS s WHERE s.state = 'sending'
                    AND s.divergence_id = d.divergence_id AND s.subscription = d.subscription)
            AND NOT EXISTS (
                SELECT 1 FROM deliveries AS n WHERE n.divergence_id = d.divergence_id
                    AND n.subscription = d.subscription AND n.sequence > d.sequence AND n.attempts > 0)
        ORDER BY d.delivery_id {lock}) AS startable
"""
# Their receivers have been sent a newer one of the divergence.
_OVERTAKEN: Final = """
    UPDATE deliveries SET state = 'superseded', last_reason = 'superseded', ended_at_ns = :now_ns
    WHERE delivery_id IN (SELECT word FROM {ids} AS i) AND state = 'pending'
        AND owner IN (SELECT word FROM {mine} AS m)
        AND EXISTS (
            SELECT 1 FROM deliveries AS n WHERE n.divergence_id = deliveries.divergence_id
                AND n.subscription = deliveries.subscription AND n.sequence > deliveries.sequence
                AND n.attempts > 0)
"""
_BEGIN: Final = """
    UPDATE deliveries
    SET state = 'sending', attempts = attempts + 1, sending_since_ns = :now_ns, owner = :owner
    WHERE delivery_id IN (SELECT word FROM {ids} AS i)
"""
# Begun by a transaction of ours of which nobody knew whether it was kept.
_STRANDED: Final = """
    SELECT {collected} FROM (
        SELECT delivery_id FROM deliveries WHERE state = 'sending' AND owner IN (SELECT word FROM {mine} AS m)
            AND delivery_id NOT IN (SELECT word FROM {in_progress} AS p)
        ORDER BY delivery_id) AS d
"""
_CONTENTS: Final = """
    SELECT event_id, value, received_at_ns, published_at_ns FROM events
    WHERE event_id IN (SELECT word FROM {ids} AS i)
"""
_BACKLOG: Final = text("""
    SELECT channel, count(*), min(received_at_ns) FROM (
        SELECT channel, received_at_ns FROM deliveries WHERE state = 'pending'
        UNION ALL SELECT channel, received_at_ns FROM deliveries WHERE state = 'sending') AS waiting
    GROUP BY channel ORDER BY channel
""")
# More than anybody has; a backlog is taken over as a whole at the start.
_ALL: Final = 2**31 - 1
_CLAIMED_AT_ONCE: Final = 1_000
_BEGIN_TRIES: Final = 5


class DeliveryQueue:
    """Read and change the deliveries that have not ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        self._recording = Recording(dialect)
        self._claiming = Claiming(dialect)
        deliveries, ids, mine = collected_deliveries(dialect), dialect.words("ids"), dialect.words("mine")
        self._by_id = dialect.statement(_BY_ID, collected=deliveries, ids=ids)
        self._newest = dialect.statement(_NEWEST, collected=deliveries, mine=mine)
        self._more = dialect.statement(
            _MORE, collected=deliveries, mine=mine, without=dialect.words("without")
        )
        self._startable = dialect.statement(
            _STARTABLE,
            collected=dialect.collected("sequence", "delivery_id", "subscription", "divergence_id"),
            ids=ids,
            mine=mine,
        )
        self._overtaken = dialect.statement(_OVERTAKEN, ids=ids, mine=mine)
        self._begin = dialect.statement(_BEGIN, ids=ids)
        self._contents = dialect.statement(_CONTENTS, ids=ids)
        self._stranded = dialect.statement(
            _STRANDED,
            collected=dialect.collected("delivery_id"),
            mine=mine,
            in_progress=dialect.words("in_progress"),
        )

    async def load(self, limit_per_receiver: int, *, in_progress: Collection[str] = ()) -> Loaded:
        """Take over what ended notifiers left, and return what waits.

        Interrupted are also those that this process began without having learnt of it, because the store
        failed at that moment.

        Parameters
        ----------
        limit_per_receiver
            Most deliveries of one receiver: the newest.
        in_progress
            Ids of those that this process is sending; they are not among the interrupted ones.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        return await self._database.run(
            lambda connection: self._load(connection, limit_per_receiver, in_progress)
        )

    async def claim(self) -> tuple[PendingDelivery, ...]:
        """Take over what other notifiers left that have ended since, at most a thousand at a time.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        if self._database.dialect.is_sqlite:
            return ()
        return await self._database.run(self._claim)

    async def more(
        self, receiver_id: str, limit: int, *, without: Collection[str] = ()
    ) -> tuple[PendingDelivery, ...]:
        """Return the newest deliveries that wait for a receiver.

        Parameters
        ----------
        without
            Ids to leave out.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now.
        """
        asked = {
            "receiver_id": receiver_id,
            "limit": limit,
            "mine": self._mine(),
            "without": encode_words(without),
        }
        return _newest_first(
            decode_deliveries(
                await self._database.run(lambda connection: connection.scalar(self._more, asked))
            )
        )

    async def begin(self, delivery_ids: Sequence[str], *, now_ns: int, on_disk: bool) -> frozenset[str]:
        """Note that attempts begin, and return the ids of those that may.

        Those that no longer wait, that belong to another notifier, or of whose lane another one is being
        sent, may not. Of two that are of one lane, the newer one may.

        Parameters
        ----------
        on_disk
            Wait for the disk: for messages that a power cut must not send twice.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now; then nothing may be sent.
        """
        tries = 1
        while True:
            try:
                return await self._database.run(
                    lambda connection: self._start(connection, delivery_ids, now_ns), on_disk=on_disk
                )
            except IntegrityError:
                # Another notifier began one of the same lane at this moment.
                if tries == _BEGIN_TRIES:
                    raise
                tries += 1

    async def record(self, results: Sequence[AttemptRecord], *, now_ns: int) -> tuple[Recorded, ...]:
        """Store what came of deliveries in one transaction that is on disk when this returns.

        A delivery that would be attempted again ends ``superseded`` if a newer one of its lane has not ended,
        and ``gone`` if its receiver is gone. A receiver that wants no more messages takes everything with it
        that waits for it.

        Raises
        ------
        StoreUnavailable
            If the database cannot be used now; the same results can be recorded later.
        """
        return await self._database.run(
            lambda connection: self._recording.record(
                connection, results, now_ns=now_ns, mine=self._database.instances
            )
        )

    async def contents(self, event_ids: Iterable[str]) -> dict[str, EventContent]:
        """Return what events say."""
        asked = {"ids": encode_words(event_ids)}
        rows = await self._database.run(lambda connection: connection.execute(self._contents, asked).all())
        return {
            row.event_id: EventContent(
                value=bytes(row.value), received_at_ns=row.received_at_ns, published_at_ns=row.published_at_ns
            )
            for row in rows
        }

    async def backlog(self) -> tuple[Backlog, ...]:
        """Return what has not ended, by channel; a channel in which nothing waits is not in it."""
        rows = await self._database.run(lambda connection: connection.execute(_BACKLOG).all())
        return tuple(
            Backlog(channel=Channel(channel), count=count, oldest_received_at_ns=oldest)
            for channel, count, oldest in rows
        )

    def _mine(self) -> str:
        return encode_words(self._database.instances)

    def _load(self, connection: Connection, limit: int, in_progress: Collection[str]) -> Loaded:
        mine = self._database.instances
        dead = self._claiming.dead(connection, mine)
        _, claimed = self._claiming.claim(connection, dead, owner=mine[-1], limit=_ALL)
        known = {"mine": encode_words(mine), "in_progress": encode_words(in_progress)}
        stranded = [each for (each,) in decode_rows(connection.scalar(self._stranded, known))]
        interrupted = [each for each in {*claimed, *stranded} if each not in set(in_progress)]
        asked = {"mine": encode_words(mine), "limit": limit + 1}
        newest = _newest_first(decode_deliveries(connection.scalar(self._newest, asked)))
        counts: Counter[str] = Counter()
        kept = []
        for delivery in newest:
            counts[delivery.receiver_id] += 1
            if counts[delivery.receiver_id] <= limit:
                kept.append(delivery)
        return Loaded(
            deliveries=self._read(connection, interrupted) + tuple(kept),
            receivers_with_more=frozenset(receiver for receiver, count in counts.items() if count > limit),
        )

    def _claim(self, connection: Connection) -> tuple[PendingDelivery, ...]:
        mine = self._database.instances
        dead = self._claiming.dead(connection, mine)
        if not dead:
            return ()
        pending, sending = self._claiming.claim(connection, dead, owner=mine[-1], limit=_CLAIMED_AT_ONCE)
        return self._read(connection, pending + sending)

    def _read(self, connection: Connection, delivery_ids: Sequence[str]) -> tuple[PendingDelivery, ...]:
        if not delivery_ids:
            return ()
        asked = {"ids": encode_words(delivery_ids)}
        return _newest_first(decode_deliveries(connection.scalar(self._by_id, asked)))

    def _start(self, connection: Connection, delivery_ids: Sequence[str], now_ns: int) -> frozenset[str]:
        asked = {"ids": encode_words(delivery_ids), "mine": self._mine()}
        startable = decode_rows(connection.scalar(self._startable, asked))
        # The last one of a lane is its newest.
        startable.sort()
        lanes = {
            (subscription, divergence_id): delivery_id
            for _, delivery_id, subscription, divergence_id in startable
        }
        if len(lanes) < len(delivery_ids):
            connection.execute(self._overtaken, asked | {"now_ns": now_ns})
        if lanes:
            begun = {"ids": encode_words(lanes.values()), "now_ns": now_ns, "owner": self._database.instance}
            connection.execute(self._begin, begun)
        return frozenset(lanes.values())


def _newest_first(deliveries: tuple[PendingDelivery, ...]) -> tuple[PendingDelivery, ...]:
    return tuple(sorted(deliveries, key=lambda each: (each.received_at_ns, each.sequence), reverse=True))
