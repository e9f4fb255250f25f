"""An event is stored once, with all its deliveries or none, numbered without gaps; it replaces older ones."""

from dataclasses import replace

import pytest

from services.notifier.core.deliveries import PendingDelivery, Replaced
from services.notifier.core.repeat_interval import LastNotified
from services.notifier.core.routing import DeliveryPlan, RoutingHistory
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, Repeated, StoredEvent
from services.notifier.store.positions import LogPosition, LogPositions
from services.notifier.store.queue import DeliveryQueue
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Outcome
from shared.domain.divergences import DivergenceEvent, Severity, Transition
from shared.domain.instants import parse_rfc3339
from shared.errors import StoreUnavailable
from tests.support.builders import divergence
from tests.support.stored_events import (
    ANN,
    DELIVERED,
    DESK,
    EXPIRED,
    OPS,
    REJECTED,
    add,
    added,
    begin,
    finish,
    planned,
    received_event,
    record,
    retry_at,
    scalar,
    states,
    waiting,
)


async def history_of(
    database: Database, event_onset: str, *, receivers: tuple[str, ...] = ()
) -> RoutingHistory:
    seen: list[RoutingHistory] = []

    def plan(history: RoutingHistory) -> DeliveryPlan:
        seen.append(history)
        return DeliveryPlan(deliveries=(), suppressed=())

    event = divergence(onset=event_onset, type=Transition.CLOSED, sequence=99)
    received = replace(received_event(event), value=b"")
    await EventLog(database).add(received, plan, receivers_with_interval=receivers)
    return seen[0]


async def test_event_is_stored_once_with_its_deliveries(database: Database) -> None:
    first = await add(database, divergence(), DESK, ANN)
    again = await add(database, divergence(), DESK, ANN, at_ns=2_000)

    assert isinstance(first, StoredEvent)
    assert again == Repeated(is_identical=True)
    assert sorted(await waiting(database)) == [("ann", 1), ("desk", 1)]


async def test_what_is_returned_is_what_a_restart_reads(database: Database) -> None:
    stored = await add(database, divergence(), DESK, ANN)

    assert isinstance(stored, StoredEvent)
    loaded = await DeliveryQueue(database).load(10)
    assert sorted(loaded.deliveries, key=str) == sorted(stored.deliveries, key=str)
    assert loaded.receivers_with_more == frozenset()


async def test_event_that_comes_again_with_other_bytes_is_noticed(database: Database) -> None:
    await add(database, divergence(), DESK)

    again = await add(database, divergence(sequence=99), DESK)

    assert again == Repeated(is_identical=False)
    assert await waiting(database) == [("desk", 1)]


async def test_event_and_deliveries_are_one_transaction(database: Database) -> None:
    """Two deliveries of one id cannot both be stored: then the event must not be either, nor its number."""

    stored = await add(database, divergence(), DESK)
    assert isinstance(stored, StoredEvent)
    (planned,) = stored.plan.deliveries
    event = divergence(onset="another", sequence=2)

    def plan_twice(history: RoutingHistory) -> DeliveryPlan:
        twice = replace(planned, delivery_id="dl_2", event_id=event.event_id)
        return DeliveryPlan(deliveries=(twice, replace(twice, subscription="ops")), suppressed=())

    position = LogPosition(topic="divergences.v1", partition=0, offset=7)
    with pytest.raises(Exception, match=r"UNIQUE|unique") as caught:
        await EventLog(database).add(received_event(event), plan_twice, position=position)

    assert not isinstance(caught.value, StoreUnavailable)
    assert await LogPositions(database).read("divergences.v1") == {}
    (delivery,) = await added(database, event, DESK)
    assert delivery.endpoint_sequence == 2


async def test_value_comes_back_byte_for_byte(database: Database) -> None:
    await add(database, divergence(), DESK, at_ns=77)

    contents = await DeliveryQueue(database).contents([divergence().event_id, "ev_unknown"])

    assert list(contents) == [divergence().event_id]
    content = contents[divergence().event_id]
    assert content.value == DIVERGENCES.encode(divergence())
    assert (content.received_at_ns, content.published_at_ns) == (77, 77)


