"""What is known of a receiver survives a restart, and one that is gone comes back only when it is enabled."""

from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverChange, ReceiverLog, ReceiverState
from tests.support.builders import divergence
from tests.support.stored_events import DELIVERED, DESK, GONE, added, attempt, begin, finish

PAUSED = ReceiverChange(
    receiver_id=DESK.receiver_id, subscription="desk", not_before_ns=900, failing_since_ns=100
)


async def test_pause_of_a_receiver_survives_a_restart(store_url: str) -> None:
    first = await Database.open(store_url)
    assert await ReceiverLog(first).all() == ()
    await ReceiverLog(first).change(PAUSED)
    await first.close()

    second = await Database.open(store_url)
    receivers = await ReceiverLog(second).all()
    await second.close()

    assert receivers == (
        ReceiverState(
            receiver_id=DESK.receiver_id,
            subscription="desk",
            is_gone=False,
            gone_reason="",
            gone_at_ns=None,
            not_before_ns=900,
            failing_since_ns=100,
        ),
    )


async def test_receiver_that_is_well_again_is_stored_with_the_result(database: Database) -> None:
    (delivery,) = await added(database, divergence(), DESK)
    await ReceiverLog(database).change(PAUSED)
    await begin(database, delivery)
    well = ReceiverChange(receiver_id=DESK.receiver_id, subscription="desk")

    await DeliveryQueue(database).record(
        [AttemptRecord(delivery=delivery, decision=DELIVERED, attempt=attempt(), receiver=well)], now_ns=5
    )

    (receiver,) = await ReceiverLog(database).all()
    assert (receiver.not_before_ns, receiver.failing_since_ns) == (None, None)


async def test_last_change_of_a_receiver_in_a_batch_counts(database: Database) -> None:
    (first,) = await added(database, divergence(onset="1"), DESK)
    (second,) = await added(database, divergence(onset="2", sequence=2), DESK)
    await begin(database, first, second)
    well = ReceiverChange(receiver_id=DESK.receiver_id, subscription="desk")

    await DeliveryQueue(database).record(
        [
            AttemptRecord(delivery=first, decision=DELIVERED, attempt=attempt(), receiver=well),
            AttemptRecord(delivery=second, decision=DELIVERED, attempt=attempt(), receiver=PAUSED),
        ],
        now_ns=5,
    )

    (receiver,) = await ReceiverLog(database).all()
    assert receiver.not_before_ns == 900


async def test_gone_receiver_stays_gone_until_it_is_enabled(database: Database) -> None:
    receivers = ReceiverLog(database)
    (delivery,) = await added(database, divergence(), DESK)
    await finish(database, delivery, GONE, now_ns=50)

    await receivers.change(PAUSED)
    await receivers.change(
        ReceiverChange(receiver_id=DESK.receiver_id, subscription="desk", is_gone=True, reason="later"),
        now_ns=60,
    )
    (gone,) = await receivers.all()
    assert (gone.is_gone, gone.gone_reason, gone.gone_at_ns) == (True, "gone", 50)
    assert await added(database, divergence(onset="2", sequence=2), DESK) == ()

    assert await receivers.enable([DESK.receiver_id, "rc_unknown"]) == 1
    (back,) = await receivers.all()
    assert (back.is_gone, back.gone_reason, back.gone_at_ns) == (False, "", None)
    assert (back.not_before_ns, back.failing_since_ns) == (None, None)
    assert len(await added(database, divergence(onset="3", sequence=3), DESK)) == 1
