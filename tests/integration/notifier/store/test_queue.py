"""Attempts begin once, one in a lane at a time, and what waits is read again after a restart."""

import pytest

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.retry import DeliveryEnded, RetryDecision
from services.notifier.store.attempt_records import Attempt, AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverChange, ReceiverLog
from shared.domain.deliveries import Channel, Outcome
from shared.domain.divergences import Transition
from tests.support.builders import divergence
from tests.support.stored_events import (
    ANN,
    DELIVERED,
    DESK,
    EXPIRED,
    GONE,
    OPS,
    REJECTED,
    added,
    attempt,
    begin,
    finish,
    record,
    retry_at,
    scalar,
    states,
    waiting,
)


async def test_attempt_begins_once(database: Database) -> None:
    (delivery, mail) = await added(database, divergence(), DESK, ANN)

    first = await begin(database, delivery, mail)
    second = await begin(database, delivery, mail)

    assert first == {delivery.delivery_id, mail.delivery_id}
    assert second == frozenset()
    assert set((await states(database)).values()) == {"sending"}
    assert await scalar(database, "SELECT sum(attempts) FROM deliveries") == 2
    assert await scalar(database, "SELECT min(sending_since_ns) FROM deliveries") == 2_000


async def test_delivery_that_ended_does_not_begin(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)
    await finish(database, delivery, DELIVERED)

    assert await begin(database, delivery) == frozenset()


async def test_unknown_delivery_does_not_begin(database: Database) -> None:
    assert await DeliveryQueue(database).begin([], now_ns=1, on_disk=True) == frozenset()
    assert await DeliveryQueue(database).begin(["dl_unknown"], now_ns=1, on_disk=True) == frozenset()


async def test_one_delivery_of_a_lane_is_being_sent_at_a_time(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)
    (escalated,) = await added(database, divergence(type=Transition.ESCALATED, sequence=2), DESK)
    (other_lane,) = await added(database, divergence(onset="another", sequence=3), DESK)

    assert await begin(database, escalated, other_lane) == {other_lane.delivery_id}
    await record(database, opened, DELIVERED)
    assert await begin(database, escalated) == {escalated.delivery_id}


async def test_of_two_deliveries_of_a_lane_the_newer_one_begins(database: Database) -> None:
    """Two wait in one lane only after an upgrade, which knew no superseding."""
    (opened,) = await added(database, divergence(), DESK)
    (closed,) = await added(database, divergence(type=Transition.CLOSED, sequence=2), DESK)
    pending = "UPDATE deliveries SET state = 'pending', ended_at_ns = NULL"
    await database.run(lambda connection: connection.exec_driver_sql(pending))

    assert await begin(database, opened, closed) == {closed.delivery_id}


async def test_outcome_survives_a_restart(store_url: str) -> None:
    first = await Database.open(store_url)
    (delivery,) = await added(first, divergence(), DESK)
    await finish(first, delivery, retry_at(77))
    await first.close()

    second = await Database.open(store_url)
    (again,) = (await DeliveryQueue(second).load(10)).deliveries
    await second.close()

    assert again.attempts == 1
    assert again.last_reason == "server_error"
    assert again.next_attempt_at_ns == 77
    assert not again.is_interrupted


async def test_attempt_that_had_begun_is_interrupted_after_a_restart(store_url: str) -> None:
    first = await Database.open(store_url)
    (delivery, other) = await added(first, divergence(), DESK, OPS)
    await begin(first, delivery)
    await first.close()

    second = await Database.open(store_url)
    loaded = (await DeliveryQueue(second).load(10)).deliveries
    assert {each.delivery_id: each.is_interrupted for each in loaded} == {
        delivery.delivery_id: True,
        other.delivery_id: False,
    }
    (interrupted,) = [each for each in loaded if each.is_interrupted]
    assert interrupted.attempts == 1
    # It stays as it is until it is decided what becomes of it; meanwhile another restart may happen.
    assert await begin(second, interrupted) == frozenset()
    await second.close()
    third = await Database.open(store_url)
    (interrupted,) = [
        each for each in (await DeliveryQueue(third).load(10)).deliveries if each.is_interrupted
    ]
    (recorded,) = await DeliveryQueue(third).record(
        [AttemptRecord(delivery=interrupted, decision=retry_at(5_000, FailureReason.UNKNOWN))], now_ns=4_000
    )
    assert recorded.state == "pending"
    waiting_now = {each.delivery_id: each for each in (await DeliveryQueue(third).load(10)).deliveries}
    await third.close()
    again = waiting_now[delivery.delivery_id]
    assert (again.attempts, again.unknown_attempts, again.is_interrupted) == (1, 1, False)


