"""A store with messages of subscriptions in every state, for tests that read them."""

from collections.abc import Callable, Sequence
from typing import Any

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.retry import DeliveryEnded, RetryAt
from services.notifier.core.routing import (
    DeliveryPlan,
    RoutingHistory,
    Subscription,
    TimeBase,
    plan_deliveries,
)
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, ReceivedEvent, StoredEvent
from services.notifier.store.queue import DeliveryQueue
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel, Outcome
from shared.domain.divergences import DivergenceEvent
from tests.support.builders import divergence

DESK = Subscription(name="desk", channel=Channel.WEBHOOK, receiver="https://desk.example/")
ANN = Subscription(name="ann", channel=Channel.EMAIL, receiver="ann@example.com")
HOUR_NS = 3_600 * 1_000_000_000


def event(number: int, **changes: Any) -> DivergenceEvent:
    """Return an event of a divergence of its own."""
    fields = {"event_id": f"ev_{number:032}", "divergence_id": f"dv_{number:032}", "sequence": number}
    return divergence(**(fields | changes))


async def store(
    database: Database,
    stored: DivergenceEvent,
    *subscriptions: Subscription,
    at_ns: int = 1_000,
    value: bytes | None = None,
) -> tuple[PendingDelivery, ...]:
    """Store an event and return its deliveries."""

    def plan(history: RoutingHistory) -> DeliveryPlan:
        return plan_deliveries(
            stored,
            subscriptions=subscriptions,
            history=history,
            first_seen_ns=at_ns,
            time_base=TimeBase.REPLAY,
            mail_domain="convex.example",
        )

    received = ReceivedEvent(
        event_id=stored.event_id,
        value=DIVERGENCES.encode(stored) if value is None else value,
        pair=stored.pair,
        divergence_id=stored.divergence_id,
        sequence=stored.sequence,
        received_at_ns=at_ns,
        published_at_ns=at_ns,
        headers={},
    )
    added = await EventLog(database).add(received, plan)
    assert isinstance(added, StoredEvent)
    return added.deliveries


async def end(
    database: Database,
    deliveries: Sequence[PendingDelivery],
    outcome: Outcome,
    reason: str = "",
    *,
    now_ns: int = 2_000,
) -> None:
    """Let deliveries begin and end."""
    decision = DeliveryEnded(outcome=outcome, reason=reason)
    await _record(database, deliveries, lambda: decision, now_ns=now_ns)


async def defer(database: Database, deliveries: Sequence[PendingDelivery], *, until_ns: int) -> None:
    """Let deliveries begin, fail, and wait until an instant."""
    decision = RetryAt(reason=FailureReason.SERVER_ERROR, next_attempt_at_ns=until_ns)
    await _record(database, deliveries, lambda: decision, now_ns=2_000)


async def _record(
    database: Database,
    deliveries: Sequence[PendingDelivery],
    decision: Callable[[], DeliveryEnded | RetryAt],
    *,
    now_ns: int,
) -> None:
    queue = DeliveryQueue(database)
    ids = [each.delivery_id for each in deliveries]
    assert await queue.begin(ids, now_ns=now_ns, on_disk=False) == frozenset(ids)
    records = [
        AttemptRecord(delivery=each, decision=decision(), attempt=None, receiver=None) for each in deliveries
    ]
    await queue.record(records, now_ns=now_ns)
