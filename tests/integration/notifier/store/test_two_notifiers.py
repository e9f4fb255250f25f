"""Several notifiers on one PostgreSQL: a delivery has one owner, and what a dead one left is taken over."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.notifier.core.deliveries import PendingDelivery
from services.notifier.core.routing import Subscription
from services.notifier.store.attempt_records import AttemptRecord
from services.notifier.store.database import Database
from services.notifier.store.events import Repeated
from services.notifier.store.queue import DeliveryQueue
from shared.domain.deliveries import Channel
from shared.domain.divergences import Transition
from tests.support.builders import divergence
from tests.support.stored_events import (
    ANN,
    DELIVERED,
    DESK,
    OPS,
    add,
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

Pair = tuple[Database, Database]
MANY = [
    Subscription(name=f"s{number:02}", channel=Channel.WEBHOOK, receiver=f"https://{number}.example/")
    for number in range(20)
]


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[Pair]:
    one, two = await Database.open(postgres_url), await Database.open(postgres_url)
    yield one, two
    await one.close()
    await two.close()


async def end_other_connections(database: Database) -> None:
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await database.run(lambda connection: connection.exec_driver_sql(end))


def lanes(deliveries: tuple[PendingDelivery, ...]) -> set[tuple[str, int]]:
    return {(each.subscription, each.sequence) for each in deliveries}


async def test_delivery_belongs_to_the_notifier_that_stored_its_event(pair: Pair) -> None:
    one, two = pair
    (delivery,) = await added(one, divergence(), DESK)

    assert await begin(two, delivery) == frozenset()
    assert await waiting(two) == []
    assert await DeliveryQueue(two).claim() == ()
    assert await DeliveryQueue(two).more(DESK.receiver_id, 5) == ()
    assert (await record(two, delivery, DELIVERED)).state is None
    assert (await finish(one, delivery, DELIVERED)).state == "delivered"


async def test_same_event_is_stored_by_one_of_two(pair: Pair) -> None:
    results = await asyncio.gather(*(add(each, divergence(), *MANY) for each in pair))

    assert sorted(isinstance(each, Repeated) for each in results) == [False, True]
    assert len(await states(pair[0])) == len(MANY)


async def test_what_a_dead_notifier_left_is_claimed_once(pair: Pair, postgres_url: str) -> None:
    one, two = pair
    dead = await Database.open(postgres_url)
    (begun, _) = await added(dead, divergence(), DESK, OPS)
    await begin(dead, begun)
    await added(dead, divergence(onset="another", sequence=2), ANN)
    assert await DeliveryQueue(one).claim() == ()
    await dead.close()

    claimed = await asyncio.gather(*(DeliveryQueue(each).claim() for each in pair))

    assert sorted(map(len, claimed)) == [0, 3]
    (taken,) = [each for each in claimed if each]
    assert lanes(taken) == {("desk", 1), ("ops", 1), ("ann", 2)}
    assert {each.subscription for each in taken if each.is_interrupted} == {"desk"}
    owner = one if claimed[0] else two
    assert (await record(owner, begun, retry_at(9))).state == "pending"
    assert await DeliveryQueue(one).claim() == await DeliveryQueue(two).claim() == ()
    # The dead one is forgotten, once nothing of it is left.
    assert await scalar(one, "SELECT count(*) FROM notifiers") == 2


async def test_large_backlog_of_a_dead_notifier_is_claimed_in_parts(pair: Pair, postgres_url: str) -> None:
    dead = await Database.open(postgres_url)
    for number in range(60):
        await added(dead, divergence(onset=str(number), sequence=number), *MANY)
    await dead.close()
    one, two = pair

    parts = [len(await DeliveryQueue(each).claim()) for each in (one, two, one)]

    assert parts == [1_000, 200, 0]
    loaded = [(await DeliveryQueue(each).load(10_000)).deliveries for each in pair]
    assert list(map(len, loaded)) == [1_000, 200]
    assert not {each.delivery_id for each in loaded[0]} & {each.delivery_id for each in loaded[1]}


async def test_lane_has_one_delivery_in_flight_whoever_owns_it(pair: Pair) -> None:
    """The opening is being sent by one, and the escalation was stored by the other."""
    one, two = pair
    (opened,) = await added(one, divergence(), DESK)
    await begin(one, opened)
    (escalated,) = await added(two, divergence(type=Transition.ESCALATED, sequence=2), DESK)

    assert await begin(two, escalated) == frozenset()
    assert (await record(one, opened, retry_at(9))).state == "superseded"
    assert await begin(two, escalated) == {escalated.delivery_id}


async def test_two_that_begin_in_one_lane_at_once_do_not_both_begin(pair: Pair) -> None:
    one, two = pair
    for number in range(10):
        onset = str(number)
        (opened,) = await added(one, divergence(onset=onset, sequence=2 * number), DESK)
        (closed,) = await added(
            two, divergence(onset=onset, type=Transition.CLOSED, sequence=2 * number + 1), DESK
        )
        # As after an upgrade: both wait.
        again = f"UPDATE deliveries SET state = 'pending', ended_at_ns = NULL WHERE delivery_id = '{opened.delivery_id}'"  # noqa: S608, E501 - an id of the test
        await one.run(lambda connection, again=again: connection.exec_driver_sql(again))  # type: ignore[misc]  # bound now

        begun = await asyncio.gather(begin(one, opened), begin(two, closed))

        assert sorted(map(len, begun)) == [0, 1]


async def test_numbers_have_no_gap_when_two_write_at_once(pair: Pair) -> None:
    async def write(database: Database, first: int) -> None:
        for number in range(first, 40, 2):
            subscriptions = [each for place, each in enumerate(MANY) if (place + number) % 3]
            # In another order each time: only the store's own order keeps them from a deadlock.
            shuffled = subscriptions if first else subscriptions[::-1]
            await added(database, divergence(onset=str(number), sequence=number), *shuffled)

    await asyncio.gather(write(pair[0], 0), write(pair[1], 1))

    numbers = await pair[0].run(
        lambda connection: connection.exec_driver_sql(
            "SELECT subscription, endpoint_sequence FROM deliveries"
        ).all()
    )
    for subscription in MANY:
        mine = sorted(number for name, number in numbers if name == subscription.name)
        assert mine == list(range(1, len(mine) + 1))
        assert len(mine) > 20


async def test_two_that_store_and_record_in_the_same_lanes_at_once_both_get_on(pair: Pair) -> None:
    one, two = pair
    for number in range(10):
        onset = str(number)
        opened = await added(one, divergence(onset=onset, sequence=2 * number), *MANY)
        await begin(one, *opened)
        results = [AttemptRecord(delivery=each, decision=retry_at(9), attempt=attempt()) for each in opened]

        await asyncio.gather(
            DeliveryQueue(one).record(results, now_ns=5),
            added(two, divergence(onset=onset, type=Transition.CLOSED, sequence=2 * number + 1), *MANY),
        )

    kept = list((await states(one)).values())
    # Whichever came first: the opening was superseded, and only the end waits.
    assert kept.count("superseded") == kept.count("pending") == 10 * len(MANY)


async def test_lost_connection_is_replaced_by_one_with_a_new_name(pair: Pair) -> None:
    one, two = pair
    reconnected = asyncio.Event()
    one.on_reconnect = reconnected.set
    (begun, other) = await added(one, divergence(), DESK, OPS)
    await begin(one, begun)
    name = one.instance
    await end_other_connections(two)

    with pytest.raises(Exception, match="the delivery store failed"):
        await begin(one, other)
    assert not one.is_reachable

    # The results of attempts that were made meanwhile are not lost.
    assert (await record(one, begun, DELIVERED)).state == "delivered"
    assert one.is_reachable
    async with asyncio.timeout(5):
        await reconnected.wait()
    assert one.instance != name
    assert one.instances == (name, one.instance)
    (waits,) = (await DeliveryQueue(one).load(10)).deliveries
    assert waits.delivery_id == other.delivery_id
    assert await begin(one, other) == {other.delivery_id}


async def test_result_that_comes_after_another_notifier_took_over_changes_nothing(pair: Pair) -> None:
    one, two = pair
    (begun,) = await added(one, divergence(), DESK)
    await begin(one, begun)
    await end_other_connections(two)
    claimed: tuple[PendingDelivery, ...] = ()
    async with asyncio.timeout(10):
        while not claimed:
            claimed = await DeliveryQueue(two).claim()
    (interrupted,) = claimed
    assert interrupted.is_interrupted

    with pytest.raises(Exception, match="the delivery store failed"):
        await record(one, begun, DELIVERED)
    assert (await record(one, begun, DELIVERED)).state is None
    assert await states(two) == {begun.delivery_id: "sending"}