async def test_what_this_process_is_sending_is_not_loaded_again(database: Database) -> None:
    (delivery, _) = await added(database, divergence(), DESK, OPS)
    await begin(database, delivery)

    loaded = await DeliveryQueue(database).load(10, in_progress=[delivery.delivery_id])

    assert [each.subscription for each in loaded.deliveries] == ["ops"]


async def test_what_this_process_began_without_knowing_is_interrupted(database: Database) -> None:
    """The store failed after the commit, before it could say so."""
    (delivery,) = await added(database, divergence(), DESK)
    await begin(database, delivery)

    (loaded,) = (await DeliveryQueue(database).load(10)).deliveries

    assert (loaded.delivery_id, loaded.is_interrupted) == (delivery.delivery_id, True)


async def test_long_queue_of_one_receiver_does_not_hide_another(database: Database) -> None:
    for number in range(5):
        await added(database, divergence(onset=str(number), sequence=number), DESK, at_ns=100 + number)
    await added(database, divergence(onset="last", sequence=9), ANN, at_ns=1)

    loaded = await DeliveryQueue(database).load(2)

    assert [(each.subscription, each.sequence) for each in loaded.deliveries] == [
        ("desk", 4),
        ("desk", 3),
        ("ann", 9),
    ]
    assert loaded.receivers_with_more == {DESK.receiver_id}


async def test_more_returns_the_newest_that_wait_for_a_receiver(database: Database) -> None:
    deliveries = [
        (
            await added(
                database, divergence(onset=str(number), sequence=number), DESK, ANN, at_ns=100 + number
            )
        )[0]
        for number in range(5)
    ]
    queue = DeliveryQueue(database)
    await begin(database, deliveries[4])

    newest = await queue.more(DESK.receiver_id, 2)
    rest = await queue.more(DESK.receiver_id, 9, without=[each.delivery_id for each in newest])

    assert newest == (deliveries[3], deliveries[2])
    assert rest == (deliveries[1], deliveries[0])
    assert await queue.more("rc_unknown", 2) == ()


async def test_result_of_a_delivery_that_ended_changes_nothing(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)
    await finish(database, delivery, DELIVERED, now_ns=3_000)

    again = await record(database, delivery, REJECTED, now_ns=4_000)

    assert again.state is None
    assert await states(database) == {delivery.delivery_id: "delivered"}
    assert await scalar(database, "SELECT ended_at_ns FROM deliveries") == 3_000
    assert await scalar(database, "SELECT count(*) FROM attempts") == 1


async def test_each_result_of_a_batch_is_stored_on_its_own(database: Database) -> None:
    deliveries = [
        (await added(database, divergence(onset=str(number), sequence=number), DESK))[0]
        for number in range(5)
    ]
    await begin(database, *deliveries[:4])
    decisions: list[RetryDecision] = [
        DELIVERED,
        REJECTED,
        retry_at(99),
        DeliveryEnded(outcome=Outcome.UNKNOWN, reason="unknown"),
    ]
    results = [
        AttemptRecord(delivery=delivery, decision=decision, attempt=attempt())
        for delivery, decision in zip(deliveries, decisions, strict=False)
    ]
    too_late = AttemptRecord(delivery=deliveries[4], decision=EXPIRED)

    recorded = await DeliveryQueue(database).record([*results, too_late, results[0]], now_ns=3_000)

    assert [each.state for each in recorded] == [
        "delivered",
        "rejected",
        "pending",
        "unknown",
        "expired",
        None,
    ]
    assert [each.delivery_id for each in recorded] == [
        each.delivery.delivery_id for each in [*results, too_late, results[0]]
    ]
    assert await scalar(database, "SELECT count(*) FROM attempts") == 4
    assert await scalar(database, "SELECT sum(unknown_attempts) FROM deliveries") == 1
    assert await scalar(database, "SELECT attempts FROM deliveries WHERE state = 'expired'") == 0
    assert await DeliveryQueue(database).record([], now_ns=1) == ()


