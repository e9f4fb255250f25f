"""Each decision waits for the audit until it is marked: how deliveries ended, and what was held back."""

from dataclasses import replace

from services.notifier.core.message_ids import delivery_id_of
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from shared.domain.divergences import Severity, Transition
from tests.support.builders import divergence
from tests.support.stored_events import ANN, DELIVERED, DESK, OPS, add, added, begin, finish, record, retry_at

SECOND = 1_000_000_000
CRITICAL_ONLY = replace(ANN, min_severity=Severity.CRITICAL)


async def test_event_that_was_held_back_is_a_decision_too(database: Database) -> None:
    await add(database, divergence(), DESK, CRITICAL_ONLY, at_ns=5 * SECOND)

    outcomes = await AuditOutbox(database).unpublished(limit=10)

    assert outcomes == (
        DeliveryOutcome(
            delivery_id=delivery_id_of(event_id=divergence().event_id, subscription="ann"),
            event_id=divergence().event_id,
            subscription="ann",
            channel=Channel.EMAIL,
            outcome=Outcome.SUPPRESSED,
            reason="below_severity",
            attempts=0,
            message_id="",
            ended_at="1970-01-01T00:00:05.000000Z",
            endpoint_sequence=0,
            pair="gold-iwm",
            divergence_id=divergence().divergence_id,
        ),
    )


async def test_decisions_come_in_the_order_in_which_they_were_made(database: Database) -> None:
    (first, second) = await added(database, divergence(), DESK, OPS, at_ns=SECOND)
    await finish(database, second, DELIVERED, now_ns=2 * SECOND)
    await add(database, divergence(onset="another", sequence=2), CRITICAL_ONLY, at_ns=3 * SECOND)
    await finish(database, first, DELIVERED, now_ns=4 * SECOND)
    outbox = AuditOutbox(database)

    outcomes = await outbox.unpublished(limit=10)
    two = await outbox.unpublished(limit=2)

    assert [each.subscription for each in outcomes] == ["ops", "ann", "desk"]
    assert two == outcomes[:2]
    await outbox.mark_published(two)
    assert await outbox.unpublished(limit=10) == outcomes[2:]
    await outbox.mark_published(outcomes)
    await outbox.mark_published([])
    assert await outbox.unpublished(limit=10) == ()


async def test_superseded_delivery_is_a_decision(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)
    await record(database, opened, retry_at(9 * SECOND))
    await added(database, divergence(type=Transition.CLOSED, sequence=2), DESK, at_ns=5 * SECOND)

    (outcome,) = await AuditOutbox(database).unpublished(limit=10)

    assert (outcome.outcome, outcome.reason, outcome.attempts) == (Outcome.SUPERSEDED, "superseded", 1)
    assert (outcome.endpoint_sequence, outcome.ended_at) == (1, "1970-01-01T00:00:05.000000Z")


async def test_marking_one_decision_leaves_others_of_the_same_moment(database: Database) -> None:
    deliveries = await added(database, divergence(), DESK, OPS, ANN)
    await begin(database, *deliveries)
    await DeliveryQueue(database).record(
        [AttemptRecord(delivery=each, decision=DELIVERED) for each in deliveries], now_ns=SECOND
    )
    outbox = AuditOutbox(database)
    (first, *others) = await outbox.unpublished(limit=10)

    await outbox.mark_published([first])

    assert await outbox.unpublished(limit=10) == tuple(others)
    assert len(others) == 2