async def test_bytes_that_are_no_text_come_back_too(database: Database) -> None:
    every_byte = bytes(range(256))
    received = replace(received_event(divergence()), value=every_byte)
    await EventLog(database).add(received, lambda _: DeliveryPlan(deliveries=(), suppressed=()))

    contents = await DeliveryQueue(database).contents([received.event_id])

    assert contents[received.event_id].value == every_byte


async def test_plan_is_given_who_was_notified_of_the_divergence(database: Database) -> None:
    await add(database, divergence(), DESK)
    await add(database, divergence(onset="another"), ANN)

    history = await history_of(database, "2014-05-02T12:30:10.000000Z")

    assert history == RoutingHistory(notified=frozenset({"desk"}), gone=frozenset())


async def test_plan_is_given_the_last_message_about_the_fingerprint(database: Database) -> None:
    earlier = divergence(onset="one", occurred_at="2014-05-02T10:00:00.000000Z", severity=Severity.CRITICAL)
    await add(database, earlier, DESK, ANN, at_ns=1_000)
    last = divergence(onset="two", occurred_at="2014-05-02T11:00:00.000000Z", sequence=2)
    (sent, _) = await added(database, last, DESK, ANN, at_ns=2_000)
    # It notified nobody, so the one before it counts.
    await finish(database, sent, REJECTED)
    receivers = (DESK.receiver_id, ANN.receiver_id, OPS.receiver_id)

    history = await history_of(database, "three", receivers=receivers)

    assert history.last_notified == {
        DESK.receiver_id: LastNotified(
            occurred_at_ns=parse_rfc3339("2014-05-02T10:00:00.000000Z"), severity=Severity.CRITICAL
        ),
        ANN.receiver_id: LastNotified(
            occurred_at_ns=parse_rfc3339("2014-05-02T11:00:00.000000Z"), severity=Severity.WARNING
        ),
    }


async def test_message_about_another_fingerprint_is_not_the_last_one(database: Database) -> None:
    await add(database, divergence(pair="gold-spy"), DESK)

    history = await history_of(database, "three", receivers=(DESK.receiver_id,))

    assert history.last_notified == {}


async def test_messages_of_a_subscription_are_numbered_without_gaps(database: Database) -> None:
    numbers = []
    for sequence in range(1, 5):
        event = divergence(onset=str(sequence), sequence=sequence)
        # Every other one goes to ops as well, which counts on its own.
        deliveries = await added(database, event, *([DESK, OPS] if sequence % 2 else [DESK]))
        numbers.append({each.subscription: each.endpoint_sequence for each in deliveries})

    assert numbers == [{"desk": 1, "ops": 1}, {"desk": 2}, {"desk": 3, "ops": 2}, {"desk": 4}]


async def test_record_in_the_log_is_known_to_be_stored(database: Database) -> None:
    positions = LogPositions(database)
    assert await positions.read("divergences.v1") == {}
    first = LogPosition(topic="divergences.v1", partition=3, offset=41)

    await add(database, divergence(), DESK, position=first)
    assert await positions.read("divergences.v1") == {3: 42}
    # The same event again, later in the log.
    await add(database, divergence(), DESK, position=replace(first, offset=42))
    assert await positions.read("divergences.v1") == {3: 43}
    # A record that was dead-lettered, and one of another partition.
    await positions.move(replace(first, offset=43))
    await positions.move(replace(first, partition=0, offset=0))

    assert await positions.read("divergences.v1") == {0: 1, 3: 44}
    assert await positions.read("other.v1") == {}