async def test_attempts_are_kept_each_with_its_answer(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)
    for number in (1, 2):
        await begin(database, delivery)
        result = AttemptRecord(
            delivery=delivery,
            decision=retry_at(99) if number == 1 else DELIVERED,
            attempt=Attempt(
                started_at_ns=number,
                duration_seconds=0.25,
                answer="deferred",
                reason="timed_out",
                detail="slow",
            ),
        )
        await DeliveryQueue(database).record([result], now_ns=3_000)

    rows = await database.run(
        lambda connection: connection.exec_driver_sql("SELECT * FROM attempts ORDER BY attempt").all()
    )

    assert [tuple(row) for row in rows] == [
        (delivery.delivery_id, 1, 1, 0.25, "deferred", "timed_out", "slow"),
        (delivery.delivery_id, 2, 2, 0.25, "deferred", "timed_out", "slow"),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        Attempt(started_at_ns=1, duration_seconds=float("nan"), answer="", reason="", detail=""),
        Attempt(started_at_ns=1, duration_seconds=float("inf"), answer="", reason="", detail=""),
        Attempt(started_at_ns=1, duration_seconds=0.0, answer="a" * 99, reason="r" * 99, detail="d" * 99_999),
        Attempt(
            started_at_ns=1,
            duration_seconds=0.0,
            answer="\x00",
            reason="\ud800",
            detail="\x00\udcff\U0010ffff",
        ),
        Attempt(
            started_at_ns=2**80, duration_seconds=1e308, answer="", reason="", detail="'; DROP TABLE x; --"
        ),
        Attempt(
            started_at_ns=-(2**80), duration_seconds=-1.0, answer="", reason="", detail=":rows {ids} %s ?"
        ),
    ],
    ids=["nan", "infinite", "long", "no text", "far", "far back"],
)
async def test_odd_answer_stops_neither_its_own_result_nor_others(database: Database, odd: Attempt) -> None:
    (delivery, other) = await added(database, divergence(), DESK, OPS)
    await begin(database, delivery, other)

    recorded = await DeliveryQueue(database).record(
        [
            AttemptRecord(delivery=delivery, decision=retry_at(2**90), attempt=odd),
            AttemptRecord(delivery=other, decision=DELIVERED, attempt=attempt()),
        ],
        now_ns=3_000,
    )

    assert [each.state for each in recorded] == ["pending", "delivered"]
    assert await scalar(database, "SELECT count(*) FROM attempts") == 2
    (again,) = (await DeliveryQueue(database).load(10)).deliveries
    assert again.next_attempt_at_ns == 2**63 - 1


async def test_receiver_that_is_gone_takes_everything_with_it(database: Database) -> None:
    deliveries = []
    for number in range(3):
        event = divergence(onset=str(number), sequence=number)
        deliveries.append((await added(database, event, DESK, ANN))[0])
    first, second, third = deliveries
    await begin(database, first, second)

    ended = await record(database, first, GONE, now_ns=5)
    # It was in flight at the same time, and its answer comes a moment later.
    ended_later = await record(database, second, retry_at(99), now_ns=6)

    assert (ended.state, ended.also_ended) == ("gone", (third.delivery_id,))
    assert (ended_later.state, ended_later.also_ended) == ("gone", ())
    assert {name for name, _ in await waiting(database)} == {"ann"}
    (gone,) = await ReceiverLog(database).all()
    assert (gone.receiver_id, gone.subscription, gone.is_gone) == (DESK.receiver_id, "desk", True)
    assert (gone.gone_reason, gone.gone_at_ns) == ("gone", 5)
    assert await added(database, divergence(onset="more"), DESK) == ()


async def test_both_answers_of_a_gone_receiver_in_one_batch_count_once(database: Database) -> None:
    (first,) = await added(database, divergence(onset="1"), DESK)
    (second,) = await added(database, divergence(onset="2", sequence=2), DESK)
    await begin(database, first, second)

    recorded = await DeliveryQueue(database).record(
        [AttemptRecord(delivery=each, decision=GONE, attempt=attempt()) for each in (first, second)], now_ns=5
    )

    assert [(each.state, each.also_ended) for each in recorded] == [("gone", ()), ("gone", ())]


