"""Put events into a delivery store and take their deliveries to an end, in few words."""

from collections.abc import Callable, Collection

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.retry import DeliveryEnded, RetryAt, RetryDecision
from services.notifier.core.routing import (
    DeliveryPlan,
    RoutingHistory,
    Subscription,
    TimeBase,
    plan_deliveries,
    receivers_with_interval,
)
from services.notifier.store.attempt_records import Attempt, AttemptRecord, Recorded
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, ReceivedEvent, Repeated, StoredEvent
from services.notifier.store.positions import LogPosition
from services.notifier.store.queue import DeliveryQueue
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel, Outcome
from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339

DESK = Subscription(name="desk", channel=Channel.WEBHOOK, receiver="https://desk.example/")
OPS = Subscription(name="ops", channel=Channel.WEBHOOK, receiver="https://ops.example/")
ANN = Subscription(name="ann", channel=Channel.EMAIL, receiver="ann@example.com")

DELIVERED = DeliveryEnded(outcome=Outcome.DELIVERED, reason="")
REJECTED = DeliveryEnded(outcome=Outcome.REJECTED, reason="not_found")
EXPIRED = DeliveryEnded(outcome=Outcome.EXPIRED, reason="deadline_passed")
GONE = DeliveryEnded(outcome=Outcome.GONE, reason="gone")


def retry_at(at_ns: int, reason: FailureReason = FailureReason.SERVER_ERROR) -> RetryAt:
    """Return the decision to attempt again."""
    return RetryAt(reason=reason, next_attempt_at_ns=at_ns)


def attempt(answer: str = "delivered", detail: str = "") -> Attempt:
    """Return an attempt for the log of attempts."""
    return Attempt(started_at_ns=1, duration_seconds=0.5, answer=answer, reason="", detail=detail)


def received_event(event: DivergenceEvent, *, at_ns: int = 1_000) -> ReceivedEvent:
    """Return an event as if it had come from Kafka."""
    return ReceivedEvent(
        event_id=event.event_id,
        value=DIVERGENCES.encode(event),
        pair=event.pair,
        divergence_id=event.divergence_id,
        sequence=event.sequence,
        received_at_ns=at_ns,
        published_at_ns=at_ns,
        headers={"origin_topic": "ticks.v1"},
        fingerprint=event.fingerprint,
        severity=event.severity.value,
        occurred_at_ns=parse_rfc3339(event.occurred_at),
    )


def planned(
    event: DivergenceEvent, *subscriptions: Subscription, at_ns: int = 1_000
) -> Callable[[RoutingHistory], DeliveryPlan]:
    """Return the routing's plan for an event."""

    def plan(history: RoutingHistory) -> DeliveryPlan:
        return plan_deliveries(
            event,
            subscriptions=subscriptions,
            history=history,
            first_seen_ns=at_ns,
            time_base=TimeBase.REPLAY,
            mail_domain="convex.example",
        )

    return plan


async def add(
    database: Database,
    event: DivergenceEvent,
    *subscriptions: Subscription,
    at_ns: int = 1_000,
    position: LogPosition | None = None,
) -> StoredEvent | Repeated:
    """Store an event with the deliveries that the routing plans."""
    return await EventLog(database).add(
        received_event(event, at_ns=at_ns),
        planned(event, *subscriptions, at_ns=at_ns),
        position=position,
        now_ns=at_ns,
        receivers_with_interval=receivers_with_interval(subscriptions),
    )


async def added(
    database: Database, event: DivergenceEvent, *subscriptions: Subscription, at_ns: int = 1_000
) -> tuple[PendingDelivery, ...]:
    """Store an event that is new and return its deliveries."""
    stored = await add(database, event, *subscriptions, at_ns=at_ns)
    assert isinstance(stored, StoredEvent)
    return stored.deliveries


async def begin(database: Database, *deliveries: PendingDelivery, now_ns: int = 2_000) -> frozenset[str]:
    """Begin attempts."""
    ids = [each.delivery_id for each in deliveries]
    return await DeliveryQueue(database).begin(ids, now_ns=now_ns, on_disk=False)


async def record(
    database: Database, delivery: PendingDelivery, decision: RetryDecision, *, now_ns: int = 3_000
) -> Recorded:
    """Store what came of one delivery of which an attempt was made."""
    result = AttemptRecord(delivery=delivery, decision=decision, attempt=attempt())
    (recorded,) = await DeliveryQueue(database).record([result], now_ns=now_ns)
    return recorded


async def finish(
    database: Database, delivery: PendingDelivery, decision: RetryDecision, *, now_ns: int = 3_000
) -> Recorded:
    """Make one attempt of a delivery from beginning to end."""
    assert await begin(database, delivery) == {delivery.delivery_id}
    return await record(database, delivery, decision, now_ns=now_ns)


async def waiting(database: Database) -> list[tuple[str, int]]:
    """Return subscription and sequence of what waits, the newest first."""
    loaded = await DeliveryQueue(database).load(1_000)
    return [(each.subscription, each.sequence) for each in loaded.deliveries]


async def states(database: Database, delivery_ids: Collection[str] | None = None) -> dict[str, str]:
    """Return the state of each delivery, or of some."""
    rows = await database.run(
        lambda connection: connection.exec_driver_sql("SELECT delivery_id, state FROM deliveries").all()
    )
    return {row[0]: row[1] for row in rows if delivery_ids is None or row[0] in delivery_ids}


async def scalar(database: Database, query: str) -> object:
    """Return the only value of a query's only row."""
    return await database.run(lambda connection: connection.exec_driver_sql(query).scalar())


async def execute(database: Database, statement: str) -> None:
    """Run a statement that returns nothing."""
    await database.run(lambda connection: connection.exec_driver_sql(statement).close())