async def test_newer_message_supersedes_an_older_one_that_failed(database: Database) -> None:
    (opened, mail) = await added(database, divergence(), DESK, ANN)
    await begin(database, opened)
    await record(database, opened, retry_at(9_000))
    (elsewhere,) = await added(database, divergence(onset="another", sequence=2), DESK)
    escalated = await add(database, divergence(type=Transition.ESCALATED, sequence=3), DESK, at_ns=5_000)

    assert isinstance(escalated, StoredEvent)
    assert escalated.superseded == (opened.delivery_id,)
    (newer,) = escalated.deliveries
    assert newer.replaces == (Replaced(endpoint_sequence=1, outcome=Outcome.SUPERSEDED),)
    assert await states(database) == {
        opened.delivery_id: "superseded",
        mail.delivery_id: "pending",
        elsewhere.delivery_id: "pending",
        newer.delivery_id: "pending",
    }
    assert await scalar(database, "SELECT ended_at_ns FROM deliveries WHERE state = 'superseded'") == 5_000


async def test_message_that_was_not_attempted_keeps_its_place(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)

    closed = await add(database, divergence(type=Transition.CLOSED, sequence=2), DESK)

    assert isinstance(closed, StoredEvent)
    assert closed.superseded == ()
    assert [each.sequence for each in (await DeliveryQueue(database).load(10)).deliveries] == [2, 1]
    assert await DeliveryQueue(database).begin([opened.delivery_id], now_ns=1, on_disk=False)


async def test_message_that_a_newer_one_has_overtaken_ends_superseded(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    (closed,) = await added(database, divergence(type=Transition.CLOSED, sequence=2), DESK)
    await begin(database, closed)
    await record(database, closed, DELIVERED)

    begun = await DeliveryQueue(database).begin([opened.delivery_id], now_ns=7_000, on_disk=False)

    assert begun == frozenset()
    assert (await states(database))[opened.delivery_id] == "superseded"
    assert await scalar(database, "SELECT ended_at_ns FROM deliveries WHERE state = 'superseded'") == 7_000


async def test_message_that_is_being_sent_is_not_superseded(database: Database) -> None:
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)

    closed = await add(database, divergence(type=Transition.CLOSED, sequence=2), DESK)

    assert isinstance(closed, StoredEvent)
    assert closed.superseded == ()
    assert closed.deliveries[0].replaces == ()


async def test_message_names_what_its_receiver_never_got_since_the_last_that_it_got(
    database: Database,
) -> None:
    ends = [EXPIRED, DELIVERED, REJECTED, EXPIRED]
    for sequence, end in enumerate(ends, start=1):
        event = divergence(type=Transition.ESCALATED, occurrence=sequence, sequence=sequence)
        (delivery,) = await added(database, event, DESK)
        await finish(database, delivery, end)
    (failed,) = await added(database, divergence(type=Transition.ESCALATED, occurrence=5, sequence=5), DESK)
    await begin(database, failed)
    await record(database, failed, retry_at(9_000))

    (last,) = await added(database, divergence(type=Transition.CLOSED, sequence=6), DESK)

    assert [(each.endpoint_sequence, each.outcome) for each in last.replaces] == [
        (3, Outcome.REJECTED),
        (4, Outcome.EXPIRED),
        (5, Outcome.SUPERSEDED),
    ]
    loaded = await DeliveryQueue(database).load(10)
    assert loaded.deliveries == (last,)


async def test_message_names_at_most_twenty_that_it_replaces(database: Database) -> None:
    for sequence in range(1, 26):
        (failed,) = await added(
            database, divergence(type=Transition.ESCALATED, occurrence=sequence, sequence=sequence), DESK
        )
        await begin(database, failed)
        await record(database, failed, retry_at(9_000))

    (last,) = await added(database, divergence(type=Transition.CLOSED, sequence=26), DESK)

    assert [each.endpoint_sequence for each in last.replaces] == list(range(6, 26))