async def test_receiver_that_disables_itself_with_its_last_answer_is_gone(database: Database) -> None:
    (first,) = await added(database, divergence(onset="1"), DESK)
    (second,) = await added(database, divergence(onset="2", sequence=2), DESK)
    await begin(database, first)
    change = ReceiverChange(
        receiver_id=DESK.receiver_id, subscription="desk", is_gone=True, reason="disabled"
    )
    result = AttemptRecord(delivery=first, decision=DELIVERED, attempt=attempt(), receiver=change)

    (recorded,) = await DeliveryQueue(database).record([result], now_ns=5)

    assert (recorded.state, recorded.also_ended) == ("delivered", (second.delivery_id,))
    (receiver,) = await ReceiverLog(database).all()
    assert (receiver.is_gone, receiver.gone_reason) == (True, "disabled")


async def test_newer_message_no_longer_names_what_arrived_after_all(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await finish(database, opened, EXPIRED)
    (escalated,) = await added(database, divergence(type=Transition.ESCALATED, sequence=2), DESK)
    await begin(database, escalated)
    (closed,) = await added(database, divergence(type=Transition.CLOSED, sequence=3), DESK)
    assert [each.endpoint_sequence for each in closed.replaces] == [1]

    recorded = await record(database, escalated, DELIVERED)

    assert (recorded.newer, recorded.newer_replaces) == (closed.delivery_id, ())
    (again,) = (await DeliveryQueue(database).load(10)).deliveries
    assert again.replaces == ()


async def test_newer_message_names_one_that_failed_while_it_waited(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)
    (closed,) = await added(database, divergence(type=Transition.CLOSED, sequence=2), DESK)

    recorded = await record(database, opened, REJECTED)

    assert recorded.state == "rejected"
    assert recorded.newer == closed.delivery_id
    assert [(each.endpoint_sequence, each.outcome) for each in recorded.newer_replaces] == [
        (1, Outcome.REJECTED)
    ]


async def test_message_is_attempted_again_when_the_newer_one_ended_in_the_same_batch(
    database: Database,
) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)
    (closed,) = await added(database, divergence(type=Transition.CLOSED, sequence=2), DESK)

    recorded = await DeliveryQueue(database).record(
        [
            AttemptRecord(delivery=opened, decision=retry_at(9_000), attempt=attempt()),
            AttemptRecord(delivery=closed, decision=EXPIRED),
        ],
        now_ns=3_000,
    )

    assert [each.state for each in recorded] == ["pending", "expired"]


async def test_outcome_is_handed_out_until_it_is_marked(database: Database) -> None:
    outbox = AuditOutbox(database)
    (delivery,) = await added(database, divergence(), DESK)
    assert await outbox.unpublished(limit=10) == ()
    await finish(database, delivery, REJECTED, now_ns=1_399_034_110_000_000_000)

    (outcome,) = await outbox.unpublished(limit=10)
    await outbox.mark_published([outcome])

    assert outcome.outcome is Outcome.REJECTED
    assert outcome.reason == "not_found"
    assert outcome.attempts == 1
    assert outcome.message_id == divergence().event_id
    assert outcome.ended_at == "2014-05-02T12:35:10.000000Z"
    assert await outbox.unpublished(limit=10) == ()


async def test_backlog_counts_what_has_not_ended(database: Database) -> None:
    queue = DeliveryQueue(database)
    assert await queue.backlog() == ()
    (delivery, _) = await added(database, divergence(), DESK, ANN, at_ns=500)
    await added(database, divergence(onset="another"), DESK, at_ns=600)
    await begin(database, delivery)

    backlog = {each.channel: (each.count, each.oldest_received_at_ns) for each in await queue.backlog()}

    assert backlog == {Channel.WEBHOOK: (2, 500), Channel.EMAIL: (1, 500)}


async def test_nothing_is_left_by_ended_notifiers_while_none_has_ended(database: Database) -> None:
    (delivery, _) = await added(database, divergence(), DESK, ANN)
    await begin(database, delivery)

    assert await DeliveryQueue(database).claim() == ()
