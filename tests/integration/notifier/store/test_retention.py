"""Old divergences are deleted as a whole, but nothing that still waits, and no number is given twice."""

from dataclasses import replace

from services.notifier.store.database import Database
from services.notifier.store.endpoint_events import EndpointEvent, EndpointEvents
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.retention import Purged, Retention
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Severity, Transition
from tests.support.builders import divergence
from tests.support.stored_events import ANN, DELIVERED, DESK, EXPIRED, add, added, finish, record, scalar

CRITICAL_ONLY = replace(ANN, min_severity=Severity.CRITICAL)
NOTHING = Purged(divergences=0, events=0, deliveries=0, attempts=0, suppressions=0)


async def publish_audit(database: Database) -> None:
    outbox = AuditOutbox(database)
    await outbox.mark_published(await outbox.unpublished(limit=1_000))


async def test_divergence_is_deleted_as_a_whole_once_it_is_old(database: Database) -> None:
    retention = Retention(database)
    (opened,) = await added(database, divergence(), DESK, CRITICAL_ONLY, at_ns=100)
    await finish(database, opened, DELIVERED)
    closing = divergence(type=Transition.CLOSED, sequence=2)
    (closed,) = await added(database, closing, DESK, CRITICAL_ONLY, at_ns=200)
    await finish(database, closed, DELIVERED)
    await publish_audit(database)

    # Its newest event is not older than this.
    assert await retention.purge(200) == NOTHING
    assert await retention.purge(201) == Purged(
        divergences=1, events=2, deliveries=2, attempts=2, suppressions=2
    )
    assert await retention.purge(201) == NOTHING
    for table in ("events", "deliveries", "attempts", "suppressions"):
        assert await scalar(database, f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - numbers of the test


async def test_divergence_stays_while_a_delivery_waits_or_an_audit_record_is_not_out(
    database: Database,
) -> None:
    retention = Retention(database)
    (waits,) = await added(database, divergence(onset="1"), DESK, at_ns=1)
    (sending,) = await added(database, divergence(onset="2", sequence=2), DESK, at_ns=2)
    await DeliveryQueue(database).begin([sending.delivery_id], now_ns=3, on_disk=False)
    (ended,) = await added(database, divergence(onset="3", sequence=3), DESK, at_ns=3)
    await finish(database, ended, EXPIRED)
    await add(database, divergence(onset="4", sequence=4), CRITICAL_ONLY, at_ns=4)

    assert await retention.purge(10**9) == NOTHING
    await publish_audit(database)
    assert (await retention.purge(10**9)).divergences == 2
    await finish(database, waits, EXPIRED)
    await record(database, sending, DELIVERED)
    await publish_audit(database)
    assert (await retention.purge(10**9)).divergences == 2


async def test_event_that_nobody_subscribed_to_is_deleted_too(database: Database) -> None:
    await add(database, divergence(), at_ns=1)

    assert (await Retention(database).purge(2)).events == 1


async def test_oldest_divergences_are_deleted_first_and_some_at_a_time(database: Database) -> None:
    for number in (3, 1, 2):
        await add(database, divergence(onset=str(number), sequence=number), at_ns=number)
    retention = Retention(database)

    assert (await retention.purge(10, limit=2)).divergences == 2
    assert await scalar(database, "SELECT received_at_ns FROM events") == 3
    assert (await retention.purge(10, limit=2)).divergences == 1


async def test_numbers_go_on_after_a_purge_and_the_oldest_kept_is_known(database: Database) -> None:
    events = EndpointEvents(database)
    empty = await events.after("desk", 0, limit=10)
    assert (empty.events, empty.first_kept, empty.last) == ((), 1, 0)
    for number in (1, 2):
        (delivery,) = await added(
            database, divergence(onset=str(number), sequence=number), DESK, at_ns=number
        )
        await finish(database, delivery, DELIVERED)
    await publish_audit(database)
    (third,) = await added(database, divergence(onset="3", sequence=3), DESK, at_ns=3)
    await Retention(database).purge(3)

    page = await events.after("desk", 0, limit=10)

    assert third.endpoint_sequence == 3
    assert (page.first_kept, page.last) == (3, 3)
    await finish(database, third, DELIVERED)
    await publish_audit(database)
    await Retention(database).purge(4)
    page = await events.after("desk", 0, limit=10)
    assert (page.events, page.first_kept, page.last) == ((), 4, 3)
    (fourth,) = await added(database, divergence(onset="4", sequence=4), DESK, at_ns=4)
    assert fourth.endpoint_sequence == 4


async def test_messages_of_a_subscription_are_read_in_the_order_of_their_numbers(database: Database) -> None:
    for number in range(1, 6):
        event = divergence(onset=str(number), sequence=number)
        deliveries = await added(database, event, DESK, ANN, at_ns=1_000 - number)
        if number == 2:
            await finish(database, deliveries[0], DELIVERED)

    page = await EndpointEvents(database).after("desk", 1, limit=3)

    assert [each.endpoint_sequence for each in page.events] == [2, 3, 4]
    second = divergence(onset="2", sequence=2)
    assert page.events[0] == EndpointEvent(
        endpoint_sequence=2, state="delivered", event_id=second.event_id, value=DIVERGENCES.encode(second)
    )
    assert page.events[1].state == "pending"
    assert (page.first_kept, page.last) == (1, 5)
    assert (await EndpointEvents(database).after("desk", 2**62, limit=3)).events == ()