async def test_message_that_failed_waits_behind_no_newer_one(database: Database) -> None:
    """The opening was being sent when the escalation came, and failed: the escalation says all there is."""
    (opened,) = await added(database, divergence(), DESK)
    await begin(database, opened)
    (escalated,) = await added(database, divergence(type=Transition.ESCALATED, sequence=2), DESK)

    recorded = await record(database, opened, retry_at(9_000))

    replaced = (Replaced(endpoint_sequence=1, outcome=Outcome.SUPERSEDED),)
    assert recorded.state == "superseded"
    assert (recorded.newer, recorded.newer_replaces) == (escalated.delivery_id, replaced)
    loaded = await DeliveryQueue(database).load(10)
    assert loaded.deliveries == (replace(escalated, replaces=replaced),)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 2**63},
        {"sequence": -(2**63) - 1},
        {"received_at_ns": 2**70},
        {"published_at_ns": 2**63},
        {"occurred_at_ns": 2**64},
        {"pair": "\ud800"},
        {"event_id": "\udfff"},
        {"headers": {"name": "\ud800"}},
        {"headers": {"\udc80": "name"}},
        {"value": None},
    ],
    ids=str,
)
async def test_value_that_no_database_keeps_is_an_error_about_the_record(
    database: Database, change: dict[str, object]
) -> None:
    """The consumer dead-letters such a record; it repeats one whose store is away."""
    received = replace(received_event(divergence()), **change)  # type: ignore[arg-type]  # by name
    position = LogPosition(topic="divergences.v1", partition=0, offset=1)
    with pytest.raises(Exception, match=r"(?s).*") as caught:
        await EventLog(database).add(
            received, lambda _: DeliveryPlan(deliveries=(), suppressed=()), position=position
        )

    assert not isinstance(caught.value, StoreUnavailable)
    assert database.is_reachable
    assert await scalar(database, "SELECT count(*) FROM events") == 0
    assert await LogPositions(database).read("divergences.v1") == {}


@pytest.mark.parametrize(
    "change", [{"expires_at_ns": 2**63}, {"sequence": 2**64}, {"receiver_id": "\ud800"}], ids=str
)
async def test_delivery_that_no_database_keeps_is_an_error_about_the_record(
    database: Database, change: dict[str, object]
) -> None:
    stored = await add(database, divergence(), DESK)
    assert isinstance(stored, StoredEvent)
    event = divergence(onset="another", sequence=2)
    planned = replace(
        stored.plan.deliveries[0],
        delivery_id="dl_2",
        event_id=event.event_id,
        **change,  # type: ignore[arg-type]  # by name
    )
    with pytest.raises(Exception, match=r"(?s).*") as caught:
        await EventLog(database).add(
            received_event(event), lambda _: DeliveryPlan(deliveries=(planned,), suppressed=())
        )

    assert not isinstance(caught.value, StoreUnavailable)
    (delivery,) = await added(database, event, DESK)
    assert delivery.endpoint_sequence == 2


async def test_delivery_may_be_stored_as_being_sent_if_no_earlier_one_of_its_lane_waits(
    database: Database,
) -> None:
    log = EventLog(database)

    async def stored(event: DivergenceEvent) -> tuple[PendingDelivery, ...]:
        made = await log.add(
            received_event(event),
            planned(event, DESK, ANN),
            may_begin=lambda each: each.subscription == "desk",
        )
        assert isinstance(made, StoredEvent)
        return made.deliveries

    (opened, mail) = await stored(divergence())
    (escalated, _) = await stored(divergence(type=Transition.ESCALATED, sequence=2))
    await record(database, opened, DELIVERED)
    await finish(database, escalated, DELIVERED)
    (closed, _) = await stored(divergence(type=Transition.CLOSED, sequence=3))

    begun = [(each.has_begun, each.attempts) for each in (opened, mail, escalated, closed)]
    assert begun == [(True, 1), (False, 0), (False, 0), (True, 1)]
    found = await states(database, {opened.delivery_id, escalated.delivery_id, closed.delivery_id})
    assert sorted(found.values()) == ["delivered", "delivered", "sending"]
    assert await begin(database, closed) == frozenset()
